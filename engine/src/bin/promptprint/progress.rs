//! Progress on a terminal, silence in a pipe, and Ctrl-C as a polite request to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use promptprint::audit::Progress;

static STOP: AtomicBool = AtomicBool::new(false);

/// Shows how far a long job is.
#[derive(Debug)]
pub struct Terminal {
    bar: ProgressBar,
}

impl Terminal {
    /// A display on standard error; hidden where that is no terminal. From now on Ctrl-C stops the job at its next batch;
    /// a second one ends the program.
    pub fn new() -> Self {
        // A second handler cannot be set; the first one serves.
        let _ = ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(super::common::EXIT_INTERRUPTED));
            }
        });
        let bar = ProgressBar::no_length();
        let style =
            ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Removes the display.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Terminal {
    fn step(&self, message: &str) {
        self.bar.set_message(message.to_owned());
    }

    fn should_stop(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}
