"""Compares what a gateway told of each request with what the bulk job says of the same requests.

    check.py TOLD.jsonl STORE PROMPTPRINT WORK

The gateway logged its requests into STORE; `maintain` seals them. Another store under the same key is made by `index` from the
same requests as a log. Both must name the same family for each request, and hold the same fingerprints: a request that came
through the gateway and is then indexed from a log under its id counts once.
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
import traffic

told_path, store, promptprint, work = sys.argv[1:5]
told = {}
for line in open(told_path):
    answer = json.loads(line)
    told.setdefault(answer["name"], answer)
assert len(told) == len(list(traffic.bodies())), f"{len(told)} answers"

fingerprints = {}
for name, answer in told.items():
    assert len(answer["fingerprint"]) == 32, answer
    assert answer["advice"] == "allow", answer
    fingerprints.setdefault(answer["fingerprint"], []).append(name)
# The same text under two API shapes is one text.
for number in range(6):
    one, other = told[f"chat-{number}"], told[f"messages-{number}"]
    assert one["fingerprint"] == other["fingerprint"], (one, other)


def run(*arguments):
    return subprocess.run([promptprint, *arguments], check=True, capture_output=True, text=True).stdout


# The bulk job's fingerprints and families of the same requests, under the same key.
log = f"{work}/same.jsonl"
open(log, "w").write("\n".join(traffic.plain_lines()) + "\n")
sketches = {}
out = subprocess.run([f"{work}/sketch", store, log], check=True, capture_output=True, text=True).stdout
for line in out.splitlines():
    name, fingerprint, family = line.split()
    sketches[name] = (fingerprint, family)
for name, answer in told.items():
    assert answer["fingerprint"] == sketches[name][0], (name, answer, sketches[name])

sealed = run("maintain", "--store", store)
extra = int(os.environ.get("EXTRA_REQUESTS", "0"))
assert f"{len(told) + extra} requests sealed" in sealed, sealed
again = run("index", log, "--store", store)
assert f"0 requests new, {len(told)} repeated" in again, again

families = {}
for line in run("families", "--store", store, "--members", "--json").splitlines():
    member = json.loads(line)
    if "id" in member:
        families[member["id"]] = member["family"]
templated = {name for name in told if name == "long" or int(name.split("-")[1]) % 2 == 0}
for name, answer in told.items():
    in_path = None if answer["family"] == "none" else answer["family"]
    if name in templated:
        assert in_path is not None and in_path == families[name], (name, in_path, families[name])
print(f"{len(told)} requests: fingerprints and families as in the bulk job, each counted once")
