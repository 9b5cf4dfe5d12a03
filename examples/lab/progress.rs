//! [`Progress`]: a line on the terminal that says how far it is; nothing where there is no terminal.

use std::io::{self, IsTerminal, Write};

/// How many characters the bar has.
const WIDTH: usize = 32;

/// How far it is.
pub(crate) struct Progress {
    /// How many steps there are.
    steps: usize,
    /// How many are done.
    done: usize,
    /// Whether somebody looks.
    is_shown: bool,
}

impl Progress {
    /// Nothing is done of so many steps.
    pub(crate) fn new(steps: usize) -> Self {
        Self {
            steps,
            done: 0,
            is_shown: io::stderr().is_terminal(),
        }
    }

    /// Says what is done now.
    pub(crate) fn begin(&mut self, what: &str) {
        if self.is_shown {
            let full = WIDTH * self.done / self.steps.max(1);
            let (full, empty) = ("█".repeat(full), "░".repeat(WIDTH - full));
            // Who does not see the bar misses nothing else.
            let _ = write!(io::stderr(), "\r\x1b[K{full}{empty} {what}");
        }
        self.done += 1;
    }
}

impl Drop for Progress {
    /// Leaves the line as it was.
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
