//! How many items of a universal queue are done with, and who waits until all are.
//!
//! ```text
//!   task_done ─► [ tally: done, known ] ─── known is used up? how many were put? ──► [ state ]
//!                   a lock of its own                                           the putters' lock
//! ```
//!
//! Nothing of this lies behind the locks of those who put and get, so they pay nothing for it. The tally
//! knows how many were put when it last looked, and looks again when so many are done with: who works off
//! what has piled up asks the putters once for all of it, and is not in their way for each item.
//!
//! *That all is done with is found by the one who does the last, in that look.* Both locks are held then:
//! this one, without which `done` does not change, and the putters', without which `put` does not. So
//! whoever waits at this moment is let go, whatever is put after it. Who joins looks in the same way. Who
//! needs both locks takes this one first.
//!
//! Why not `done` beside `put`: where one thread puts, and another is done with each item, an item takes
//! twice as long, as both want the same lock. Read next: `sync/universal/wait.rs`.

use std::task::Waker;

use crate::wait_queue::WaitQueue;

/// What is behind the lock of those who are done with items, and of those who wait for them.
pub(super) struct Tally {
    /// How many items are done with: no more than are known.
    done: u64,
    /// How many were put, at the last look.
    known: u64,
    /// Who waits until all are done with.
    pub(super) joining: WaitQueue,
}

impl Tally {
    /// Of no item.
    pub(super) const fn new() -> Self {
        Self {
            done: 0,
            known: 0,
            joining: WaitQueue::new(),
        }
    }

    /// Counts one that is done with; `put` says how many were put. Who is to be woken if it was the last
    /// comes back; `None` says that none was left.
    pub(super) fn count(&mut self, put: impl FnOnce() -> u64) -> Option<Vec<Waker>> {
        let done = self.done + 1;
        if done >= self.known {
            self.known = put();
        }
        if done > self.known {
            return None;
        }
        self.done = done;
        Some(if done == self.known {
            self.joining.grant_all()
        } else {
            Vec::new()
        })
    }

    /// Whether all that was put is done with; `put` says how many that are.
    pub(super) fn is_all_done(&mut self, put: impl FnOnce() -> u64) -> bool {
        if self.done == self.known {
            self.known = put();
        }
        self.done == self.known
    }
}
