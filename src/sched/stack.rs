//! Stacks and queues that are made of the tasks themselves.
//!
//! ```text
//!   stack ─► 3 ─► 2 ─► 1         each task holds the one under it
//!
//!   front ─► 1 ─► 2              a queue: who comes is laid on the back, who goes is taken from the front; if
//!   back  ─► 4 ─► 3              there is none, the back is turned over, and is the front then
//! ```
//!
//! An empty one is a word or two, so there may be thousands; nothing is ever allocated; and each task is turned over
//! once. Those who lie in one are in no other, as a task can hold but one.
//!
//! A stack does not drop its tasks: each would drop the next one, deeper and deeper. Whoever has stacks takes
//! them apart.

use std::mem::{self, ManuallyDrop};

use crate::sched::ReadyTask;

/// Tasks that lie on each other. As they are not dropped, there is nothing to be looked at when a place is written
/// to that is known to be empty.
#[derive(Debug, Default)]
pub(crate) struct Stack(ManuallyDrop<Option<ReadyTask>>);

impl Stack {
    /// One without tasks.
    pub(crate) const EMPTY: Self = Self(ManuallyDrop::new(None));

    /// Lays a task on it.
    #[inline]
    pub(super) fn push(&mut self, mut task: ReadyTask) {
        task.known.under = mem::take(self);
        self.0 = ManuallyDrop::new(Some(task));
    }

    /// Takes the task on top.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<ReadyTask> {
        let mut task = self.0.take()?;
        *self = mem::take(&mut task.known.under);
        Some(task)
    }

    /// Takes all, turned over.
    #[inline]
    pub(super) fn turn_over(&mut self) -> Self {
        let mut turned = Self::EMPTY;
        while let Some(task) = self.pop() {
            turned.push(task);
        }
        turned
    }

    /// Whether there are none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// Tasks of which the one that came first is the first to go.
#[derive(Debug)]
pub(super) struct Queue {
    /// Those that came first, the first one on top.
    front: Stack,
    /// Those that came after, the last one on top.
    back: Stack,
}

impl Queue {
    /// One without tasks.
    pub(super) const EMPTY: Self = Self {
        front: Stack::EMPTY,
        back: Stack::EMPTY,
    };

    /// Adds the last one.
    #[inline]
    pub(super) fn push_back(&mut self, task: ReadyTask) {
        self.back.push(task);
    }

    /// Adds one that goes before all others.
    pub(super) fn push_front(&mut self, task: ReadyTask) {
        self.front.push(task);
    }

    /// Takes the first one.
    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<ReadyTask> {
        if self.front.is_empty() {
            self.front = self.back.turn_over();
        }
        self.front.pop()
    }

    /// Whether there are none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.front.is_empty() && self.back.is_empty()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        while self.pop_front().is_some() {}
    }
}
