"""Times the Python-facing peers on the text and the hashes that the Rust half left in a folder; prints JSON lines."""
import glob
import json
import os
import struct
import sys
import time

for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np
from datasketch import MinHash
from FastSketchLSH import FastSimilaritySketch
from rensa import RMinHash

K = 128


def best(work, runs=5):
    least = float("inf")
    for _ in range(runs):
        started = time.process_time()
        work()
        least = min(least, time.process_time() - started)
    return max(least, 1e-9)


def report(engine, case, byte_count, seconds):
    print(json.dumps({"engine": engine, "case": case, "bytes_per_s": round(byte_count / seconds)}), flush=True)
    return seconds


def texts(path):
    data, at, found = open(path, "rb").read(), 0, []
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        found.append(data[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return found


def w3(text):
    words = text.lower().split()
    return [" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))]


def c5(text):
    text = " ".join(text.lower().split())
    return [text[i : i + 5] for i in range(max(1, len(text) - 4))]


folder = sys.argv[1]
fast = FastSimilaritySketch(K, 42)
shingling = {case: seconds for case, seconds in (pair.split("=") for pair in sys.argv[2:])}
for case in ("c5-650", "c5-4300", "w3-650"):
    shingle = c5 if case.startswith("c5") else w3
    prompts = texts(f"{folder}/{case}.txt")
    total = sum(len(prompt.encode()) for prompt in prompts)
    hashes = np.fromfile(f"{folder}/{case}.hashes", np.uint64)
    offsets = np.fromfile(f"{folder}/{case}.offsets", np.uint64)
    seconds = report(
        "rensa-hashed", case, total,
        best(lambda: RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, K, 42), 15),
    )
    report("rensa-hashed+our-shingling", case, total, seconds + total / float(shingling[case]))
    report(
        "fastsketchlsh-hashed", case, total,
        best(lambda: fast.batch_csr(hashes, offsets, prehashed=True, num_threads=1), 9),
    )
    some = prompts[: len(prompts) // 4]
    some_bytes = sum(len(prompt.encode()) for prompt in some)
    report(
        "rensa-text", case, some_bytes,
        best(lambda: RMinHash.digest_matrix_from_token_sets([shingle(p) for p in some], K, 42), 3),
    )
    report(
        "fastsketchlsh-text", case, some_bytes,
        best(lambda: fast.batch([shingle(p) for p in some], num_threads=1), 3),
    )
    few = prompts[: len(prompts) // 20]
    few_bytes = sum(len(prompt.encode()) for prompt in few)
    report(
        "datasketch-text", case, few_bytes,
        best(lambda: list(MinHash.bulk([[s.encode() for s in shingle(p)] for p in few], num_perm=K)), 2),
    )
for path in sorted(glob.glob(f"{folder}/n*.hashes"), key=lambda path: int(path.split("/n")[-1][:-7])):
    case = os.path.basename(path)[: -len(".hashes")]
    hashes, offsets = np.fromfile(path, np.uint64), np.fromfile(path[:-7] + ".offsets", np.uint64)
    report(
        "rensa-hashed", case, hashes.nbytes,
        best(lambda: RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, K, 42), 9),
    )
