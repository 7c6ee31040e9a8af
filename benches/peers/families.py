"""Groups labelled logs by four engines and prints pair F1, precision, recall and requests a second of each."""
import collections
import json
import os
import subprocess
import sys
import tempfile
import time
import unicodedata

os.environ["RAYON_NUM_THREADS"] = "1"
from datasketch import MinHash, MinHashLSH
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig


def folded(prompt):
    return " ".join(unicodedata.normalize("NFKC", prompt).lower().split())


def prefix(length):
    return lambda rows, log: [folded(row["prompt"]).encode()[:length] for row in rows]


def minhash(rows, log):
    """Connected components of pairs whose estimated resemblance is at least .8, over distinct words of three."""
    index = MinHashLSH(threshold=0.8, num_perm=128)
    parent = list(range(len(rows)))

    def root(of):
        while parent[of] != of:
            parent[of] = parent[parent[of]]
            of = parent[of]
        return of

    for number, row in enumerate(rows):
        words = folded(row["prompt"]).split()
        shingles = {" ".join(words[at : at + 3]).encode() for at in range(max(1, len(words) - 2))}
        sketch = MinHash(num_perm=128)
        sketch.update_batch(sorted(shingles))
        for other in index.query(sketch):
            parent[root(number)] = root(other)
        index.insert(number, sketch)
    groups = [root(number) for number in range(len(rows))]
    size = collections.Counter(groups)
    return [group if size[group] > 1 else None for group in groups]


def drain3(rows, log):
    config = TemplateMinerConfig()
    config.drain_sim_th, config.drain_depth, config.drain_max_children = 0.4, 4, 100
    config.profiling_enabled = False
    miner = TemplateMiner(config=config)
    return [miner.add_log_message(row["prompt"].replace("\n", " "))["cluster_id"] for row in rows]


def promptprint(rows, log):
    """The whole job: reading, sketches, store, families."""
    program = os.environ["PROMPTPRINT_PROGRAM"]
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "store")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
        subprocess.run([program, "index", log, "--store", store], **quiet)
        lines = subprocess.run(
            [program, "families", "--members", "--json", "--store", store], stdout=subprocess.PIPE, check=True
        ).stdout.splitlines()
    family = {row["id"]: row["family"] for row in map(json.loads, lines)}
    return [family[row["id"]] for row in rows]


def score(rows, groups):
    pairs = lambda counter: sum(n * (n - 1) // 2 for n in counter.values())
    labels = [row.get("template_id") or None for row in rows]
    both = pairs(collections.Counter((l, g) for l, g in zip(labels, groups) if l is not None and g is not None))
    grouped = pairs(collections.Counter(g for g in groups if g is not None))
    labelled = pairs(collections.Counter(l for l in labels if l is not None))
    precision, recall = both / max(1, grouped), both / max(1, labelled)
    return 2 * precision * recall / max(1e-9, precision + recall), precision, recall


ENGINES = {
    "promptprint": promptprint,
    "prefix, 32 bytes": prefix(32),
    "prefix, 128 bytes": prefix(128),
    "MinHash LSH .8 (datasketch)": minhash,
    "Drain3, sim .4": drain3,
}


def main():
    print("| log | engine | pair F1 | precision | recall | requests/s |\n|---|---|---|---|---|---|", flush=True)
    for log in sys.argv[1:]:
        with open(log, encoding="utf8") as lines:
            rows = [json.loads(line) for line in lines]
        for name, engine in ENGINES.items():
            started = time.time()
            groups = engine(rows, log)
            seconds = time.time() - started
            f1, precision, recall = score(rows, groups)
            base = os.path.basename(log)
            rate = round(len(rows) / seconds)
            print(f"| {base} | {name} | {f1:.3f} | {precision:.3f} | {recall:.3f} | {rate} |", flush=True)


main()
