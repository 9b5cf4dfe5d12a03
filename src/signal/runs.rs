//! The deliveries that were not taken yet: a queue that forgets none and does not grow without end.
//!
//! ```text
//!   HUP, HUP, HUP, INT, HUP   ─►   [ HUP × 3 │ INT │ HUP ]
//! ```
//!
//! Equal deliveries in a row are one run with a count. When there are many runs, a delivery joins the
//! last one of its signal: then it is taken somewhat early, but it is taken. So the queue has at most
//! [`RUNS_MAX`] runs and one more for each signal, whatever comes.

use std::collections::VecDeque;

use super::Signal;

/// How many runs keep the order exactly. A program that is that far behind is not looking at it.
const RUNS_MAX: usize = 256;

/// Deliveries in order.
#[derive(Debug, Default)]
pub(super) struct Runs(VecDeque<Run>);

/// Equal deliveries in a row.
#[derive(Debug)]
struct Run {
    /// Of what.
    signal: Signal,
    /// How many; never zero.
    count: u64,
}

impl Runs {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds so many deliveries, at least one.
    pub(super) fn push(&mut self, signal: Signal, count: u64) {
        let may_grow = self.0.len() < RUNS_MAX;
        let depth = if may_grow { 1 } else { self.0.len() };
        let mut last = self.0.iter_mut().rev().take(depth);
        match last.find(|run| run.signal == signal) {
            Some(run) => run.count += count,
            None => self.0.push_back(Run { signal, count }),
        }
    }

    /// Takes the first delivery.
    pub(super) fn pop(&mut self) -> Option<Signal> {
        let first = self.0.front_mut()?;
        let signal = first.signal;
        first.count -= 1;
        if first.count == 0 {
            self.0.pop_front();
        }
        Some(signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of them, in order.
    fn drain(runs: &mut Runs) -> Vec<Signal> {
        std::iter::from_fn(|| runs.pop()).collect()
    }

    #[test]
    fn deliveries_come_out_as_they_went_in() {
        let went_in = [
            Signal::HANGUP,
            Signal::HANGUP,
            Signal::INTERRUPT,
            Signal::HANGUP,
        ];
        let mut runs = Runs::default();
        for signal in went_in {
            runs.push(signal, 1);
        }
        assert_eq!(runs.0.len(), 3);
        assert_eq!(drain(&mut runs), went_in);
        assert!(runs.is_empty());
    }

    #[test]
    fn a_flood_is_counted_in_bounded_room() {
        let mut runs = Runs::default();
        for _ in 0..100_000 {
            runs.push(Signal::USER1, 1);
            runs.push(Signal::USER2, 2);
        }
        runs.push(Signal::HANGUP, 1);
        assert_eq!(runs.0.len(), RUNS_MAX + 1);
        let out = drain(&mut runs);
        let count = |of| out.iter().filter(|signal| **signal == of).count();
        assert_eq!(count(Signal::USER1), 100_000);
        assert_eq!(count(Signal::USER2), 200_000);
        assert_eq!(out.last(), Some(&Signal::HANGUP));
    }
}
