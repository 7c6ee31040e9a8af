//! How fast is the graph, side by side with `hnsw_rs`: builds, opens and searches codes of generated prompts, and writes them
//! down for the peers that are driven from Python.
#![allow(clippy::print_stdout, reason = "the result of a benchmark is what it prints")]

use std::error::Error;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cpu_time::{ProcessTime, ThreadTime};
use promptprint::index::hnsw::{
    BuildOptions, Graph, Hit, Hot, HotOptions, Metric, Origin, Row, Scratch, SearchOptions, build,
};
use promptprint::num::{f64_of, usize_of};
use promptprint::simd::Kernels;
use promptprint_benches::codes::{Code, codes};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Answers asked for; recall is measured at this k.
const K: usize = 10;

/// Effort of a search, until recall is all but complete.
const EFS: [usize; 22] =
    [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384];

/// Queries, and the CPU seconds that each point is repeated for.
const QUERIES: usize = 1_000;
const SECONDS: f64 = 0.4;

/// More effort is not tried when all queries once took longer.
const SECONDS_MAX: f64 = 150.0;

struct Arguments {
    n: usize,
    folder: PathBuf,
    engines: Vec<String>,
}

fn arguments() -> Outcome<Arguments> {
    let mut parsed = Arguments { n: 100_000, folder: PathBuf::from("."), engines: vec!["promptprint".to_owned()] };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--n" => parsed.n = value.parse()?,
            "--folder" => parsed.folder = PathBuf::from(value),
            "--engines" => parsed.engines = value.split(',').map(str::to_owned).collect(),
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    Ok(parsed)
}

/// Codes read back or made: those to index and those to look for, kept in `folder` for the peers and for another run.
fn codes_in(folder: &Path, n: usize) -> Outcome<(Vec<Code>, Vec<Code>)> {
    let (base, queries) = (folder.join("base.b8"), folder.join("query.b8"));
    if let (Ok(base), Ok(queries)) = (fs::read(&base), fs::read(&queries))
        && (base.len(), queries.len()) == (n * 128, QUERIES * 128)
    {
        return Ok((base.as_chunks::<128>().0.to_vec(), queries.as_chunks::<128>().0.to_vec()));
    }
    let made = codes(n, QUERIES, 5)?;
    eprintln!("graph-peers: {:.3} of the distinct texts lead", made.leader_share);
    fs::write(&base, made.base.as_flattened())?;
    fs::write(&queries, made.queries.as_flattened())?;
    Ok((made.base, made.queries))
}

/// One point of a curve: recall@10 and queries per CPU second.
struct Point {
    ef: usize,
    recall: f64,
    rate: f64,
}

/// The rate at a recall, by linear interpolation between the points around it.
fn rate_at(points: &[Point], recall: f64) -> Option<f64> {
    if points.first().is_some_and(|point| point.recall >= recall) {
        return points.first().map(|point| point.rate);
    }
    points.windows(2).find(|pair| pair[0].recall < recall && recall <= pair[1].recall).map(|pair| {
        let share = (recall - pair[0].recall) / (pair[1].recall - pair[0].recall);
        pair[0].rate + share * (pair[1].rate - pair[0].rate)
    })
}

/// Runs `search` over the queries at rising effort. A result counts when it is no farther than the exact tenth.
fn curve(queries: &[Code], worst: &[u32], mut search: impl FnMut(&Code, usize, &mut Vec<Hit>)) -> Vec<Point> {
    let mut points = Vec::new();
    let mut hits = Vec::new();
    for ef in EFS {
        let (mut found, mut rounds) = (0, 0);
        let start = ThreadTime::now();
        while start.elapsed().as_secs_f64() < SECONDS {
            found = 0;
            for (query, &worst) in queries.iter().zip(worst) {
                search(query, ef, &mut hits);
                found += hits.iter().take(K).filter(|hit| hit.distance <= worst).count();
            }
            rounds += 1;
        }
        let seconds = start.elapsed().as_secs_f64() / f64_of(rounds);
        let recall = f64_of(found) / f64_of(K * queries.len());
        points.push(Point { ef, recall, rate: f64_of(queries.len()) / seconds });
        if seconds > SECONDS_MAX {
            break;
        }
        // What is asked for lies between this point and the one before.
        if recall >= 0.99 {
            break;
        }
    }
    points
}

/// What is printed of an engine, as one line of JSON.
struct Line<'a> {
    engine: &'a str,
    n: usize,
    points: Vec<Point>,
    build_seconds: f64,
    bytes_per_vector: f64,
    save_seconds: Option<f64>,
    open_seconds: Option<f64>,
    two_threads: Option<f64>,
}

impl Line<'_> {
    fn print(&self) {
        let number = |value: Option<f64>| value.map_or_else(|| "null".to_owned(), |value| format!("{value:.6}"));
        let recall_95 = self.points.iter().find(|point| point.recall >= 0.95).map(|point| point.recall);
        let points: Vec<String> =
            self.points.iter().map(|Point { ef, recall, rate }| format!("[{ef},{recall:.4},{rate:.1}]")).collect();
        println!(
            "{{\"engine\":\"{}\",\"n\":{},\"recall_95\":{},\"qps_95\":{},\"qps_99\":{},\"build_per_s\":{:.0},\
             \"bytes_per_vector\":{:.1},\"save_s\":{},\"open_s\":{},\"two_threads\":{},\"points\":[{}]}}",
            self.engine,
            self.n,
            number(recall_95),
            number(rate_at(&self.points, 0.95)),
            number(rate_at(&self.points, 0.99)),
            f64_of(self.n) / self.build_seconds,
            self.bytes_per_vector,
            number(self.save_seconds),
            number(self.open_seconds),
            number(self.two_threads),
            points.join(",")
        );
    }
}

