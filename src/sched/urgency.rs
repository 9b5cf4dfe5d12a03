//! Tasks in order of a number: what lies under most policies.

use std::collections::BTreeMap;

use crate::sched::ReadyTask;

/// Tasks, of which the one with the least number comes first, and among equals the one that was there
/// first.
#[derive(Debug)]
pub(super) struct Urgency<N> {
    /// By number and arrival.
    tasks: BTreeMap<(N, u64), ReadyTask>,
    /// How many have arrived.
    arrivals: u64,
}

impl<N: Ord> Urgency<N> {
    /// Puts a task in its place.
    pub(super) fn push(&mut self, number: N, task: ReadyTask) {
        self.tasks.insert((number, self.arrivals), task);
        self.arrivals += 1;
    }

    /// Takes the first one, with its number.
    pub(super) fn pop(&mut self) -> Option<(N, ReadyTask)> {
        let ((number, _), task) = self.tasks.pop_first()?;
        Some((number, task))
    }

    /// How many have arrived so far.
    pub(super) fn arrivals(&self) -> u64 {
        self.arrivals
    }
}

impl<N> Default for Urgency<N> {
    fn default() -> Self {
        Self {
            tasks: BTreeMap::new(),
            arrivals: 0,
        }
    }
}
