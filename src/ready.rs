//! The ready queue: whose turn is next.
//!
//! First in, first out. A seed makes it a shuffle instead: any of the ready tasks may come next,
//! picked by a generator whose whole future is in the seed, so that a test can try many orders and
//! repeat each one (see `testing::Sim`).
//!
//! Law: whatever the order, each task pushed is popped exactly once. The turn decides how many pops
//! there are; the order decides only who they are. Read next: `scheduler.rs`.

use std::collections::VecDeque;

use crate::rng::Rng;
use crate::waker::Token;

/// The tasks that are to be polled, in some order.
#[derive(Debug)]
pub(crate) struct Ready {
    /// In order of their wakes.
    queue: VecDeque<Token>,
    /// Picks the next one, if the order is not that of the wakes.
    shuffle: Option<Rng>,
}

impl Ready {
    /// An empty queue; with a seed, one that is shuffled.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self {
            queue: VecDeque::new(),
            shuffle: seed.map(Rng::new),
        }
    }

    /// Adds a task that has become ready.
    pub(crate) fn push(&mut self, token: Token) {
        self.queue.push_back(token);
    }

    /// Takes the task whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<Token> {
        match &mut self.shuffle {
            None => self.queue.pop_front(),
            Some(rng) => pop_any(&mut self.queue, rng),
        }
    }

    /// How many are ready.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

/// Takes any of the tasks, as the generator says.
#[cold]
fn pop_any(queue: &mut VecDeque<Token>, rng: &mut Rng) -> Option<Token> {
    let chosen = rng.below(queue.len().max(1));
    queue.swap_remove_front(chosen)
}
