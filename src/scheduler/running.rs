//! Who the running task is, and what it says of itself, through its leaf futures: what it waits for, and where, which
//! becomes its metadata when it parks; and how much of its poll it has used up.

use std::panic::Location;

use crate::scheduler::Scheduler;
use crate::task::id::Current;
use crate::task::waits::Waits;
use crate::waker::Token;

impl Scheduler {
    /// Who is being polled or dropped.
    pub(crate) fn current(&self) -> Option<Current> {
        let token = self.current.get()?;
        let table = self.table.borrow();
        let slot = table.slots.get(token.slot())?;
        let task = slot.task.as_ref()?;
        (slot.generation == token.generation()).then(|| task.current())
    }

    /// The token of who is being polled or dropped.
    pub(crate) fn current_token(&self) -> Option<Token> {
        self.current.get()
    }

    /// Notes that the running task waits for something, and where.
    pub(crate) fn note(&self, waits: Waits, at: &'static Location<'static>) {
        self.waits.set(self.waits.get() | waits);
        self.waits_at.set(Some(at));
    }

    /// Notes that `extras` has come to know something about the running task.
    pub(crate) fn note_extras(&self) {
        self.waits.set(self.waits.get() | Waits::EXTRAS);
    }

    /// What the running task has noted so far.
    pub(crate) fn waits(&self) -> Waits {
        self.waits.get()
    }

    /// Where the running task has said that it waits.
    pub(crate) fn waits_at(&self) -> Option<&'static Location<'static>> {
        self.waits_at.get()
    }

    /// Notes that a waker of the running task has left our own futures.
    pub(crate) fn mark_foreign(&self) {
        self.waits.set(self.waits.get() | Waits::FOREIGN);
    }

    /// Takes one from what the running task may do in this poll. `false` says that it is used up:
    /// the caller wakes itself and answers pending.
    pub(crate) fn spend(&self) -> bool {
        match self.budget.get() {
            0 => false,
            left => {
                self.budget.set(left - 1);
                true
            }
        }
    }

    /// Counts a system call that a leaf future makes.
    pub(crate) fn count_call(&self) {
        self.calls.add(1);
    }

    /// How many system calls leaf futures have made.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.get()
    }
}
