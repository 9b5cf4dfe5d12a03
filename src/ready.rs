//! The ready queue: whose turn is next.
//!
//! First in, first out. A seed makes it a shuffle instead: any of the ready tasks may come next,
//! picked by a generator whose whole future is in the seed, so that a test can try many orders and
//! repeat each one (see `testing::Sim`).
//!
//! The queue names slots, four bytes each, not tokens: a slot whose task has ended stays taken until
//! it is popped (`scheduler.rs`), so a name in here is never stale.
//!
//! Law: whatever the order, each slot pushed is popped exactly once. The turn decides how many pops
//! there are; the order decides only who they are. Read next: `scheduler.rs`.

use std::collections::VecDeque;

use crate::rng::Rng;

/// The tasks that are to be polled, in some order.
#[derive(Debug)]
pub(crate) struct Ready {
    /// In order of their wakes.
    queue: VecDeque<u32>,
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
    pub(crate) fn push(&mut self, slot: u32) {
        self.queue.push_back(slot);
    }

    /// Takes the task whose turn it is.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u32> {
        if self.shuffle.is_some() {
            return self.pop_any();
        }
        self.queue.pop_front()
    }

    /// Takes any of the tasks, as the generator says.
    #[cold]
    fn pop_any(&mut self) -> Option<u32> {
        let chosen = self.shuffle.as_mut()?.below(self.queue.len().max(1));
        self.queue.swap_remove_front(chosen)
    }

    /// How many are ready.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}
