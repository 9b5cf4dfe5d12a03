//! How long polls take, by as few readings of the clock as that needs.
//!
//! ```text
//!   a policy that goes by time     ─ poll ─┤ ─ poll ─┤ ─ poll ─┤     each end is the next one's beginning
//!   one that does not              ─ poll ─ poll ─ … ─ poll ─┤      while they are short: now and then
//! ```
//!
//! Long polls bring the next look outside nearer (`executor/special.rs`), whatever the policy goes by. Of
//! one that does not go by time each poll is measured while they are long, and every sixteenth while they
//! are short: a reading costs more than such a poll. On a virtual clock it costs nothing.

use std::cell::Cell;
use std::time::Duration;

use crate::clock::{Clock, Instant};

/// Below this a poll is short: with all that are not measured it is less than what a look outside waits
/// for.
const SHORT: Duration = Duration::from_micros(4);

/// How many short polls are not measured, at most.
const UNMEASURED_MAX: u8 = 15;

/// Measures polls, one after the other.
pub(super) struct Stopwatch {
    /// Whether each poll is to be measured.
    is_timed: bool,
    /// What the clock said last.
    reading: Cell<Instant>,
    /// Whether time has passed since then, in which nobody was polled.
    is_stale: Cell<bool>,
    /// Whether there is a poll to be measured.
    pub(super) is_running: Cell<bool>,
    /// How many polls are not measured between two that are.
    pause: Cell<u8>,
    /// How many of those are still to come.
    left: Cell<u8>,
}

impl Stopwatch {
    /// One that has measured nothing.
    pub(super) fn new(is_timed: bool) -> Self {
        Self {
            is_timed,
            reading: Cell::new(Instant::PAST),
            is_stale: Cell::new(true),
            is_running: Cell::new(false),
            pause: Cell::new(0),
            left: Cell::new(0),
        }
    }

    /// Notes that time has passed in which nobody was polled.
    pub(super) fn lose_time(&self) {
        self.is_stale.set(true);
    }

    /// The time between two polls, when the next one is about to begin.
    #[inline]
    pub(super) fn begin(&self, clock: &Clock) -> Instant {
        if self.is_stale.replace(false) || clock.is_virtual() {
            self.reading.set(clock.now());
        }
        self.reading.get()
    }

    /// Ends the poll, if there is one: how long it took, if it was measured, and whether it was the only one.
    #[inline]
    pub(super) fn end(&self, clock: &Clock) -> Option<(Duration, bool)> {
        if !self.is_running.replace(false) {
            return None;
        }
        let is_exact = self.is_timed || clock.is_virtual();
        match self.left.get() {
            left @ 1.. if !is_exact => {
                self.left.set(left - 1);
                None
            }
            _ => Some((self.measure(clock, is_exact), is_exact)),
        }
    }

    /// How long it took since the last reading.
    #[inline(never)]
    fn measure(&self, clock: &Clock, is_exact: bool) -> Duration {
        let now = clock.now();
        let took = now - self.reading.replace(now);
        if !is_exact {
            let polls = u32::from(self.pause.get()) + 1;
            self.pause.set(match took < SHORT * polls {
                true => (2 * self.pause.get() + 1).min(UNMEASURED_MAX),
                false => 0,
            });
            self.left.set(self.pause.get());
        }
        took
    }
}
