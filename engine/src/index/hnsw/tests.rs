//! The promises of the graph: it finds, it repeats, everything can be reached, copies do no harm, and no bytes can hurt it.

use std::ops::ControlFlow;
use std::path::Path;

use super::draft::mix;
use super::*;
use crate::error::Error;
use crate::num::{f64_of, low32, u32_saturating, u64_of, usize_of};
use crate::simd::Kernels;

type Sketch = [u8; SKETCH_BYTES];

fn origin() -> Origin<'static> {
    Origin { path: Path::new("test.segment"), offset: 4096 }
}

/// Numbers that look random, from a seed that every failure names.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize_of(low32(self.word() >> 32)) % bound
    }
}

/// Sketches in clusters of uneven size, as families are: each is a centre with some bytes changed.
fn sketches(count: usize, seed: u64) -> Vec<Sketch> {
    let mut random = Random(seed << 32);
    let mut made = Vec::with_capacity(count);
    for _ in 0..count {
        let centre = random.below(200) * random.below(200) / 200;
        let mut sketch: Sketch = std::array::from_fn(|at| mix(u64_of(centre * SKETCH_BYTES + at)).to_le_bytes()[0]);
        for _ in 0..4 + random.below(40) {
            let at = random.below(SKETCH_BYTES);
            sketch[at] = random.word().to_le_bytes()[0];
        }
        made.push(sketch);
    }
    made
}

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn built(sketches: &[Sketch], metric: Metric) -> Draft {
    match build(sketches, None, &BuildOptions::new(metric), Kernels::detect(), &mut go_on) {
        Ok(draft) => draft,
        Err(error) => panic!("{error}"),
    }
}

fn opened(image: &[u8], metric: Metric) -> Graph<'_> {
    match Graph::open(image, origin(), metric, Kernels::detect()) {
        Ok(graph) => graph,
        Err(error) => panic!("{error}"),
    }
}

fn distance(metric: Metric, a: &Sketch, b: &Sketch) -> u32 {
    match metric {
        Metric::UnequalBytes => Kernels::detect().unequal_bytes(a, b),
        Metric::HammingBits => Kernels::detect().hamming(a, b),
    }
}

/// Recall@10 by distance over the different sketches, against a scan of the column.
fn recall(graph: &Graph<'_>, column: &[Sketch], queries: &[Sketch], ef: usize) -> f64 {
    recall_of(graph, column, queries, ef, |_| true)
}

/// The same, of the rows that `keep` lets through.
fn recall_of(
    graph: &Graph<'_>,
    column: &[Sketch],
    queries: &[Sketch],
    ef: usize,
    keep: impl Fn(Row) -> bool + Copy,
) -> f64 {
    let (mut scratch, mut hits, mut found, mut wanted) = (Scratch::new(), Vec::new(), 0, 0);
    for query in queries {
        let mut exact: Vec<u32> = column.iter().map(|sketch| distance(graph.metric(), query, sketch)).collect();
        exact.sort_unstable();
        let worst = exact[9];
        graph.search(query, &SearchOptions { k: 10, ef }, keep, &mut scratch, &mut hits);
        found += hits.iter().filter(|hit| hit.distance <= worst).count();
        wanted += 10;
    }
    f64_of(found) / f64_of(wanted)
}

