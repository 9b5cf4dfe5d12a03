//! The ready queue of an executor with a policy.
//!
//! ```text
//!   wake ─► ready (slot), why ──────── told at the next choice ───► policy.push
//!                                                                      │ what is known of the task goes
//!   the turn of its slot ◄────────── policy.pop ◄──────────────────────┘ with it, and comes back
//! ```
//!
//! A wake comes while the table is borrowed, and a policy is user code. So a wake does what it always
//! does, and leaves its reason; the policy is told before it is asked, when nothing is borrowed but its own
//! place, which a choice alone looks at: what it wakes or spawns waits for the next one.
//!
//! Mostly who is to be told of is the task that was polled last, and has given way: that is at hand, and has
//! not even been in the queue (`scheduler/table.rs`).
//!
//! Law: a slot is in the ready queue, or one [`ReadyTask`] names it, never both; a [`ReadyTask`] cannot be
//! copied, so no slot is popped twice. Who breaks it is told in `scheduler/broken.rs`: read that next.

use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::clock::Clock;
use crate::report::discard;
use crate::sched::{Known, Policy, ReadyTask, Reason};
use crate::scheduler::Scheduler;
use crate::scheduler::broken::{self, Kept, Promise};
use crate::scheduler::stopwatch::Stopwatch;
use crate::scheduler::table::Table;
use crate::task::cell::{TaskRef, Turn};
use crate::task::extras;
use crate::waker::Token;

/// What chooses among the ready tasks, as the scheduler knows it: a program that has no policy has
/// none of the code.
pub(crate) trait Chooses {
    /// Measures polls by this clock, which is the executor's.
    fn set_clock(&mut self, clock: Clock);

    /// The turn of the task that the policy wants polled next, if there is one. When polls were long, it is
    /// time for a look outside before, which may make others ready.
    fn choose(&self, scheduler: &Scheduler, outside: &dyn Outside) -> Option<(Token, Turn)>;

    /// Notes why the task in a slot is ready, which is in the ready queue now and was polled before, if it
    /// has not woken itself.
    fn note(&self, slot: usize, reason: Reason);

    /// Ends the last poll, if it has not ended: the time that passes from now on is no task's.
    fn end_poll(&self);

    /// Takes how many microseconds polls took that are still to be counted.
    fn take_worked(&self) -> u64;

    /// Forgets who is ready, and drops the policy: nothing may be borrowed, as that is user code. What is
    /// left to do after that is done first come, first served.
    fn forget(&self, scheduler: &Scheduler);
}

/// What a choice asks of the executor.
pub(crate) trait Outside {
    /// Counts how many microseconds polls took; whether it is time for a look outside.
    fn count(&self, micros: u64) -> bool;

    /// Looks outside. Nothing may be borrowed.
    fn look(&self);
}

/// A policy, and what it wants to know. The policy is asked twice for each poll, so its type is known here,
/// and its code part of this one; only the executor knows it as something that [chooses](Chooses).
pub(crate) struct Choice<P> {
    /// The policy, until it is dropped; borrowed while it is asked, and looked at by nobody else then.
    policy: RefCell<Option<P>>,
    /// Whether it has kept its promise so far.
    promise: Promise,
    /// The task that was polled last, if the policy does not keep it: often it gives way, and is the next one
    /// to be told of.
    last: Cell<Kept>,
    /// The others that it does not keep, by their slots.
    others: RefCell<Vec<Kept>>,
    /// Measures polls.
    stopwatch: Stopwatch,
}

/// A policy that is asked and has not answered: dropped if it panics instead.
struct Asked<'a, P>(&'a Choice<P>, &'a Scheduler);

impl<P: Policy> Choice<P> {
    /// That of a policy of this name; one without is ours, and may panic on purpose.
    pub(crate) fn new(policy: P, name: Option<&'static str>) -> Self {
        Self {
            stopwatch: Stopwatch::new(policy.is_timed()),
            policy: RefCell::new(Some(policy)),
            promise: Promise::new(name),
            last: Cell::default(),
            others: RefCell::default(),
        }
    }

    /// The task in a slot, with what is known of it, to be given to the policy.
    #[inline]
    fn take_known(&self, slot: u32, task: &TaskRef) -> ReadyTask {
        match self.last.take().0.take() {
            Some(mut last) if last.known.id == task.id() => {
                self.account(&mut last);
                last
            }
            last => self.take_other(last, slot, task),
        }
    }

    /// The task in a slot which was not the last one polled. That one is put back.
    #[inline(never)]
    fn take_other(&self, last: Option<ReadyTask>, slot: u32, task: &TaskRef) -> ReadyTask {
        self.last.set(Kept(last));
        let mut others = self.others.borrow_mut();
        let kept = others.get_mut(slot as usize);
        match kept.and_then(|kept| kept.0.take()) {
            Some(mut kept) => {
                if kept.known.id != task.id() {
                    *kept.known = Known::new(task);
                }
                kept
            }
            None => ReadyTask {
                known: Box::new(Known::new(task)),
            },
        }
    }

    /// Keeps a task that is polled now, until it is ready again: most likely by itself.
    #[inline]
    fn keep(&self, mut task: ReadyTask) {
        task.known.account.polls += 1;
        task.known.reason = Reason::Itself;
        if let Some(before) = self.last.replace(Kept(Some(task))).0.take() {
            self.keep_other(before);
        }
    }

    /// Keeps a task that was polled before.
    #[inline(never)]
    fn keep_other(&self, mut task: ReadyTask) {
        self.account(&mut task);
        let mut others = self.others.borrow_mut();
        let slot = task.known.token.slot();
        if others.len() <= slot {
            others.resize_with(slot + 1, Kept::default);
        }
        others[slot] = Kept(Some(task));
    }

