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
//! Law: a slot is in the ready queue, or one [`ReadyTask`] names it, never both; a [`ReadyTask`] cannot be
//! copied, so no slot is popped twice. Who breaks it is told in `scheduler/broken.rs`: read that next.

use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::clock::{Clock, Instant};
use crate::report::discard;
use crate::sched::{Account, Known, Policy, ReadyTask, Reason};
use crate::scheduler::Scheduler;
use crate::scheduler::broken::{self, Promise};
use crate::scheduler::stopwatch::Stopwatch;
use crate::task::cell::{TaskRef, Turn};
use crate::task::extras;
use crate::waker::Token;

/// What chooses among the ready tasks, as the scheduler knows it: a program that has no policy has
/// none of the code.
pub(crate) trait Chooses {
    /// The turn of the task that the policy wants polled next. `None` if there is none, or if it is first to
    /// be counted how long polls took.
    fn choose(&self, scheduler: &Scheduler, clock: &Clock) -> Option<(Token, Turn)>;

    /// Notes why the task in a slot is ready, which is in the ready queue now and was polled before, if it
    /// has not woken itself.
    fn note(&self, slot: usize, reason: Reason);

    /// Ends the poll of the task that was chosen, if it has not ended.
    fn end_poll(&self, clock: &Clock);

    /// Takes how long polls took that are still to be counted, if they took any time.
    fn take_worked(&self) -> Option<Duration>;

    /// Notes that time has passed in which nobody was polled.
    fn lose_time(&self);

    /// Forgets who is ready, and drops the policy: nothing may be borrowed, as that is user code. What is
    /// left to do after that is done first come, first served.
    fn forget(&self, scheduler: &Scheduler);
}

/// A policy, and what it wants to know.
pub(crate) struct Choice {
    /// The policy; borrowed while it is asked, and looked at by nobody else then.
    policy: RefCell<Box<dyn Policy>>,
    /// Whether it has kept its promise so far.
    promise: Promise,
    /// Tasks that the policy does not keep, with what is known of them, by their slots.
    known: RefCell<Vec<Option<ReadyTask>>>,
    /// The slot of the task that was chosen last.
    chosen: Cell<usize>,
    /// Measures its poll.
    stopwatch: Stopwatch,
}

/// A policy that is asked and has not answered: dropped if it panics instead.
struct Asked<'a>(&'a Promise, &'a Scheduler);

impl Choice {
    /// That of a policy of this name; one without is ours, and may panic on purpose.
    pub(crate) fn new(policy: Box<dyn Policy>, name: Option<&'static str>) -> Self {
        Self {
            stopwatch: Stopwatch::new(policy.is_timed()),
            policy: RefCell::new(policy),
            promise: Promise::new(name),
            chosen: Cell::new(0),
            known: RefCell::default(),
        }
    }

    /// The task in a slot, with what is known of it, to be given to the policy.
    #[inline]
    fn take_known(&self, slot: u32, task: &TaskRef) -> ReadyTask {
        let mut known = self.known.borrow_mut();
        match known.get_mut(slot as usize).and_then(Option::take) {
            Some(mut kept) => {
                if kept.known.id != task.id() {
                    *kept.known = Known::new(task);
                }
                kept.known.is_given_back = false;
                kept
            }
            None => ReadyTask {
                known: Box::new(Known::new(task)),
            },
        }
    }

    /// Keeps what is known of a task that is polled now, until it is ready again: most likely by itself.
    #[inline]
    fn keep_known(&self, slot: usize, mut task: ReadyTask) {
        task.known.is_given_back = true;
        task.known.account.polls += 1;
        task.known.reason = Reason::Itself;
        let kept = &mut *self.known.borrow_mut();
        match kept.get_mut(slot) {
            Some(place) => *place = Some(task),
            None => Self::keep_first(kept, slot, task),
        }
    }

    /// Keeps what is known of the first task in a slot.
    #[cold]
    fn keep_first(kept: &mut Vec<Option<ReadyTask>>, slot: usize, task: ReadyTask) {
        kept.resize_with(slot, || None);
        kept.push(Some(task));
    }

