//! The ready queue of an executor with a policy.
//!
//! ```text
//!   wake ─► ready (slot), why ──────── told at the next choice ───► policy.push
//!                                                                      │ what is known of the task goes
//!   the turn of its slot ◄────────── policy.pop ◄──────────────────────┘ with it, and comes back
//! ```
//!
//! A wake comes while the table is borrowed, and a policy is user code. So a wake does what it always
//! does, and leaves its reason; the policy is told before it is asked, when nothing is borrowed. It is
//! taken out of its place meanwhile: what it wakes or spawns waits for the next choice.
//!
//! Law: a slot is in the ready queue, or one [`ReadyTask`] names it, never both; a [`ReadyTask`] cannot be
//! copied, so no slot is popped twice. Who breaks it is told in `scheduler/broken.rs`: read that next.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::clock::{Clock, Instant};
use crate::observer::{Audience, Event};
use crate::report::discard;
use crate::sched::{Account, Known, Policy, ReadyTask, Reason};
use crate::scheduler::Scheduler;
use crate::scheduler::broken::{self, Promise};
use crate::scheduler::stopwatch::Stopwatch;
use crate::task::cell::{TaskRef, Turn};
use crate::task::extras;
use crate::task::header::Birth;
use crate::task::id::TaskId;
use crate::waker::Token;

/// What chooses among the ready tasks, as the scheduler knows it: a program that has no policy has
/// none of the code.
pub(crate) trait Chooses {
    /// The turn of the task that the policy wants polled next.
    fn choose(&self, scheduler: &Scheduler, clock: &Clock) -> Chosen;

    /// Notes why the task in a slot is ready, which is in the ready queue now and was polled before.
    fn note(&self, slot: usize, reason: Reason);

    /// Ends the poll of the task that was chosen, if it has not ended: how long it took, and those before
    /// that were not measured.
    fn end_poll(&self, clock: &Clock) -> Option<Duration>;

    /// Notes that time has passed in which nobody was polled.
    fn lose_time(&self);

    /// Forgets who is ready, and drops the policy: nothing may be borrowed, as that is user code. What is
    /// left to do after that is done first come, first served.
    fn forget(&self, scheduler: &Scheduler);
}

/// What comes of a choice.
pub(crate) enum Chosen {
    /// A task is to be polled.
    Turn(Token, Turn),
    /// First it is to be counted how long the last poll took, and those before that were not measured.
    Worked(Duration),
    /// No task is ready.
    Nobody,
}

/// A policy, and what it wants to know.
pub(crate) struct Choice {
    /// The policy; `None` while it is asked.
    policy: Cell<Option<Box<dyn Policy>>>,
    /// Whether it has kept its promise so far.
    promise: Promise,
    /// How many tasks it keeps.
    held: Cell<usize>,
    /// Tasks that the policy does not keep, with what is known of them, by their slots.
    known: RefCell<Vec<Option<ReadyTask>>>,
    /// The slot of the task that was chosen last.
    chosen: Cell<usize>,
    /// Measures its poll.
    stopwatch: Stopwatch,
}

/// The policy while it is asked; goes back to its place, whatever happens.
struct Lent<'a> {
    /// Where its place is.
    choice: &'a Choice,
    /// Whose tasks it has.
    scheduler: &'a Scheduler,
    /// The policy.
    policy: Box<dyn Policy>,
    /// Whether it has been asked something, and has not answered.
    is_asked: bool,
}

impl Choice {
    /// That of a policy of this name; one without is ours, and may panic on purpose.
    pub(crate) fn new(policy: Box<dyn Policy>, name: Option<&'static str>) -> Self {
        Self {
            stopwatch: Stopwatch::new(policy.is_timed()),
            policy: Cell::new(Some(policy)),
            promise: Promise::new(name),
            held: Cell::new(0),
            chosen: Cell::new(0),
            known: RefCell::default(),
        }
    }

    /// The task in a slot, with what is known of it, to be given to the policy.
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

    /// Keeps what is known of a task that is polled now, until it is ready again.
    fn keep_known(&self, slot: usize, mut task: ReadyTask) {
        task.known.is_given_back = true;
        task.known.account.polls += 1;
        let kept = &mut *self.known.borrow_mut();
        if kept.len() <= slot {
            kept.resize_with(slot + 1, || None);
        }
        kept[slot] = Some(task);
    }

