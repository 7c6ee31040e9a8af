//! Where C ends and Rust begins: no panic passes, and every failure becomes a status and a line of text.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once, TryLockError};

use crate::status::promptprint_status as Status;

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(status: Status, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub(crate) fn null(argument: &str) -> Self {
        Self::new(Status::PROMPTPRINT_NULL_POINTER, format!("{argument} is NULL"))
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        Self { status: Status::of(&error), text: error.to_string() }
    }
}

/// The last failure of a handle, copied out by whoever asks.
#[derive(Debug, Default)]
pub(crate) struct LastError(Mutex<String>);

impl LastError {
    /// Keeps `text`. A call never waits for another one's text: when two fail at once, one of them is kept.
    pub(crate) fn set(&self, text: &str) {
        match self.0.try_lock() {
            Ok(mut slot) => text.clone_into(&mut slot),
            Err(TryLockError::Poisoned(slot)) => text.clone_into(&mut slot.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
    }

    pub(crate) fn get(&self) -> String {
        match self.0.try_lock() {
            Ok(slot) => slot.clone(),
            Err(TryLockError::Poisoned(slot)) => slot.into_inner().clone(),
            Err(TryLockError::WouldBlock) => String::new(),
        }
    }
}

/// Runs the body of an exported function; a panic becomes `PROMPTPRINT_INTERNAL`.
pub(crate) fn guard(last_error: Option<&LastError>, body: impl FnOnce() -> Result<Status, Failure>) -> Status {
    quiet();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        forced::panic_if_asked();
        body()
    }));
    let failure = match outcome {
        Ok(Ok(status)) => return status,
        Ok(Err(failure)) => failure,
        Err(_) => {
            Failure::new(Status::PROMPTPRINT_INTERNAL, "the library failed inside and caught it; please report it")
        }
    };
    if let Some(last_error) = last_error {
        last_error.set(&failure.text);
    }
    failure.status
}

/// The same for functions that give back something else than a status: `instead` where a panic was caught.
pub(crate) fn guard_value<T>(instead: T, body: impl FnOnce() -> T) -> T {
    quiet();
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        forced::panic_if_asked();
        body()
    }))
    .unwrap_or(instead)
}

/// A library says nothing on its host's standard error; what a panic would have printed is in the status.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

/// Panics on demand, so that a test can force one inside every exported function.
#[cfg(test)]
pub(crate) mod forced {
    use std::cell::Cell;

    thread_local! {
        static ASKED: Cell<bool> = const { Cell::new(false) };
    }

    /// The next guarded call of this thread panics.
    pub(crate) fn next_call_panics() {
        ASKED.set(true);
    }

    pub(super) fn panic_if_asked() {
        assert!(!ASKED.replace(false), "forced");
    }
}
