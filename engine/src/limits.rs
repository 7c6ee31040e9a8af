//! Every bound of the engine, with its unit and its reason; each has a test one past the end.

/// Bytes of one prompt part that are fingerprinted; the rest of a longer one is ignored and counted.
/// 16 MiB is four times the longest context any vendor sells today.
pub const PROMPT_BYTES_MAX: usize = 16 << 20;

/// Bytes of one line of a log. A request of several parts may be longer than one prompt.
pub const LINE_BYTES_MAX: usize = 64 << 20;

/// Levels of nesting in one JSON line; API bodies stay under 20.
pub const JSON_DEPTH_MAX: u32 = 64;

/// Values in one JSON line: the list of them takes 16 bytes each, so a line costs at most 64 MiB beside itself.
pub const JSON_VALUES_MAX: usize = 4 << 20;

/// Bytes that one compressed byte of a log may become, once [`COMPRESSION_FLOOR_BYTES`] are out. Gzip cannot pass 1032;
/// repetitive logs under zstd reach a few hundred; a bomb reaches 30,000.
pub const COMPRESSION_RATIO_MAX: u64 = 4096;

/// Bytes that any compressed log may become, whatever its ratio.
pub const COMPRESSION_FLOOR_BYTES: u64 = 256 << 20;

/// Parts of one request; an agent's longest conversations have a few hundred turns, of which most are skipped.
pub const PARTS_MAX: usize = 64;

/// Template fingerprints (anchors) kept of one part.
pub const ANCHORS_MAX: usize = 512;

/// Leaders looked at for one band bucket; template families of 10^5 prompts would make it quadratic.
pub const BUCKET_MAX: usize = 128;

/// Candidates verified for one query.
pub const CANDIDATES_MAX: usize = 4096;

/// Bytes of one name (account, key, id ...); longer ones are cut before they are keyed.
pub const NAME_BYTES_MAX: usize = 1024;

/// Token hashes kept of one distinct text, the smallest: of the words that two longer texts share, both keep a like part.
pub const TOKENS_MAX: usize = 1024;
