//! The ready queue: whose turn is next.
//!
//! First in, first out. An executor that has a policy asks that for the order (`scheduler/choice.rs`); then
//! this is where those wait of whom it has not been told.
//!
//! The queue names slots, four bytes each, not tokens: a slot whose task has ended stays taken until
//! it is popped (`scheduler.rs`), so a name in here is never stale.
//!
//! Law: each slot pushed is popped exactly once. Read next: `scheduler.rs`.

use std::collections::VecDeque;

/// The tasks that are to be polled, in the order of their wakes.
#[derive(Debug, Default)]
pub(crate) struct Ready(VecDeque<u32>);

impl Ready {
    /// Adds a task that has become ready.
    pub(crate) fn push(&mut self, slot: u32) {
        self.0.push_back(slot);
    }

    /// Adds a task whose turn is next.
    pub(crate) fn push_first(&mut self, slot: u32) {
        self.0.push_front(slot);
    }

    /// Takes the task whose turn it is.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u32> {
        self.0.pop_front()
    }

    /// How many are ready.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
