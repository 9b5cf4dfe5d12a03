//! [`Shuffle`]: any of the ready tasks, by a seed.

use std::collections::VecDeque;
use std::mem;

use crate::rng::Rng;
use crate::sched::{Policy, ReadyTask};

/// Any of the ready tasks, each as likely as the others. The same seed gives the same order every time, so
/// that a test can try many orders and repeat each one; [`Sim::seed`](crate::testing::Sim::seed) is this.
#[derive(Debug)]
pub struct Shuffle {
    /// In any order.
    tasks: VecDeque<ReadyTask>,
    /// Picks one.
    rng: Rng,
}

impl Shuffle {
    /// The order of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            tasks: VecDeque::new(),
            rng: Rng::new(seed),
        }
    }
}

impl Policy for Shuffle {
    fn push(&mut self, task: ReadyTask) {
        self.tasks.push_back(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        let first = self.tasks.pop_front()?;
        // Of all, the first one included, which takes the place of the one chosen.
        let chosen = self.rng.below(self.tasks.len() + 1);
        match chosen.checked_sub(1) {
            Some(other) => Some(mem::replace(&mut self.tasks[other], first)),
            None => Some(first),
        }
    }

    fn is_timed(&self) -> bool {
        false
    }
}
