//! The ready queue of an executor with a policy.
//!
//! ```text
//!   wake ─► ready (slot), reasons ──── told at the next choice ───► policy.push
//!                                                                      │
//!   the turn of its slot ◄────────── policy.pop ◄──────────────────────┘
//! ```
//!
//! A wake comes while the table is borrowed, and a policy is user code. So a wake does what it always
//! does, and leaves its reason; the policy is told before it is asked, when nothing is borrowed. It is
//! taken out of its place meanwhile: what it wakes or spawns waits for the next choice.
//!
//! Law: a slot is in the ready queue, or one [`ReadyTask`] names it, never both; a [`ReadyTask`] cannot be
//! copied, so no slot is popped twice. Who breaks it is told in `scheduler/broken.rs`: read that next.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Instant;
use crate::sched::{Account, Policy, ReadyTask, Reason};
use crate::scheduler::Scheduler;
use crate::scheduler::broken::{self, Promise};
use crate::task::cell::Turn;
use crate::task::extras;
use crate::task::id::TaskId;
use crate::waker::Token;

/// What chooses among the ready tasks, as the scheduler knows it: a program that has no policy has
/// none of the code.
pub(crate) trait Chooses {
    /// The turn of the task that the policy wants polled next; `None` says that no task is ready.
    fn choose(&self, scheduler: &Scheduler, now: Instant) -> Option<(Token, Turn)>;

    /// Notes why a task is ready that is in the ready queue now.
    fn note(&self, reason: Reason);

    /// Adds a poll to what those of the running task have taken.
    fn add_poll(&self, slot: usize, id: TaskId, took: Duration);

    /// Forgets who is ready.
    fn forget(&self);
}

/// A policy, and what it wants to know.
pub(crate) struct Choice {
    /// The policy; `None` while it is asked.
    policy: Cell<Option<Box<dyn Policy>>>,
    /// Whether it has kept its promise so far.
    promise: Promise,
    /// How many tasks it keeps.
    held: Cell<usize>,
    /// Why those in the ready queue are there, in the same order.
    reasons: RefCell<VecDeque<Reason>>,
    /// What the polls of tasks have taken, by their slots.
    accounts: RefCell<Vec<(TaskId, Account)>>,
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
            policy: Cell::new(Some(policy)),
            promise: Promise::new(name),
            held: Cell::new(0),
            reasons: RefCell::default(),
            accounts: RefCell::default(),
        }
    }

    /// What the polls of a task have taken.
    fn account(&self, slot: u32, id: TaskId) -> Account {
        match self.accounts.borrow().get(slot as usize) {
            Some((owner, account)) if *owner == id => *account,
            _ => Account::default(),
        }
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

    /// The first of those in the ready queue, of whom the policy has not been told.
    fn next_untold(&self, scheduler: &Scheduler, now: Instant) -> Option<ReadyTask> {
        let table = &mut *scheduler.table.borrow_mut();
        loop {
            let slot = table.ready.pop()?;
            let reason = self.reasons.borrow_mut().pop_front();
            let Some(task) = &table.slots[slot as usize].task else {
                table.free_ended(slot);
                continue;
            };
            let (handle, rank) = extras::handle_and_rank(task);
            table.elsewhere += 1;
            return Some(ReadyTask {
                token: task.token(),
                is_given_back: false,
                id: task.id(),
                task: handle,
                rank,
                reason: reason.unwrap_or(Reason::Outside),
                since: now,
                account: self.account(slot, task.id()),
            });
        }
    }
}

impl Chooses for Choice {
    /// # Panics
    ///
    /// Panics if the policy loses a task, gives none though it keeps some, or gives one that is not ready
    /// or another executor's; and as the policy does.
    fn choose(&self, scheduler: &Scheduler, now: Instant) -> Option<(Token, Turn)> {
        if self.promise.is_broken() {
            return scheduler.next();
        }
        let mut lent = self.lend(scheduler)?;
        loop {
            while let Some(task) = self.next_untold(scheduler, now) {
                self.held.set(self.held.get() + 1);
                lent.push(task);
            }
            if self.held.get() == 0 {
                return None;
            }
            let given = lent.pop();
            self.promise.assert_lost_none(scheduler);
            let Some(mut task) = given else {
                self.promise.end_with_none(scheduler, self.held.get());
            };
            let mut table = scheduler.table.borrow_mut();
            if !table.is_ready(task.token) || task.token.executor() != scheduler.id {
                drop(table);
                self.promise.end_with_wrong(scheduler, &task);
            }
            task.is_given_back = true;
            self.held.set(self.held.get() - 1);
            table.elsewhere -= 1;
            if let Some(turn) = scheduler.begin_slot(&mut table, task.token.slot() as u32) {
                return Some(turn);
            }
        }
    }

    fn note(&self, reason: Reason) {
        if !self.promise.is_broken() {
            self.reasons.borrow_mut().push_back(reason);
        }
    }

    fn add_poll(&self, slot: usize, id: TaskId, took: Duration) {
        let accounts = &mut *self.accounts.borrow_mut();
        if accounts.len() <= slot {
            accounts.resize(slot + 1, (id, Account::default()));
        }
        let (owner, account) = &mut accounts[slot];
        if *owner != id {
            (*owner, *account) = (id, Account::default());
        }
        account.polls += 1;
        account.ran += took;
        account.last = took;
    }

    fn forget(&self) {
        self.held.set(0);
        self.reasons.borrow_mut().clear();
        drop(self.policy.take());
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

    /// Notes that a task was woken, which is in the ready queue now, and by whom.
    #[cold]
    pub(super) fn note_wake(&self, woken: Token) {
        self.note_ready(match self.current.get() {
            Some(token) if token == woken => Reason::Itself,
            Some(_) => Reason::Task(self.current_id.get()),
            None => Reason::Outside,
        });
    }

    /// Notes why a task is ready that is in the ready queue now.
    #[cold]
    pub(super) fn note_ready(&self, reason: Reason) {
        if let Some(choice) = self.choice() {
            choice.note(reason);
        }
    }

    /// Notes how long a task was polled, for the policy.
    pub(crate) fn add_poll(&self, turn: &Turn, took: Duration) {
        if let Some(choice) = self.choice() {
            choice.add_poll(turn.token().slot(), turn.id(), took);
        }
    }
}
