"""What usearch and faiss make of the codes that graph-peers wrote: FOLDER ENGINES. One JSON line an engine, M = 16, efConstruction = 128.
Queries are per CPU second of one thread, in batches of 1,000; recall@10 by distance against the exact tenth."""
import json, os, sys, time
import numpy as np

folder, engines = sys.argv[1], sys.argv[2].split(",")
K, M, EFC = 10, 16, 128
EFS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384]
base = np.fromfile(f"{folder}/base.b8", np.uint8).reshape(-1, 128)
queries = np.fromfile(f"{folder}/query.b8", np.uint8).reshape(-1, 128)
worst = np.fromfile(f"{folder}/exact.u32", np.uint32)
bits = np.array([bin(i).count("1") for i in range(256)], np.uint16)
n = len(base)


def recall(ids):
    ids = np.asarray(ids).astype(np.int64)
    valid = (ids >= 0) & (ids < n)
    for row, ok in zip(ids, valid):  # an answer given twice counts once
        first = np.zeros(len(row), bool)
        first[np.unique(row, return_index=True)[1]] = True
        ok &= first
    distance = bits[base[np.where(valid, ids, 0)] ^ queries[:, None, :]].sum(-1)
    return float(((distance <= worst[:, None]) & valid).mean())


def rate_at(points, level):
    if points and points[0][1] >= level:
        return points[0][2]
    for (_, r0, q0), (_, r1, q1) in zip(points, points[1:]):
        if r0 < level <= r1:
            return q0 + (q1 - q0) * (level - r0) / (r1 - r0)
    return None


def run(engine):
    start = time.process_time()
    file = f"{folder}/{engine}.index"
    if engine == "usearch":
        from usearch.index import Index, MetricKind, ScalarKind
        index = Index(ndim=1024, metric=MetricKind.Hamming, dtype=ScalarKind.B1, connectivity=M, expansion_add=EFC)
        index.add(np.arange(n, dtype=np.uint64), base, threads=1)

        def search(ef):
            index.expansion_search = ef
            return index.search(queries, K, threads=1).keys
    else:
        import faiss
        faiss.omp_set_num_threads(1)
        index = faiss.IndexBinaryHNSW(1024, M)
        index.hnsw.efConstruction = EFC
        index.add(base)

        def search(ef):
            index.hnsw.efSearch = ef
            return index.search(queries, K)[1]
    built = time.process_time() - start
    points = []
    for ef in EFS:
        start, rounds = time.process_time(), 0
        while time.process_time() - start < 0.4:
            found = search(ef)
            rounds += 1
        seconds = (time.process_time() - start) / rounds
        level = recall(found)
        points.append((ef, round(level, 4), round(len(queries) / seconds, 1)))
        # More effort is not tried when it is enough, or when all queries once took longer.
        if level >= 0.99 or seconds > 150:
            break
    start = time.time()
    if engine == "usearch":
        index.save(file)
        saved = time.time() - start
        start = time.time()
        Index.restore(file, view=True)
    else:
        faiss.write_index_binary(index, file)
        saved = time.time() - start
        start = time.time()
        try:
            faiss.read_index_binary(file, faiss.IO_FLAG_MMAP_IFC)
        except Exception:
            faiss.read_index_binary(file)
    opened = time.time() - start
    size = os.path.getsize(file) / n
    os.remove(file)
    recall_95 = next((r for _, r, _ in points if r >= 0.95), None)
    print(json.dumps({"engine": engine, "n": n, "recall_95": recall_95, "qps_95": rate_at(points, 0.95),
                      "qps_99": rate_at(points, 0.99), "build_per_s": round(n / built), "bytes_per_vector": round(size, 1),
                      "save_s": round(saved, 4), "open_s": round(opened, 6), "two_threads": None, "points": points}), flush=True)


for engine in engines:
    run(engine)
