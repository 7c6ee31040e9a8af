"""Whom an audit and replays accuse, against the labels of generated traffic: one line, and exit code 1 when an innocent is among them.

usage: accused.py [--apart] NAME LABELS AUDIT REPLAY...     each a file of JSON lines; --apart: also when two campaigns share an id
"""
import collections
import json
import sys

arguments = sys.argv[1:]
apart = "--apart" in arguments
name, labels, audit, *replays = [argument for argument in arguments if argument != "--apart"]


def rows(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines if line.strip()]


campaign_of, kind_of = {}, {}
for row in rows(labels):
    campaign_of[row["account"]], kind_of[row["account"]] = row["campaign"], row["kind"]
accused = rows(audit)
found = collections.defaultdict(collections.Counter)
for row in accused:
    found[row["campaign"]][campaign_of[row["account"]]] += 1
everyone = {row["account"] for row in accused}
served = []
for replay in replays:
    for row in rows(replay):
        accounts = [account["account"] for account in row["accounts"]]
        everyone.update(accounts)
        names = {campaign_of[account] for account in accounts} - {None}
        served.append(f"{'+'.join(sorted(names)) or '?'} {100 * row['served_share']:.0f} %")
innocents = sorted(f"{account} ({kind_of[account]})" for account in everyone if campaign_of[account] is None)
mixed = [identity for identity, counts in found.items() if len(counts) > 1]
print(
    f"{name}: {', '.join('+'.join(f'{count} of {campaign}' for campaign, count in counts.items()) for counts in found.values())}; "
    f"served when first convicted: {', '.join(served)}; innocents: {', '.join(innocents) or 'none'}"
    f"{'; two campaigns under ' + ', '.join(mixed) if mixed else ''}",
    flush=True,
)
sys.exit(bool(innocents or (apart and mixed)))
