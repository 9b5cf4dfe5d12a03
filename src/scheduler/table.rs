//! Slots and ready queue: what a wake touches.
//!
//! ```text
//!   slots    0: task, queued    1: task    2: (ended), queued    3: –      the slot of a task that ended while
//!   ready    2, 0                                                          it was queued is freed at its turn
//! ```
//!
//! Law: a slot that is queued is in the ready queue once, or kept by a policy (`scheduler/choice.rs`), or that
//! of the task that has given way. That is a short cut: under a policy the queue is where those wait of whom it
//! has not been told, and mostly that is nobody but the task that was polled last and has woken itself. Its
//! name then goes from that poll to the next choice without a turn in the queue.

use slab::Slab;

use crate::ready::Ready;
use crate::task::cell::TaskRef;
use crate::waker::Token;

/// A place for a task.
pub(super) struct Slot {
    /// The task; `None` when it has ended and the slot is still in the ready queue.
    pub(super) task: Option<TaskRef>,
    /// How often it was polled.
    pub(super) polls: u32,
    /// Which of the slot's tasks it is: the low bits of a counter over all slots.
    pub(super) generation: u16,
    /// Whether it is in the ready queue, or (while it is polled) will be.
    pub(super) queued: bool,
}

/// Slots and ready queue.
#[derive(Default)]
pub(super) struct Table {
    /// Where the tasks are.
    pub(super) slots: Slab<Slot>,
    /// Those that are to be polled.
    pub(super) ready: Ready,
    /// How many of those have ended: their slots are freed when the queue comes to them.
    pub(super) ended: usize,
    /// How many more are ready than the queue says: a policy keeps them, or one has given way; less those that
    /// have ended.
    pub(super) elsewhere: isize,
    /// Who has given way and comes before all in the queue, under a policy.
    pub(super) gave_way: Option<Token>,
}

impl Table {
    /// Takes the task out of a slot that is queued.
    #[cold]
    pub(super) fn end_queued(&mut self, slot: usize) {
        self.end_short_cut();
        self.slots[slot].task = None;
        self.ended += 1;
        self.elsewhere -= 1;
    }

    /// Frees the slot of a task that ended while it was ready.
    pub(super) fn free_ended(&mut self, slot: u32) {
        self.slots.remove(slot as usize);
        self.ended -= 1;
        self.elsewhere += 1;
    }

    /// Forgets who is ready. The slots and the counts know nothing of it.
    pub(super) fn clear_ready(&mut self) {
        self.ready = Ready::default();
        self.gave_way = None;
    }

    /// Queues a task that has given way, by the short cut if it is the only one that is queued.
    #[inline]
    pub(super) fn give_way(&mut self, task: Token) {
        if self.ready.len() == 0 && self.gave_way.is_none() {
            self.gave_way = Some(task);
            self.elsewhere += 1;
        } else {
            self.ready.push(task.slot() as u32);
        }
    }

    /// Puts who has given way into the queue, where it would be without a short cut.
    pub(super) fn end_short_cut(&mut self) {
        if let Some(task) = self.gave_way.take() {
            self.elsewhere -= 1;
            self.ready.push_first(task.slot() as u32);
        }
    }
}
