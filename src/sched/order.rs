//! [`Fifo`] and [`Lifo`]: by the moment at which tasks became ready, and by nothing else.

use std::collections::VecDeque;

use crate::sched::{Policy, ReadyTask};

/// First come, first served: what executors do that are told nothing. Nobody starves, and the order is
/// the same on every machine.
///
/// Given to an executor by itself it costs nothing: the executor's own queue does it. Inside a policy of
/// your own it is a queue like any other.
#[derive(Debug, Default)]
pub struct Fifo(VecDeque<ReadyTask>);

impl Policy for Fifo {
    fn push(&mut self, task: ReadyTask) {
        self.0.push_back(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.0.pop_front()
    }

    fn is_timed(&self) -> bool {
        false
    }
}

/// Last come, first served: what a task has woken goes on while its data are in the cache. Two tasks
/// that keep waking each other starve all others.
#[derive(Debug, Default)]
pub struct Lifo(Vec<ReadyTask>);

impl Policy for Lifo {
    fn push(&mut self, task: ReadyTask) {
        self.0.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.0.pop()
    }

    fn is_timed(&self) -> bool {
        false
    }
}
