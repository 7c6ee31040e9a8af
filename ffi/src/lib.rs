//! The C ABI: translates, never decides.
//!
//! Every exported function is in one of the files below, one a handle. `ABI.md` has the conventions; the headers in
//! `include/` are generated from these declarations, so their comments are written for readers of C.
#![allow(unsafe_code, non_camel_case_types)]

mod boundary;
mod library;
mod memory;
mod reader;
mod request;
mod status;
mod verdict;
mod writer;

#[cfg(test)]
mod tests;
