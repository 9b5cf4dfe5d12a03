//! Who the running task is, and what it says of itself, through its leaf futures: what it waits for, and
//! where, which becomes its metadata when it parks; how much of its poll it has used up; and who ready
//! tasks are, for those who tell of schedules.

use std::panic::Location;

#[cfg(feature = "testing")]
use crate::sched::ReadyTask;
use crate::scheduler::Scheduler;
use crate::task::id::Current;
use crate::task::waits::Waits;
use crate::waker::Token;

/// What is known of a ready task beyond what policies are told.
#[cfg(feature = "testing")]
pub(crate) struct Standing {
    /// Where it was spawned.
    pub(crate) spawned_at: &'static Location<'static>,
    /// What it has waited for, as texts say it.
    pub(crate) waits: String,
    /// Where it has waited.
    pub(crate) waits_at: Option<&'static Location<'static>>,
    /// Whether it is the main task of a run.
    pub(crate) is_main: bool,
}

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

    /// What is known of a ready task beyond what policies are told; `None` if it has ended meanwhile.
    #[cfg(feature = "testing")]
    pub(crate) fn standing(&self, task: &ReadyTask) -> Option<Standing> {
        let table = self.table.borrow();
        let task = table.slots.get(task.known.token.slot())?.task.as_ref()?;
        Some(Standing {
            spawned_at: task.spawned_at(),
            waits: task.waits().to_string(),
            waits_at: task.waits_at(),
            is_main: task.is_main(),
        })
    }
}
