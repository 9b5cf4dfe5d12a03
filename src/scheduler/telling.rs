//! Who hears what happens to tasks: the policy, who is ready and why; observers, everything.
//!
//! Both are told later, when nothing is borrowed (`scheduler/choice.rs`, `observer.rs`); what is called here
//! only notes. The executor asks one flag, so one that has neither pays for neither.

use crate::observer::{Audience, Event};
use crate::sched::Reason;
use crate::scheduler::Scheduler;
use crate::scheduler::table::Table;
use crate::task::header::Birth;
use crate::task::id::TaskId;
use crate::waker::{self, Token};

/// Calls `f` with who hears what happens in the executor of this thread, if somebody does.
pub(crate) fn with_audience(f: impl FnOnce(&Audience)) {
    waker::with_current(|scheduler| scheduler.audience().map(f));
}

impl Scheduler {
    /// Whether a policy or an observer is to hear who is ready.
    #[inline]
    pub(crate) fn tells(&self) -> bool {
        self.tells
    }

    /// Where it is noted what happens, if somebody looks.
    pub(crate) fn audience(&self) -> Option<&Audience> {
        self.watched.as_deref()
    }

    /// The number of who is being polled or dropped.
    pub(super) fn running(&self) -> Option<TaskId> {
        self.current.get().map(|_| self.current_id.get())
    }

    /// Queues a task that was woken, and notes by whom, if that is not told by itself.
    #[inline]
    pub(super) fn note_wake(&self, table: &mut Table, woken: Token) {
        if self.current.get() == Some(woken) && self.watched.is_none() {
            table.give_way(woken);
        } else {
            self.note_waker(table, woken);
        }
    }

    /// Queues a task that was woken, and notes by whom.
    #[inline(never)]
    fn note_waker(&self, table: &mut Table, woken: Token) {
        table.ready.push(woken.slot() as u32);
        let by = self.current.get();
        if let Some(choice) = self.choice().filter(|_| by != Some(woken)) {
            let reason = by.map_or(Reason::Outside, |_| Reason::Task(self.current_id.get()));
            choice.note(woken.slot(), reason);
        }
        if let (Some(audience), Some(task)) = (self.audience(), &table.slots[woken.slot()].task) {
            audience.note_woken(task.id(), self.running());
        }
    }

    /// Notes that a task was spawned, which is in the ready queue now.
    #[cold]
    pub(super) fn note_spawn(&self, birth: &Birth) {
        if let Some(audience) = self.audience() {
            audience.note(Event::Spawned {
                task: birth.id,
                parent: audience.current(),
                name: None,
                at: birth.spawned_at,
            });
        }
    }

    /// Notes something that has happened to a child, if somebody looks.
    pub(crate) fn note_of(&self, child: Token, event: impl FnOnce(TaskId) -> Event) {
        if let Some(audience) = self.audience()
            && let Some(id) = self.children.id_of(child)
        {
            audience.note(event(id));
        }
    }
}
