//! `promptprint-datasets`: writes a seeded request log and its labels.

use clap::{Args, Parser, Subcommand, ValueEnum};
use promptprint_datasets::{CampaignSpec, Format, Model, Output, Recorder, Traffic, TrapSpec};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Seeded request logs with labels apart.
#[derive(Parser)]
#[command(name = "promptprint-datasets", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a log in the order of time, and who is guilty of what.
    Generate(Generate),
    /// Print the BLAKE3 digest of what each `.zst` file decompresses to, as `datasets/digests.txt` has it.
    Digest {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Args)]
struct Generate {
    /// How many requests.
    #[arg(long)]
    requests: u64,
    /// The seed; the same arguments give the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many innocent accounts, traps included [default: one for 25 requests, and those of the traps].
    #[arg(long)]
    accounts: Option<u64>,
    /// Days from the first request to the last.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_650))]
    days: u64,
    /// Unix time of the beginning, ms.
    #[arg(long, default_value_t = 1_788_220_800_000)]
    start_ms: u64,
    /// A campaign, such as `accounts=600,templates=4,reword=0.1,cover=0.15,rate=3.5`; repeatable (datasets/README.md).
    #[arg(long = "campaign", visible_alias = "campaigns", value_name = "SPEC")]
    campaigns: Vec<CampaignSpec>,
    /// Innocent traps: `usual`, `all`, `none`, or factors such as `ide=2,byok=0`.
    #[arg(long, default_value = "usual", value_name = "SPEC")]
    traps: TrapSpec,
    /// Mean bytes of a prompt, about.
    #[arg(long, default_value_t = 650.0)]
    bytes_mean: f64,
    /// The form of the lines.
    #[arg(long, value_enum, default_value = "plain")]
    format: FormatName,
    /// Leave organisations out of the log.
    #[arg(long)]
    hide_orgs: bool,
    /// Effort of the compression of `.zst` files, 1 to 22; changes no byte of what they decompress to.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
    /// The log: a file (`.zst` is compressed), or `-`.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A line for each account: kind, campaign, org, requests.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// A line for each request: template, kind, campaign.
    #[arg(long, value_name = "FILE")]
    labels_requests: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    Plain,
    Openai,
    Anthropic,
    Mixed,
}

/// A file that compresses itself when its name ends in `.zst`.
enum Sink {
    Plain(BufWriter<Box<dyn Write>>),
    Compressed(Box<zstd::stream::write::Encoder<'static, BufWriter<File>>>),
}

impl Sink {
    fn create(path: &Path, level: i32) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Plain(BufWriter::with_capacity(1 << 16, Box::new(io::stdout()))));
        }
        let named = |source: io::Error| io::Error::new(source.kind(), format!("{}: {source}", path.display()));
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(named)?;
        }
        let file = File::create(path).map_err(named)?;
        if path.extension().is_some_and(|extension| extension == "zst") {
            let encoder = zstd::stream::write::Encoder::new(BufWriter::new(file), level)?;
            return Ok(Self::Compressed(Box::new(encoder)));
        }
        Ok(Self::Plain(BufWriter::with_capacity(1 << 16, Box::new(file))))
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(mut writer) => writer.flush(),
            Self::Compressed(encoder) => encoder.finish()?.flush(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(writer) => writer.write(bytes),
            Self::Compressed(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(writer) => writer.flush(),
            Self::Compressed(encoder) => encoder.flush(),
        }
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Generate(arguments) => generate(arguments),
        Command::Digest { files } => digest(&files),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            _ = writeln!(io::stderr(), "promptprint-datasets: {error}");
            ExitCode::FAILURE
        }
    }
}

fn digest(files: &[PathBuf]) -> Result<(), Box<dyn std::error::Error>> {
    for path in files {
        let named = |source: io::Error| format!("{}: {source}", path.display());
        let mut hasher = blake3::Hasher::new();
        let mut decoder = zstd::stream::read::Decoder::new(File::open(path).map_err(named)?)?;
        io::copy(&mut decoder, &mut hasher).map_err(named)?;
        writeln!(io::stdout(), "{}  {}", hasher.finalize().to_hex(), path.display())?;
    }
    Ok(())
}

fn generate(arguments: Generate) -> Result<(), Box<dyn std::error::Error>> {
    let model = Model {
        requests: arguments.requests,
        accounts: arguments.accounts,
        seed: arguments.seed,
        start_ms: arguments.start_ms,
        days: arguments.days,
        campaigns: arguments.campaigns,
        traps: arguments.traps,
        bytes_mean: arguments.bytes_mean,
    };
    let format = match arguments.format {
        FormatName::Plain => Format::Plain,
        FormatName::Openai => Format::OpenAi,
        FormatName::Anthropic => Format::Anthropic,
        FormatName::Mixed => Format::Mixed,
    };
    let mut traffic = Traffic::new(&model)?;
    let mut recorder = Recorder::new(Output { format, hide_orgs: arguments.hide_orgs });
    let mut log = Sink::create(&arguments.out, arguments.level)?;
    let mut requests =
        arguments.labels_requests.as_deref().map(|path| Sink::create(path, arguments.level)).transpose()?;
    loop {
        let labels: Option<&mut dyn Write> = match &mut requests {
            Some(sink) => Some(sink),
            None => None,
        };
        if !recorder.write_next(&mut traffic, &mut log, labels)? {
            break;
        }
    }
    log.finish()?;
    if let Some(sink) = requests {
        sink.finish()?;
    }
    if let Some(path) = arguments.labels {
        let mut sink = Sink::create(&path, arguments.level)?;
        Recorder::write_accounts(&traffic, &mut sink)?;
        sink.finish()?;
    }
    Ok(())
}
