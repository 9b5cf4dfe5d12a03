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

/// Below so many nanoseconds a poll is short: with all that are not measured it is less than what a look outside waits
/// for.
const SHORT: u64 = 4_000;

/// How many short polls are not measured, at most.
const UNMEASURED_MAX: u8 = 15;

/// From here on work is to be counted before the next poll.
const MUCH: u64 = 4 * SHORT;

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
    /// How many nanoseconds were measured and not counted yet.
    worked: Cell<u64>,
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
            worked: Cell::new(0),
        }
    }

    /// Whether it is time to count what was measured.
    #[inline]
    pub(super) fn has_much(&self) -> bool {
        self.worked.get() >= MUCH
    }

    /// Takes what was measured, if it was any time.
    pub(super) fn take_worked(&self) -> Option<Duration> {
        let worked = self.worked.take();
        (worked > 0).then(|| Duration::from_nanos(worked))
    }

    /// Notes that time has passed in which nobody was polled.
    pub(super) fn lose_time(&self) {
        self.is_stale.set(true);
        self.is_running.set(false);
    }

    /// The time between two polls, when the next one is about to begin.
    #[inline]
    pub(super) fn begin(&self, clock: &Clock) -> Instant {
        if self.is_stale.get() {
            self.reading.set(clock.now());
            // A virtual one costs nothing, and may have been moved by anybody.
            self.is_stale.set(clock.is_virtual());
        }
        self.reading.get()
    }

    /// Ends the poll, if there is one: how many nanoseconds it took, if it was the only one measured.
    #[inline]
    pub(super) fn end(&self, clock: &Clock) -> Option<u64> {
        match self.left.get() {
            // One too many after the last poll of all, which does no harm.
            left @ 1.. => {
                self.left.set(left - 1);
                None
            }
            _ => self.measure(clock),
        }
    }

    /// Measures the polls since the last reading, if there were any.
    #[inline(never)]
    fn measure(&self, clock: &Clock) -> Option<u64> {
        if !self.is_running.replace(false) {
            return None;
        }
        let now = clock.now();
        let before = self.reading.replace(now);
        let took = now.nanos().saturating_sub(before.nanos());
        self.worked.set(self.worked.get().saturating_add(took));
        if self.is_timed || clock.is_virtual() {
            return Some(took);
        }
        let polls = u64::from(self.pause.get()) + 1;
        self.pause.set(match took < SHORT * polls {
            true => (2 * self.pause.get() + 1).min(UNMEASURED_MAX),
            false => 0,
        });
        self.left.set(self.pause.get());
        None
    }
}
