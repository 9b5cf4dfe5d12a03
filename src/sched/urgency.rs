//! Tasks in order of any number: what lies under the policies whose numbers go up and down.
//!
//! ```text
//!   push ─► before all others? ─► first ────────┐
//!           otherwise ──────────► heap ─ top ───┴─► pop
//! ```
//!
//! A heap costs a step for each doubling of the tasks. One that comes, goes and comes back before all
//! others, as the most urgent one does when it gives way, costs none. Read next: `sched/rising.rs`, for numbers
//! that mostly go up.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::mem;

use crate::sched::ReadyTask;

/// Tasks, of which the one with the least number comes first, and among equals the one that was there
/// first.
#[derive(Debug, Default)]
pub(super) struct Urgency {
    /// The first one, or none if that is in the heap.
    first: Option<Entry>,
    /// All others.
    others: BinaryHeap<Entry>,
    /// How many have arrived.
    arrivals: u64,
}

/// A task in its place. The one that comes first is the greatest, as the heap wants it.
#[derive(Debug)]
struct Entry {
    /// Its number, and its arrival.
    key: u128,
    /// The task.
    task: ReadyTask,
}

impl Urgency {
    /// Puts a task in its place.
    #[inline]
    pub(super) fn push(&mut self, number: u64, task: ReadyTask) {
        let key = u128::from(number) << u64::BITS | u128::from(self.arrivals);
        self.arrivals += 1;
        let mut entry = Entry { key, task };
        match &mut self.first {
            Some(first) => {
                if entry > *first {
                    mem::swap(first, &mut entry);
                }
            }
            None => {
                if self.others.peek().is_none_or(|top| entry > *top) {
                    self.first = Some(entry);
                    return;
                }
            }
        }
        self.others.push(entry);
    }

    /// Takes the first one.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<ReadyTask> {
        let first = match self.first.take() {
            Some(first) => first,
            None => self.others.pop()?,
        };
        Some(first.task)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.others.is_empty()
    }
}

impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

impl PartialOrd for Entry {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    // Said by itself, as it is all that the heap asks.
    #[inline]
    fn le(&self, other: &Self) -> bool {
        other.key <= self.key
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Entry {}