#[test]
fn it_finds_what_a_scan_finds_and_every_node_can_be_reached() {
    let (column, queries) = (sketches(12_000, 1), sketches(200, 2));
    for metric in [Metric::UnequalBytes, Metric::HammingBits] {
        let draft = built(&column, metric);
        assert_eq!(draft.unreachable_count(), 0);
        let image = draft.image();
        let graph = opened(&image, metric);
        assert_eq!(graph.check(), Ok(()));
        assert_eq!(graph.row_count(), column.len());
        assert!(image.len() <= 300 * column.len());
        let found = recall(&graph, &column, &queries, 128);
        assert!(found >= 0.97, "{metric:?}: {found}");
        let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
        for query in queries.iter().take(20) {
            graph.search_exact(query, &SearchOptions { k: 25, ef: 0 }, |_| true, &mut scratch, &mut hits);
            let mut exact: Vec<Hit> = column
                .iter()
                .zip(0..)
                .map(|(sketch, row)| Hit { distance: distance(metric, query, sketch), row: Row(row) })
                .collect();
            exact.sort_unstable();
            assert!(hits.iter().map(|hit| hit.distance).eq(exact[..25].iter().map(|hit| hit.distance)));
            assert!(hits.is_sorted() && hits.iter().all(|hit| exact.contains(hit)));
        }
    }
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let column = sketches(3_000, 3);
    let images: Vec<Vec<u8>> = [1, 2, 5]
        .into_iter()
        .filter_map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok()?;
            Some(pool.install(|| built(&column, Metric::HammingBits).image()))
        })
        .collect();
    assert_eq!(images.len(), 3);
    assert!(images.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Copies: 50, 90 and 99 per cent of all rows, and one sketch a million times, against the column without them.
#[test]
fn the_image_of_these_sketches_is_the_same_for_ever() {
    // Format version 1: a graph that another build or another CPU made must be readable and made alike.
    for (metric, expected) in [(Metric::HammingBits, "4a523240fb3ac0d0"), (Metric::UnequalBytes, "911c91f89a452116")] {
        let mut image = Vec::new();
        built(&sketches(1_500, 77), metric).write_to(&mut image).expect("memory takes it");
        assert_eq!(crate::key::hex(&blake3::hash(&image).as_bytes()[..8]), expected, "{metric:?}");
    }
}

#[test]
fn copies_cost_no_recall() {
    let (column, queries) = (sketches(10_000, 4), sketches(150, 5));
    let control_image = built(&column, Metric::HammingBits).image();
    let control = recall(&opened(&control_image, Metric::HammingBits), &column, &queries, 64);
    for (share, rows) in [(50, 20_000), (90, 100_000), (99, 1_000_000), (100, 1_010_000)] {
        let mut many = column.clone();
        let mut random = Random(share << 40);
        while many.len() < rows {
            many.push(column[if share == 100 { 7 } else { random.below(column.len()) }]);
        }
        let image = built(&many, Metric::HammingBits).image();
        let graph = opened(&image, Metric::HammingBits);
        assert_eq!(
            (graph.node_count(), graph.row_count()),
            (opened(&control_image, Metric::HammingBits).node_count(), many.len())
        );
        // Every node can be reached, links and rows lie inside.
        assert_eq!(graph.check(), Ok(()));
        // Ten different sketches each time, however often each was given.
        let distinct = |row: Row| usize_of(row.0) < column.len();
        let found = recall_of(&graph, &column, &queries, 64, distinct);
        assert!(found >= control - 0.005, "{share} %: {found} against {control}");
        let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
        let rare = |row: Row| usize_of(row.0) < column.len() && row != Row(7);
        let searched = graph.search(&column[7], &SearchOptions { k: 3, ef: 64 }, rare, &mut scratch, &mut hits);
        assert!(hits.iter().all(|hit| rare(hit.row)) && (searched.truncated || hits.len() == 3));
    }
}

#[test]
fn filters_and_selections_hold() {
    let column = sketches(9_500, 6);
    let rows: Vec<u32> = (0..9_500).filter(|row| row % 19 != 0).collect();
    let options = BuildOptions::new(Metric::UnequalBytes);
    let kernels = Kernels::detect();
    let Ok(draft) = build(&column, Some(&rows), &options, kernels, &mut go_on) else { panic!("a selection") };
    let image = draft.image();
    let graph = opened(&image, Metric::UnequalBytes);
    let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
    for query in sketches(50, 7) {
        let odd = |row: Row| row.0 % 2 == 1;
        graph.search(&query, &SearchOptions { k: 10, ef: 100 }, odd, &mut scratch, &mut hits);
        assert_eq!(hits.len(), 10);
        assert!(hits.is_sorted() && hits.iter().all(|hit| odd(hit.row) && hit.row.0 % 19 != 0));
        let searched = graph.search(&query, &SearchOptions { k: 10, ef: 10 }, |_| false, &mut scratch, &mut hits);
        assert!(hits.is_empty() && searched.truncated);
        let all = SearchOptions { k: usize::MAX, ef: usize::MAX };
        graph.search(&query, &all, |_| true, &mut scratch, &mut hits);
        assert_eq!(hits.len(), rows.len());
        graph.search(&query, &SearchOptions { k: 0, ef: 0 }, |_| true, &mut scratch, &mut hits);
        assert!(hits.is_empty());
    }
    for wrong in [&[3, 2][..], &[1, 1], &[9_500]] {
        assert!(build(&column, Some(wrong), &options, kernels, &mut go_on).is_err());
    }
    let stop = build(&column, None, &options, kernels, &mut |_| ControlFlow::Break(()));
    assert!(matches!(stop, Err(Error::Interrupted)));
    assert!(matches!(Graph::open(&image, origin(), Metric::HammingBits, kernels), Err(Error::SpecMismatch { .. })));
}

#[test]
fn graphs_of_nothing_and_of_one_sketch_work() {
    for count in [0, 1, 2, 40] {
        let column = sketches(count, 8);
        let image = built(&column, Metric::HammingBits).image();
        let graph = opened(&image, Metric::HammingBits);
        let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
        graph.search(&[0; SKETCH_BYTES], &SearchOptions::default(), |_| true, &mut scratch, &mut hits);
        assert_eq!(hits.len(), count.min(10));
        assert_eq!(graph.check(), Ok(()));
    }
}

#[test]
fn a_sealed_hot_segment_finds_no_less() {
    let (column, queries) = (sketches(9_000, 9), sketches(100, 10));
    let kernels = Kernels::detect();
    let options = HotOptions { m: 8, ef_construction: 48, ..HotOptions::new(Metric::HammingBits) };
    let Ok(mut hot) = Hot::new(&options, kernels) else { panic!("the options are within bounds") };
    let leaders: Vec<(Row, Sketch)> = column.iter().zip(0..).map(|(sketch, row)| (Row(row), *sketch)).collect();
    hot.insert_all(&leaders);
    let mut hits = Vec::new();
    hot.search(&column[5], &SearchOptions { k: 1, ef: 64 }, |_| true, &mut hits);
    assert_eq!(hits.first().map(|hit| hit.distance), Some(0));
    let Ok(draft) = seal(&mut hot, kernels, &mut go_on) else { panic!("sealing was not stopped") };
    let image = draft.image();
    let graph = opened(&image, Metric::HammingBits);
    assert_eq!(graph.check(), Ok(()));
    let found = recall(&graph, &column, &queries, 96);
    assert!(found >= 0.95, "{found}");
    for (m, ef_construction) in [(3, 64), (65, 512), (16, 63)] {
        assert!(Hot::new(&HotOptions { m, ef_construction, ..options }, kernels).is_err());
    }
    let Ok(mut empty) = Hot::new(&options, kernels) else { panic!("the options are within bounds") };
    assert!(seal(&mut empty, kernels, &mut go_on).is_ok_and(|draft| draft.node_count() == 0));
}

#[test]
fn a_merge_finds_as_much_as_a_new_graph_and_drops_what_it_should() {
    let (column, queries) = (sketches(14_000, 11), sketches(150, 12));
    let (left, right) = column.split_at(9_000);
    let (left_image, right_image) =
        (built(left, Metric::HammingBits).image(), built(right, Metric::HammingBits).image());
    let dropped = |row: u32| row % 10 == 3;
    let new_row = |from: u32, count: usize| -> Vec<Option<Row>> {
        (from..from + u32_saturating(count)).map(|row| (!dropped(row)).then_some(Row(row))).collect()
    };
    let (left_rows, right_rows) = (new_row(0, 9_000), new_row(9_000, 5_000));
    let parts = [
        MergePart { graph: opened(&left_image, Metric::HammingBits), new_row: &left_rows },
        MergePart { graph: opened(&right_image, Metric::HammingBits), new_row: &right_rows },
    ];
    let merged = merge(&parts, Metric::HammingBits, 64, Kernels::detect(), &mut go_on);
    let Ok(draft) = merged else { panic!("merging was not stopped") };
    let image = draft.image();
    let graph = opened(&image, Metric::HammingBits);
    assert_eq!(graph.check(), Ok(()));
    let kept: Vec<Sketch> =
        column.iter().zip(0..).filter(|&(_, row)| !dropped(row)).map(|(sketch, _)| *sketch).collect();
    assert_eq!(graph.row_count(), kept.len());
    let anew_image = built(&kept, Metric::HammingBits).image();
    let anew = recall(&opened(&anew_image, Metric::HammingBits), &kept, &queries, 96);
    let found = recall(&graph, &kept, &queries, 96);
    assert!(found >= anew - 0.01, "{found} against {anew}");
    let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
    for query in &queries {
        graph.search(query, &SearchOptions::default(), |_| true, &mut scratch, &mut hits);
        assert!(hits.iter().all(|hit| !dropped(hit.row.0) && column[usize_of(hit.row.0)].len() == SKETCH_BYTES));
    }
    let twice = [
        MergePart { graph: parts[0].graph, new_row: &left_rows },
        MergePart { graph: parts[1].graph, new_row: &left_rows },
    ];
    assert!(merge(&twice, Metric::HammingBits, 64, Kernels::detect(), &mut go_on).is_err());
    assert!(merge(&parts, Metric::UnequalBytes, 64, Kernels::detect(), &mut go_on).is_err());
}

/// Damage in the header or a wrong length is refused; damage behind it may change answers, and nothing else.
#[test]
fn damaged_bytes_neither_panic_nor_run_on() {
    let mut column = sketches(9_000, 13);
    column.extend_from_within(..300);
    let image = built(&column, Metric::HammingBits).image();
    let kernels = Kernels::detect();
    for length in [0, 1, 127, 128, image.len() / 2, image.len() - 1] {
        let cut = Graph::open(&image[..length], origin(), Metric::HammingBits, kernels);
        assert!(matches!(cut, Err(Error::Corrupt { .. })), "{length}");
    }
    let mut longer = image.clone();
    longer.push(0);
    assert!(Graph::open(&longer, origin(), Metric::HammingBits, kernels).is_err());
    for at in 0..64 {
        let mut damaged = image.clone();
        damaged[at] ^= 0x10;
        let error = Graph::open(&damaged, origin(), Metric::HammingBits, kernels).err();
        assert!(error.is_some_and(|error| error.to_string().contains("test.segment")), "header byte {at}");
    }
    let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
    for seed in 0..60 {
        let mut random = Random(seed << 24);
        let mut damaged = image.clone();
        let run = [1, 4, 4096, image.len()][random.below(4)];
        for _ in 0..200_000.min(64 * run) / run.min(4096) {
            let from = 128 + random.below(image.len() - 128);
            let value = [0, 0x7f, 0xff, random.word().to_le_bytes()[0]][random.below(4)];
            for byte in damaged[from..].iter_mut().take(run) {
                *byte = if run > 4 { random.word().to_le_bytes()[0] } else { value };
            }
        }
        let graph = opened(&damaged, Metric::HammingBits);
        for query in column.iter().step_by(1_009) {
            let searched = graph.search(query, &SearchOptions { k: 20, ef: 64 }, |_| true, &mut scratch, &mut hits);
            assert!(usize_of(searched.evaluated) <= 2 * graph.node_count() && hits.len() <= 20, "seed {seed}");
        }
        let _ = graph.check();
        // Merging reads everything a file can say.
        let rows: Vec<Option<Row>> = (0..9_300).map(|row| Some(Row(row))).collect();
        if seed % 10 == 0 {
            let part = [MergePart { graph, new_row: &rows }];
            let _ = merge(&part, Metric::HammingBits, 16, kernels, &mut go_on);
        }
    }
}
