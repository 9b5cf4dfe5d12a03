//! Policies that break their promise: each is found out at once, named, and not asked again.
//!
//! ```text
//!   drops a task ──────► the task has left its token in LOST ────┐
//!   gives none ────────► though it keeps some ───────────────────┤   run() panics, with the names of
//!   gives a wrong one ─► another executor's, or not ready ───────┼─► policy and task; all ready tasks
//!   panics ────────────► instead of answering ───────────────────┘   are taken back into the queue
//! ```
//!
//! What is left to do then is done first come, first served: tasks have destructors, and cleanups that
//! wait, and a policy that has lost one task would lose those as well. That none is given twice needs no
//! look: a [`ReadyTask`] cannot be copied, and one of an earlier life of its slot has another generation.

use std::cell::Cell;

use crate::report::{self, Report};
use crate::sched::ReadyTask;
use crate::scheduler::Scheduler;
use crate::scheduler::table::Table;
use crate::task::cell::TaskRef;
use crate::task::extras;
use crate::task::id::Called;
use crate::waker::Token;

thread_local! {
    /// The last ready task that was dropped instead of given back.
    static LOST: Cell<Option<Token>> = const { Cell::new(None) };
}

impl Drop for ReadyTask {
    /// Leaves its token: who drops it does not give it back.
    fn drop(&mut self) {
        LOST.set(Some(self.known.token));
    }
}

/// A task that the executor has back, if there is one: to drop that is no loss.
#[derive(Default)]
pub(super) struct Kept(pub(super) Option<ReadyTask>);

impl Drop for Kept {
    #[inline]
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            drop_kept(task);
        }
    }
}

/// Drops a task that the executor has back.
#[cold]
fn drop_kept(task: ReadyTask) {
    let lost = LOST.get();
    drop(task);
    LOST.set(lost);
}

/// Forgets which task was lost, when the policy has been dropped with all it kept.
pub(super) fn forget_lost() {
    LOST.set(None);
}

/// Whether a policy has kept its promise so far.
pub(super) struct Promise {
    /// The policy's name; `None` if it is one of ours that may panic on purpose.
    policy: Option<&'static str>,
    /// Whether it was broken.
    is_broken: Cell<bool>,
}

impl Promise {
    /// That of a policy of this name.
    pub(super) fn new(policy: Option<&'static str>) -> Self {
        let is_broken = Cell::new(false);
        Self { policy, is_broken }
    }

    /// Whether it was broken.
    #[inline]
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.get()
    }

    /// Ends it, when the executor does.
    pub(super) fn end_for_good(&self) {
        self.is_broken.set(true);
    }

    /// # Panics
    ///
    /// Panics if one of the tasks was dropped that the policy keeps.
    #[inline]
    pub(super) fn assert_lost_none(&self, scheduler: &Scheduler) {
        if let Some(lost) = LOST.get() {
            self.look_for(scheduler, lost);
        }
    }

    /// Ends it with a lost task, unless that is another executor's.
    #[cold]
    fn look_for(&self, scheduler: &Scheduler, lost: Token) {
        if lost.executor() != scheduler.id {
            return;
        }
        LOST.set(None);
        if let Some(name) = scheduler.name_if_ready(lost) {
            let what = "Policy::pop() must give each task that Policy::push() was given";
            self.end(scheduler, &format!("has lost {name}; {what}"));
        }
    }

    /// Ends it with no task, though `kept` are ready.
    #[cold]
    pub(super) fn end_with_none(&self, scheduler: &Scheduler) -> ! {
        let kept = scheduler.table.borrow().kept();
        let first = scheduler.name_first_ready();
        let what = format!(
            "keeps {kept} ready tasks and gives none, not even {first}; Policy::pop() must give one"
        );
        self.end(scheduler, &what)
    }

    /// Ends it with a task that should not have been given.
    #[cold]
    pub(super) fn end_with_wrong(&self, scheduler: &Scheduler, task: &ReadyTask) -> ! {
        let called = Called(task.name(), task.id());
        let what = if task.known.token.executor() == scheduler.id {
            "which is not ready; it is of an executor that has ended"
        } else {
            "a task of another executor; each needs a policy of its own"
        };
        self.end(scheduler, &format!("gives {called}, {what}"))
    }

    /// Ends it with a panic of the policy, which goes on, unless it has ended before.
    #[cold]
    pub(super) fn end_with_panic(&self, scheduler: &Scheduler) {
        if let Some(policy) = self.policy
            && !self.is_broken.replace(true)
        {
            scheduler.table.borrow_mut().requeue_all();
            report::send(&Report::PolicyPanicked { policy });
        }
    }

    /// Ends it.
    ///
    /// # Panics
    ///
    /// Always.
    fn end(&self, scheduler: &Scheduler, what: &str) -> ! {
        self.is_broken.set(true);
        scheduler.table.borrow_mut().requeue_all();
        panic!(
            "the policy {} {what}",
            self.policy.unwrap_or("of the library")
        );
    }
}

impl Table {
    /// Whether the task of this token is ready in the executor of this number, or has ended since it was.
    #[inline]
    pub(super) fn is_ready(&self, executor: u16, token: Token) -> bool {
        let is_named = |generation| Token::new(executor, generation, token.slot() as u32) == token;
        let slot = self.slots.get(token.slot());
        slot.is_some_and(|slot| slot.queued && is_named(slot.generation))
    }

    /// How many ready tasks a policy keeps, of whom some may have ended.
    #[inline]
    pub(super) fn kept(&self) -> isize {
        self.elsewhere + self.ended as isize
    }

    /// Takes all ready tasks from whoever keeps them, and puts them into the queue, the oldest first.
    fn requeue_all(&mut self) {
        let id = |task: &Option<TaskRef>| task.as_ref().map(|task| task.id());
        let slots = self.slots.iter().filter(|(_, slot)| slot.queued);
        let mut ready: Vec<_> = slots
            .map(|(index, slot)| (id(&slot.task), index as u32))
            .collect();
        ready.sort_unstable();
        self.clear_ready();
        for (_, slot) in ready {
            self.ready.push(slot);
        }
        // What has ended is in the queue, but not ready.
        self.elsewhere = -(self.ended as isize);
    }
}

impl Scheduler {
    /// How texts name a task, if it is ready.
    fn name_if_ready(&self, token: Token) -> Option<String> {
        let table = self.table.borrow();
        let task = &table.slots.get(token.slot())?.task;
        table.is_ready(self.id, token).then(|| match task {
            Some(task) => extras::describe(task),
            None => String::from("a task that was cancelled meanwhile"),
        })
    }

    /// How texts name the oldest of the ready tasks.
    fn name_first_ready(&self) -> String {
        let table = self.table.borrow();
        let ready = table.slots.iter().filter(|(_, slot)| slot.queued);
        let tasks = ready.filter_map(|(_, slot)| slot.task.as_ref());
        let first = tasks.min_by_key(|task| task.id());
        first.map_or_else(
            || String::from("one that was cancelled"),
            |task| extras::describe(task),
        )
    }
}
