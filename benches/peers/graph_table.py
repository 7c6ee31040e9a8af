"""Turns the JSON lines of benches/peers/graph into a table, with the ratios of promptprint to each peer."""
import json, sys

lines = [json.loads(line) for line in sys.stdin if line.startswith("{")]
ours = next(line for line in lines if line["engine"] == "promptprint")


def show(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def ratio(line, key):
    if not ours[key]:
        return "-"
    if line[key]:
        return f"{ours[key] / line[key]:.1f}x"
    # It never got there: at its greatest effort, where it still finds less, it is this much slower.
    return f"> {ours[key] / line['points'][-1][2]:.1f}x" if key.startswith("qps") else "-"


print("| engine | n | queries/s at .95 | at .99 | built/s | bytes a vector | save s | open ms | ours at .95 | at .99 | build |")
print("|---|---|---|---|---|---|---|---|---|---|---|")
for line in lines:
    opened = None if line["open_s"] is None else 1000 * line["open_s"]
    print(f"| {line['engine']} | {line['n']:,} | {show(line['qps_95'])} | {show(line['qps_99'])} | {show(line['build_per_s'])} "
          f"| {show(line['bytes_per_vector'], 1)} | {show(line['save_s'], 3)} | {show(opened, 3)} | {ratio(line, 'qps_95')} | {ratio(line, 'qps_99')} | {ratio(line, 'build_per_s')} |")
