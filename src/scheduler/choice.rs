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
//! copied, so no slot is popped twice.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::clock::{Clock, Instant};
use crate::sched::{Account, Known, Policy, ReadyTask, Reason};
use crate::scheduler::Scheduler;
use crate::scheduler::stopwatch::Stopwatch;
use crate::task::cell::{TaskRef, Turn};
use crate::task::extras;
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

    /// Forgets who is ready.
    fn forget(&self);
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
    /// How many tasks it keeps.
    held: Cell<usize>,
    /// What is known of tasks that the policy does not keep, by their slots.
    known: RefCell<Vec<Option<Box<Known>>>>,
    /// The slot of the task that was chosen last.
    chosen: Cell<usize>,
    /// Measures its poll.
    stopwatch: Stopwatch,
}

/// The policy while it is asked; goes back to its place, whatever happens.
struct Lent<'a> {
    /// Its place.
    place: &'a Cell<Option<Box<dyn Policy>>>,
    /// The policy.
    policy: Box<dyn Policy>,
}

impl Choice {
    /// That of a policy.
    pub(crate) fn new(policy: Box<dyn Policy>) -> Self {
        Self {
            stopwatch: Stopwatch::new(policy.is_timed()),
            policy: Cell::new(Some(policy)),
            held: Cell::new(0),
            chosen: Cell::new(0),
            known: RefCell::default(),
        }
    }

    /// What is known of the task in a slot, to be given to the policy.
    fn take_known(&self, slot: u32, task: &TaskRef) -> Box<Known> {
        let mut known = self.known.borrow_mut();
        match known.get_mut(slot as usize).and_then(Option::take) {
            Some(known) if known.id == task.id() => known,
            Some(mut of_another) => {
                *of_another = Known::new(task);
                of_another
            }
            None => Box::new(Known::new(task)),
        }
    }

    /// Keeps what is known of a task that is polled now, until it is ready again.
    fn keep_known(&self, slot: usize, known: Box<Known>) {
        let kept = &mut *self.known.borrow_mut();
        if kept.len() <= slot {
            kept.resize_with(slot + 1, || None);
        }
        kept[slot] = Some(known);
    }

    /// The policy.
    fn lend(&self) -> Option<Lent<'_>> {
        Some(Lent {
            place: &self.policy,
            policy: self.policy.take()?,
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
            let mut known = self.take_known(slot, task);
            known.since = now;
            return Some((ReadyTask { known }, table.ready.len() == 0));
        }
    }

    /// Tells the policy of those that have become ready. What it wakes or spawns meanwhile waits until the
    /// next choice.
    #[inline]
    fn tell(&self, policy: &mut dyn Policy, scheduler: &Scheduler, now: Instant) {
        while let Some((task, is_last)) = self.next_untold(scheduler, now) {
            self.held.set(self.held.get() + 1);
            policy.push(task);
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
    /// Panics if the policy gives none though it keeps some, or another executor's.
    fn choose(&self, scheduler: &Scheduler, clock: &Clock) -> Chosen {
        if let Some(worked) = self.end_poll(clock) {
            // Time for a look outside, perhaps, before anybody is chosen.
            return Chosen::Worked(worked);
        }
        let Some(mut lent) = self.lend() else {
            return Chosen::Nobody;
        };
        let now = self.stopwatch.begin(clock);
        loop {
            self.tell(&mut *lent.policy, scheduler, now);
            if self.held.get() == 0 {
                return Chosen::Nobody;
            }
            let Some(ReadyTask { mut known }) = lent.policy.pop() else {
                let kept = self.held.replace(0);
                panic!(
                    "the policy keeps {kept} ready tasks and gives none; Policy::pop() must give one"
                );
            };
            assert!(
                known.token.executor() == scheduler.id,
                "the policy gives a task of another executor; each needs one of its own"
            );
            self.held.set(self.held.get() - 1);
            let slot = known.token.slot();
            known.account.polls += 1;
            self.keep_known(slot, known);
            let table = &mut *scheduler.table.borrow_mut();
            table.elsewhere -= 1;
            if let Some((token, turn)) = scheduler.begin_slot(table, slot as u32) {
                self.chosen.set(slot);
                self.stopwatch.is_running.set(true);
                return Chosen::Turn(token, turn);
            }
        }
    }

    fn note(&self, slot: usize, reason: Reason) {
        if let Some(Some(known)) = self.known.borrow_mut().get_mut(slot) {
            known.reason = reason;
        }
    }

    #[inline]
    fn end_poll(&self, clock: &Clock) -> Option<Duration> {
        let (took, is_exact) = self.stopwatch.end(clock)?;
        if is_exact && let Some(Some(known)) = self.known.borrow_mut().get_mut(self.chosen.get()) {
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            known.account.last = nanos;
            known.account.ran = known.account.ran.saturating_add(nanos);
        }
        Some(took)
    }

    fn lose_time(&self) {
        self.stopwatch.lose_time();
    }

    fn forget(&self) {
        self.held.set(0);
        drop(self.policy.take());
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let policy = std::mem::replace(&mut self.policy, Box::new(Nobody));
        self.place.set(Some(policy));
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

    /// Notes that a task was woken, which is in the ready queue now, and by whom.
    #[cold]
    pub(super) fn note_wake(&self, woken: Token) {
        let Some(choice) = self.choice() else {
            return;
        };
        let reason = match self.current.get() {
            Some(token) if token == woken => Reason::Itself,
            Some(_) => Reason::Task(self.current_id.get()),
            None => Reason::Outside,
        };
        choice.note(woken.slot(), reason);
    }
}
