//! [`Shuffle`]: any of the ready tasks, by a seed.

use std::collections::VecDeque;

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
        if self.tasks.is_empty() {
            return None;
        }
        let chosen = self.rng.below(self.tasks.len());
        self.tasks.swap_remove_front(chosen)
    }

    fn is_timed(&self) -> bool {
        false
    }
}
