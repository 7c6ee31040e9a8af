//! The observe and query plane: what a gateway calls for each request, in microseconds.
//!
//! Nothing here starts a thread, uses rayon, or waits for a lock that is held across I/O. A [`Reader`] may be opened before
//! `fork()` and shared by threads; a [`Writer`] belongs to the process that opened it. Whatever is wrong with a store, a
//! query answers: unknown is an answer, and the request proceeds.

mod counter;
mod forming;
mod logs;
mod lookup;
mod neighbors;
mod reader;
mod recent;
mod reduce;
mod sealed;
mod stream;
mod writer;

#[cfg(test)]
mod tests;

pub use neighbors::{NeighborSeen, NeighborsSeen};
pub use reader::{Piece, QueryOptions, Reader, ReaderOptions};
pub use stream::{EndedRequest, RequestStream};
pub use writer::{Durability, Envelope, Observed, Writer, WriterOptions};
