//! How logs are read: the path map and the access log, for every verb that takes a log.

use std::path::PathBuf;
use std::sync::Arc;

use promptprint::Result;
use promptprint::key::Keys;
use promptprint::request::join::{AccessIndex, JOIN_BYTES_DEFAULT};
use promptprint::request::map::PathMap;
use promptprint::request::parse::ParseOptions;
use promptprint::request::source::LineReader;

use super::output::Out;

/// What is told of a log that it does not tell itself.
#[derive(Debug, clap::Args)]
pub struct InputArgs {
    /// A path map, for logs of no known format: where they keep text, account and time (`promptprint formats` shows how)
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// An access log without bodies: requests of the same id take address, user agent and time from it. May be repeated
    #[arg(long, value_name = "ACCESSLOG")]
    join: Vec<PathBuf>,
}

impl InputArgs {
    /// Finds out whether the map can be used and the access logs are there, before anything is made or changed.
    pub fn check(&self) -> Result<()> {
        self.map.as_deref().map(PathMap::open).transpose()?;
        self.join.iter().try_for_each(|log| LineReader::open(log).map(drop))
    }

    /// How lines are read; `keys` are those of the store they go to, none where they go nowhere.
    pub fn options(&self, keys: Option<&Keys>) -> Result<ParseOptions> {
        let seed = keys.map_or(0, Keys::chain_seed);
        let map = self.map.as_deref().map(PathMap::open).transpose()?.map(Arc::new);
        let mut options = ParseOptions { chain_seed: seed, map, join: None };
        if !self.join.is_empty() {
            let mut access = AccessIndex::new(JOIN_BYTES_DEFAULT, seed);
            self.join.iter().try_for_each(|log| access.open(log))?;
            options.join = Some(Arc::new(access));
        }
        Ok(options)
    }
}

/// Says what the access log was good for, where there was one.
pub fn tell_join(options: &ParseOptions, out: &mut Out) -> Result<()> {
    let Some(access) = &options.join else { return Ok(()) };
    let (known, skipped, completed) = (access.len(), access.skipped(), access.completed());
    out.line(format_args!(
        "the access log knows {known} requests ({skipped} lines without an id); it completed {completed}"
    ))
}
