//! Numbers that only grow.

use std::cell::Cell;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(Cell<u64>);

impl Counter {
    /// Adds to it and returns what it is then.
    pub(crate) fn add(&self, more: u64) -> u64 {
        let sum = self.0.get() + more;
        self.0.set(sum);
        sum
    }

    /// What it is.
    pub(crate) fn get(&self) -> u64 {
        self.0.get()
    }
}