    /// The policy.
    fn lend<'a>(&'a self, scheduler: &'a Scheduler) -> Option<Lent<'a>> {
        Some(Lent {
            choice: self,
            scheduler,
            policy: self.policy.take()?,
            is_asked: false,
        })
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

    /// Tells the policy of those that have become ready. What it wakes or spawns meanwhile waits until the
    /// next choice.
    #[inline]
    fn tell(&self, lent: &mut Lent<'_>, now: Instant) {
        while let Some((task, is_last)) = self.next_untold(lent.scheduler, now) {
            self.held.set(self.held.get() + 1);
            lent.push(task);
            if is_last {
                return;
            }
        }
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
    fn choose(&self, scheduler: &Scheduler, clock: &Clock) -> Chosen {
        if let Some(worked) = self.end_poll(clock) {
            // Time for a look outside, perhaps, before anybody is chosen.
            return Chosen::Worked(worked);
        }
        if self.promise.is_broken() {
            return match scheduler.next() {
                Some((token, turn)) => Chosen::Turn(token, turn),
                None => Chosen::Nobody,
            };
        }
        let Some(mut lent) = self.lend(scheduler) else {
            return Chosen::Nobody;
        };
        let now = self.stopwatch.begin(clock);
        loop {
            self.tell(&mut lent, now);
            if self.held.get() == 0 {
                return Chosen::Nobody;
            }
            let given = lent.pop();
            self.promise.assert_lost_none(scheduler);
            let Some(task) = given else {
                self.promise.end_with_none(scheduler, self.held.get());
            };
            let token = task.known.token;
            let mut table = scheduler.table.borrow_mut();
            if !table.is_ready(token) || token.executor() != scheduler.id {
                drop(table);
                self.promise.end_with_wrong(scheduler, &task);
            }
            self.held.set(self.held.get() - 1);
            self.keep_known(token.slot(), task);
            table.elsewhere -= 1;
            if let Some((token, turn)) = scheduler.begin_slot(&mut table, token.slot() as u32) {
                self.chosen.set(token.slot());
                self.stopwatch.is_running.set(true);
                return Chosen::Turn(token, turn);
            }
        }
    }

    fn note(&self, slot: usize, reason: Reason) {
        if let Some(Some(task)) = self.known.borrow_mut().get_mut(slot) {
            task.known.reason = reason;
        }
    }

    #[inline]
    fn end_poll(&self, clock: &Clock) -> Option<Duration> {
        let (took, is_exact) = self.stopwatch.end(clock)?;
        if is_exact && let Some(Some(task)) = self.known.borrow_mut().get_mut(self.chosen.get()) {
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            let account = &mut task.known.account;
            account.last = nanos;
            account.ran = account.ran.saturating_add(nanos);
        }
        Some(took)
    }

    fn lose_time(&self) {
        self.stopwatch.lose_time();
    }

    fn forget(&self, scheduler: &Scheduler) {
        self.held.set(0);
        self.promise.end_for_good();
        let policy = self.policy.take();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(policy)));
        if dropped.is_err() {
            self.promise.end_with_panic(scheduler);
        }
        discard(dropped);
        broken::forget_lost();
    }
}

impl Lent<'_> {
    /// Tells it of a task.
    fn push(&mut self, task: ReadyTask) {
        self.is_asked = true;
        self.policy.push(task);
        self.is_asked = false;
    }

    /// Asks it for one.
    fn pop(&mut self) -> Option<ReadyTask> {
        self.is_asked = true;
        let given = self.policy.pop();
        self.is_asked = false;
        given
    }
}

impl Drop for Lent<'_> {
    /// Puts it back. If it has panicked instead of answering, that was the last question.
    fn drop(&mut self) {
        let policy = std::mem::replace(&mut self.policy, Box::new(Nobody));
        self.choice.policy.set(Some(policy));
        if self.is_asked {
            self.choice.promise.end_with_panic(self.scheduler);
        }
    }
}

/// Stands in for a policy that goes back to its place.
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

    /// Where it is noted what happens, if somebody looks.
    pub(crate) fn audience(&self) -> Option<&dyn Audience> {
        self.watched.as_deref()
    }

    /// The number of who is being polled or dropped.
    pub(super) fn running(&self) -> Option<TaskId> {
        self.current.get().map(|_| self.current_id.get())
    }

    /// Notes that a task was woken, which is in the ready queue now, and by whom.
    #[cold]
    pub(super) fn note_wake(&self, woken: Token, task: Option<&TaskRef>) {
        if let Some(choice) = self.choice() {
            let reason = match self.current.get() {
                Some(token) if token == woken => Reason::Itself,
                Some(_) => Reason::Task(self.current_id.get()),
                None => Reason::Outside,
            };
            choice.note(woken.slot(), reason);
        }
        if let (Some(audience), Some(task)) = (self.audience(), task) {
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
}
