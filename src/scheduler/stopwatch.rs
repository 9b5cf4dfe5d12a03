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

use crate::clock::{Clock, Instant};

/// Below so many nanoseconds a poll is short: with all that are not measured it is less than what a look outside waits
/// for.
const SHORT: u64 = 4_000;

/// How many short polls are not measured, at most.
const UNMEASURED_MAX: u8 = 15;

/// From here on work is to be counted before the next poll: with a single one it is what a look outside waits for,
/// so that nobody out there waits longer than that and a poll.
const MUCH: u64 = 15 * SHORT;

/// Measures polls, one after the other.
pub(super) struct Stopwatch {
    /// Whether each poll is to be measured.
    is_timed: bool,
    /// The executor's clock.
    clock: Clock,
    /// What it said last.
    reading: Cell<Instant>,
    /// Whether somebody has been polled ever since.
    is_running: Cell<bool>,
    /// How many polls are not measured between two that are.
    pause: Cell<u8>,
    /// How many of those are still to come.
    left: Cell<u8>,
    /// How many nanoseconds the last poll took; zero as long as single ones are not measured.
    took: Cell<u64>,
    /// How many nanoseconds were measured and not counted yet.
    worked: Cell<u64>,
}

impl Stopwatch {
    /// One that has measured nothing.
    pub(super) fn new(is_timed: bool) -> Self {
        Self {
            is_timed,
            clock: Clock::Real,
            reading: Cell::new(Instant::PAST),
            is_running: Cell::new(false),
            pause: Cell::new(0),
            left: Cell::new(0),
            took: Cell::new(0),
            worked: Cell::new(0),
        }
    }

    /// Goes by this clock from now on.
    pub(super) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// What the clock said last.
    #[inline]
    pub(super) fn reading(&self) -> Instant {
        self.reading.get()
    }

    /// How many nanoseconds the last poll took, if single ones are measured; otherwise zero.
    #[inline]
    pub(super) fn took(&self) -> u64 {
        self.took.get()
    }

    /// Takes what was measured, in whole microseconds.
    pub(super) fn take_worked(&self) -> u64 {
        let worked = self.worked.get();
        self.worked.set(worked % 1000);
        worked / 1000
    }

    /// Whether the poll that ends now is not to be measured.
    #[inline]
    pub(super) fn skip(&self) -> bool {
        match self.left.get() {
            0 => false,
            left => {
                self.left.set(left - 1);
                true
            }
        }
    }

    /// Ends one poll that is to be measured and begins the next one, or only begins one if there was none.
    /// `true` says that it is time to count what was measured.
    #[inline]
    pub(super) fn lap(&self) -> bool {
        let now = self.clock.now();
        match self.is_running.get() {
            true => self.measure(now),
            false => {
                self.reading.set(now);
                self.is_running.set(true);
                self.left.set(self.pause.get());
            }
        }
        self.worked.get() >= MUCH
    }

    /// Ends the last poll, if there was one.
    #[inline]
    pub(super) fn stop(&self) {
        if self.is_running.get() && self.left.get() == 0 {
            self.measure(self.clock.now());
        }
        self.cancel();
    }

    /// Takes the beginning of a poll back, as nobody is polled.
    pub(super) fn cancel(&self) {
        self.is_running.set(false);
        self.left.set(0);
    }

    /// Measures the polls since the last reading. All of them together took no longer than a clock can tell,
    /// so that nothing overflows.
    #[inline]
    fn measure(&self, now: Instant) {
        let before = self.reading.replace(now);
        let took = now.nanos().saturating_sub(before.nanos());
        self.worked.set(self.worked.get() + took);
        if self.is_timed || self.clock.is_virtual() {
            self.took.set(took);
        } else {
            self.pace(took);
        }
    }

    /// Sets how many polls are measured together from now on, by how long those before took.
    #[inline(never)]
    fn pace(&self, took: u64) {
        let polls = u64::from(self.pause.get()) + 1;
        self.pause.set(match took < SHORT * polls {
            true => (2 * self.pause.get() + 1).min(UNMEASURED_MAX),
            false => 0,
        });
        self.left.set(self.pause.get());
    }
}
