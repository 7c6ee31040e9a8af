//! Writes an invented report as HTML, JSON and CSV, to look at the page without a store:
//! `cargo run --example report_demo -- target/report-demo`.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use promptprint::report::{Table, demo, write_csv, write_html, write_json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/report-demo"), PathBuf::from);
    fs::create_dir_all(&folder)?;
    let report = demo::report(1);
    let create = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
    let mut html = create("report.html")?;
    write_html(&report, &mut html)?;
    html.flush()?;
    let mut json = create("report.json")?;
    write_json(&report, &mut json)?;
    json.flush()?;
    for table in Table::ALL {
        let mut csv = create(&format!("{}.csv", table.name()))?;
        write_csv(&report, table, &mut csv)?;
        csv.flush()?;
    }
    Ok(())
}