    /// The first of those who are ready and of whom the policy has not been told, and whether it is the last one.
    #[inline]
    fn next_untold(&self, scheduler: &Scheduler) -> Option<(ReadyTask, bool)> {
        let table = &mut *scheduler.table.borrow_mut();
        let mut task = match self.take_gave_way(table) {
            Some(task) => task,
            None => self.take_queued(table)?,
        };
        task.known.since = self.stopwatch.reading();
        Some((task, table.ready.len() == 0))
    }

    /// The task that was polled last, if it has given way.
    #[inline]
    fn take_gave_way(&self, table: &mut Table) -> Option<ReadyTask> {
        let token = table.gave_way?;
        match self.last.take().0.take() {
            Some(mut last) if last.known.token == token => {
                table.gave_way = None;
                self.account(&mut last);
                Some(last)
            }
            last => {
                // That one was not polled, but dropped.
                self.last.set(Kept(last));
                table.end_short_cut();
                None
            }
        }
    }

    /// The first task in the ready queue.
    #[inline]
    fn take_queued(&self, table: &mut Table) -> Option<ReadyTask> {
        loop {
            let slot = table.ready.pop()?;
            if let Some(task) = &table.slots[slot as usize].task {
                table.elsewhere += 1;
                return Some(self.take_known(slot, task));
            }
            table.free_ended(slot);
        }
    }

    /// Tells the policy of those that have become ready; whether it keeps any. What it wakes or spawns
    /// meanwhile waits until the next choice.
    #[inline]
    fn tell(&self, policy: &mut P, scheduler: &Scheduler) -> bool {
        while let Some((task, is_last)) = self.next_untold(scheduler) {
            policy.push(task);
            if is_last {
                return true;
            }
        }
        scheduler.table.borrow().kept() > 0
    }

    /// Asks the policy for a task until it gives one that has not ended.
    #[inline]
    fn ask(&self, scheduler: &Scheduler) -> Option<(Token, Turn)> {
        // Not while it is asked something else.
        let mut policy = self.policy.try_borrow_mut().ok()?;
        let policy = policy.as_mut()?;
        while self.tell(policy, scheduler) {
            let given = policy.pop();
            self.promise.assert_lost_none(scheduler);
            let Some(task) = given else {
                self.promise.end_with_none(scheduler);
            };
            let token = task.known.token;
            let mut table = scheduler.table.borrow_mut();
            table.elsewhere -= 1;
            if !table.is_ready(scheduler.id, token) {
                drop(table);
                self.promise.end_with_wrong(scheduler, &task);
            }
            let chosen = scheduler.begin_slot(&mut table, token);
            self.keep(task);
            if chosen.is_some() {
                return chosen;
            }
        }
        None
    }

    /// Enters how long the last poll took in the account of its task, when that is the last one no longer.
    #[inline]
    fn account(&self, last: &mut ReadyTask) {
        let took = self.stopwatch.took();
        let account = &mut last.known.account;
        account.ran += took;
        account.last = took;
    }

    /// Has it counted how long polls took, between two of them. The time that a look takes is no task's.
    #[cold]
    fn count(&self, outside: &dyn Outside) {
        if outside.count(self.stopwatch.take_worked()) {
            self.stopwatch.cancel();
            outside.look();
            self.stopwatch.lap();
        }
    }
}

impl Known {
    /// What is known of a task that was never polled.
    fn new(task: &TaskRef) -> Self {
        let (handle, rank) = extras::handle_and_rank(task);
        Self::unpolled(task.token(), task.id(), handle, rank)
    }
}

impl<P: Policy> Chooses for Choice<P> {
    fn set_clock(&mut self, clock: Clock) {
        self.stopwatch.set_clock(clock);
    }

    /// # Panics
    ///
    /// Panics if the policy loses a task, gives none though it keeps some, or gives one that is not ready
    /// or another executor's; and as the policy does.
    fn choose(&self, scheduler: &Scheduler, outside: &dyn Outside) -> Option<(Token, Turn)> {
        if !self.stopwatch.skip() && self.stopwatch.lap() {
            self.count(outside);
        }
        if self.promise.is_broken() {
            return scheduler.next_in_order();
        }
        let asked = Asked(self, scheduler);
        let chosen = self.ask(scheduler);
        mem::forget(asked);
        if chosen.is_none() {
            self.stopwatch.cancel();
        }
        chosen
    }

    fn note(&self, slot: usize, reason: Reason) {
        let mut last = self.last.take().0.take();
        let is_it = |last: &&mut ReadyTask| last.known.token.slot() == slot;
        if let Some(last) = last.as_mut().filter(is_it) {
            last.known.reason = reason;
        } else if let Some(Kept(Some(other))) = self.others.borrow_mut().get_mut(slot) {
            other.known.reason = reason;
        }
        self.last.set(Kept(last));
    }

    fn end_poll(&self) {
        self.stopwatch.stop();
    }

    fn take_worked(&self) -> u64 {
        self.stopwatch.take_worked()
    }

    fn forget(&self, scheduler: &Scheduler) {
        let policy = match self.policy.try_borrow_mut() {
            Ok(mut policy) => policy.take(),
            Err(_) => None,
        };
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(policy)));
        if dropped.is_err() {
            self.promise.end_with_panic(scheduler);
        }
        self.promise.end_for_good();
        discard(dropped);
        broken::forget_lost();
    }
}

impl<P> Drop for Asked<'_, P> {
    fn drop(&mut self) {
        self.0.promise.end_with_panic(self.1);
    }
}

impl Scheduler {
    /// What chooses among the ready tasks, if that is not the order of the queue.
    pub(crate) fn choice(&self) -> Option<&dyn Chooses> {
        self.choice.as_deref()
    }
}