    /// The first of those in the ready queue, of whom the policy has not been told, and whether it is the
    /// last one.
    #[inline]
    fn next_untold(&self, scheduler: &Scheduler, now: Instant) -> Option<(ReadyTask, bool)> {
        let table = &mut *scheduler.table.borrow_mut();
        loop {
            let slot = table.ready.pop()?;
            let Some(task) = &table.slots[slot as usize].task else {
                table.free_ended(slot);
                continue;
            };
            table.elsewhere += 1;
            let mut task = self.take_known(slot, task);
            task.known.since = now;
            return Some((task, table.ready.len() == 0));
        }
    }

    /// Tells the policy of those that have become ready; whether it keeps any. What it wakes or spawns
    /// meanwhile waits until the next choice.
    #[inline]
    fn tell(&self, policy: &mut dyn Policy, scheduler: &Scheduler, now: Instant) -> bool {
        while let Some((task, is_last)) = self.next_untold(scheduler, now) {
            policy.push(task);
            if is_last {
                return true;
            }
        }
        scheduler.table.borrow().kept() > 0
    }

    /// Asks the policy for a task until it gives one that has not ended.
    #[inline]
    fn ask(&self, scheduler: &Scheduler, now: Instant) -> Option<(Token, Turn)> {
        // Not while it is asked something else.
        let policy = &mut **self.policy.try_borrow_mut().ok()?;
        while self.tell(policy, scheduler, now) {
            let given = policy.pop();
            self.promise.assert_lost_none(scheduler);
            let Some(task) = given else {
                self.promise.end_with_none(scheduler);
            };
            let token = task.known.token;
            let mut table = scheduler.table.borrow_mut();
            if !table.is_ready(scheduler.id, token) {
                drop(table);
                self.promise.end_with_wrong(scheduler, &task);
            }
            table.elsewhere -= 1;
            let chosen = scheduler.begin_slot(&mut table, token.slot() as u32);
            self.keep_known(token.slot(), task);
            if chosen.is_some() {
                self.chosen.set(token.slot());
                self.stopwatch.is_running.set(true);
                return chosen;
            }
        }
        None
    }
}

impl Known {
    /// What is known of a task that was never polled.
    fn new(task: &TaskRef) -> Self {
        let (handle, rank) = extras::handle_and_rank(task);
        Self {
            token: task.token(),
            is_given_back: false,
            id: task.id(),
            task: handle,
            rank,
            reason: Reason::Spawned,
            since: Instant::PAST,
            account: Account::default(),
            mark: 0,
        }
    }
}

impl Chooses for Choice {
    /// # Panics
    ///
    /// Panics if the policy loses a task, gives none though it keeps some, or gives one that is not ready
    /// or another executor's; and as the policy does.
    fn choose(&self, scheduler: &Scheduler, clock: &Clock) -> Option<(Token, Turn)> {
        self.end_poll(clock);
        if self.stopwatch.has_much() {
            // Time for a look outside, perhaps, before anybody is chosen.
            return None;
        }
        if self.promise.is_broken() {
            return scheduler.next();
        }
        let now = self.stopwatch.begin(clock);
        let asked = Asked(&self.promise, scheduler);
        let chosen = self.ask(scheduler, now);
        mem::forget(asked);
        chosen
    }

    fn note(&self, slot: usize, reason: Reason) {
        if let Some(Some(task)) = self.known.borrow_mut().get_mut(slot) {
            task.known.reason = reason;
        }
    }

    #[inline]
    fn end_poll(&self, clock: &Clock) {
        if let Some(took) = self.stopwatch.end(clock)
            && let Some(Some(task)) = self.known.borrow_mut().get_mut(self.chosen.get())
        {
            let account = &mut task.known.account;
            account.last = took;
            account.ran = account.ran.saturating_add(took);
        }
    }

    fn take_worked(&self) -> Option<Duration> {
        self.stopwatch.take_worked()
    }

    fn lose_time(&self) {
        self.stopwatch.lose_time();
    }

    fn forget(&self, scheduler: &Scheduler) {
        let policy = match self.policy.try_borrow_mut() {
            Ok(mut policy) => Some(mem::replace(&mut *policy, Box::new(Nobody))),
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

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.end_with_panic(self.1);
    }
}

/// Stands in for a policy that is dropped, as nothing is to be polled any more.
struct Nobody;

impl Policy for Nobody {
    fn push(&mut self, _: ReadyTask) {}

    fn pop(&mut self) -> Option<ReadyTask> {
        None
    }
}

impl Scheduler {
    /// What chooses among the ready tasks, if that is not the order of the queue.
    pub(crate) fn choice(&self) -> Option<&dyn Chooses> {
        self.choice.as_deref()
    }
}
