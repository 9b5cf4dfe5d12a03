//! How many handles there are to one side of a channel.

use std::cell::Cell;

/// A number of handles, each of which counts itself in and out.
pub(super) struct Handles(Cell<usize>);

impl Handles {
    /// So many to begin with.
    pub(super) const fn new(count: usize) -> Self {
        Self(Cell::new(count))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.get()
    }

    /// One more.
    pub(super) fn add(&self) {
        self.0.set(self.0.get() + 1);
    }

    /// One less. `true` says that it was the last.
    pub(super) fn remove(&self) -> bool {
        self.0.set(self.0.get() - 1);
        self.0.get() == 0
    }
}