/// Maps a file that this program wrote.
#[allow(unsafe_code)]
fn map(path: &Path) -> Outcome<memmap2::Mmap> {
    let file = fs::File::open(path)?;
    // SAFETY: the file was written and closed by this program, and nothing else writes in its folder while it runs.
    Ok(unsafe { memmap2::Mmap::map(&file)? })
}

/// Resident bytes of this process.
fn resident_bytes() -> f64 {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok()));
    pages.unwrap_or(0.0) * 4096.0
}

fn ours(n: usize, base: &[Code], queries: &[Code], worst: &[u32], path: &Path) -> Outcome<()> {
    let kernels = Kernels::detect();
    let start = ProcessTime::now();
    let go_on = &mut |_| ControlFlow::Continue(());
    let draft = build(base, None, &BuildOptions::new(Metric::HammingBits), kernels, go_on)?;
    let build_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let mut file = std::io::BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    draft.write_to(&mut file)?;
    file.flush()?;
    let save_seconds = start.elapsed().as_secs_f64();
    drop((file, draft));

    let mut open_seconds = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        let image = map(path)?;
        let graph = Graph::open(&image, Origin { path, offset: 0 }, Metric::HammingBits, kernels)?;
        std::hint::black_box(graph.node_count());
        open_seconds = open_seconds.min(start.elapsed().as_secs_f64());
    }
    let image = map(path)?;
    let graph = Graph::open(&image, Origin { path, offset: 0 }, Metric::HammingBits, kernels)?;
    graph.check().map_err(|(at, kind)| format!("byte {at}: {kind}"))?;
    let mut scratch = Scratch::new();
    let points = curve(queries, worst, |query, ef, hits| {
        graph.search(query, &SearchOptions { k: K, ef }, |_| true, &mut scratch, hits);
    });
    let two_threads = two_threads(&graph, queries);
    Line {
        engine: "promptprint",
        n,
        points,
        build_seconds,
        bytes_per_vector: f64_of(image.len()) / f64_of(n),
        save_seconds: Some(save_seconds),
        open_seconds: Some(open_seconds),
        two_threads: Some(two_threads),
    }
    .print();
    Ok(())
}

/// Queries per CPU second of two threads at once, twice over, against those of one alone: 2.0 is perfect.
fn two_threads(graph: &Graph<'_>, queries: &[Code]) -> f64 {
    let work = || {
        let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
        let start = ThreadTime::now();
        let mut rounds = 0;
        while start.elapsed().as_secs_f64() < SECONDS {
            for query in queries {
                graph.search(query, &SearchOptions { k: K, ef: 64 }, |_| true, &mut scratch, &mut hits);
            }
            rounds += 1;
        }
        f64_of(rounds) / start.elapsed().as_secs_f64()
    };
    let alone = work();
    let both = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        work() + other.join().unwrap_or(0.0)
    });
    both / alone
}

fn hnsw_rs(n: usize, base: &[Code], queries: &[Code], worst: &[u32]) -> Outcome<()> {
    let before = resident_bytes();
    let start = ProcessTime::now();
    let options = HotOptions { capacity: n, ..HotOptions::new(Metric::HammingBits) };
    let hot = Hot::new(&options, Kernels::detect())?;
    for (code, row) in base.iter().zip(0..) {
        hot.insert(Row(row), code);
    }
    let build_seconds = start.elapsed().as_secs_f64();
    let bytes_per_vector = (resident_bytes() - before) / f64_of(n);
    let points = curve(queries, worst, |query, ef, hits| {
        hot.search(query, &SearchOptions { k: K, ef }, |_| true, hits);
    });
    Line {
        engine: "hnsw_rs",
        n,
        points,
        build_seconds,
        bytes_per_vector,
        save_seconds: None,
        open_seconds: None,
        two_threads: None,
    }
    .print();
    Ok(())
}

/// The distance of the exact tenth neighbour of each query, kept beside the codes.
fn exact(base: &[Code], queries: &[Code], path: &Path) -> Outcome<Vec<u32>> {
    if let Ok(bytes) = fs::read(path)
        && bytes.len() == 4 * queries.len()
    {
        return Ok(bytes.as_chunks::<4>().0.iter().map(|&worst| u32::from_le_bytes(worst)).collect());
    }
    let kernels = Kernels::detect();
    let mut worst = Vec::with_capacity(queries.len());
    for query in queries {
        let mut counts = [0_usize; 1025];
        for code in base {
            counts[usize_of(kernels.hamming(query, code))] += 1;
        }
        let mut left = K;
        let tenth = counts.iter().position(|&count| {
            let enough = count >= left;
            left = left.saturating_sub(count);
            enough
        });
        worst.push(u32::try_from(tenth.unwrap_or(1024))?);
    }
    let bytes: Vec<u8> = worst.iter().flat_map(|distance| distance.to_le_bytes()).collect();
    fs::write(path, bytes)?;
    Ok(worst)
}

fn main() -> Outcome<()> {
    let Arguments { n, folder, engines } = arguments()?;
    fs::create_dir_all(&folder)?;
    let (base, queries) = codes_in(&folder, n)?;
    let worst = exact(&base, &queries, &folder.join("exact.u32"))?;
    for engine in engines {
        match engine.as_str() {
            "codes" => {}
            "promptprint" => ours(n, &base, &queries, &worst, &folder.join("graph.image"))?,
            "hnsw_rs" => hnsw_rs(n, &base, &queries, &worst)?,
            _ => return Err(format!("unknown engine {engine}").into()),
        }
    }
    Ok(())
}
