//! The scheduler: which tasks there are, which of them are ready, and which one is running.
//!
//! ```text
//!   wake(token) ─► slots[slot]: same generation? not queued yet? ─► ready
//!   next()      ◄─ ready                        the turn of one task: it is the current one
//!   park(turn)                                  … until it waits for what it has noted
//!   remove(token)                               … or has ended: the slot is free, at the latest
//!                                               when the ready queue comes to it
//! ```
//!
//! Laws. No user code runs in here: a task is polled and dropped by the turn that `next` hands out,
//! when nothing is borrowed (law 1 of `executor.rs`). *queued* is cleared when the turn begins, that
//! is before the poll, so a wake during the poll queues the task again (law 3). While a task runs, its
//! leaf futures note here what they wait for; when it parks, that becomes its metadata.
//!
//! Why slots in a slab and not linked tasks: the token needs an index anyhow, sixteen bytes a slot
//! keep four of them in a cache line, and the whole is safe code. Read next: `task/cell.rs`.

mod broken;
pub(crate) mod children;
pub(crate) mod choice;
pub(crate) mod roster;
mod running;
mod stopwatch;
mod table;
pub(crate) mod telling;

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;

use crate::counter::Counter;
use crate::locals;
use crate::observer::Watched;
use crate::scheduler::choice::Chooses;
use crate::scheduler::roster::Lists;
use crate::scheduler::table::{Slot, Table};
use crate::task::cell::{self, JoinRef, TaskRef, Turn};
use crate::task::extras;
use crate::task::header::Birth;
use crate::task::id::TaskId;
use crate::task::waits::Waits;
use crate::waker::{CHILD, GENERATIONS, Token};

/// How many operations that are ready at once a task may do in one poll before it gives way, so that
/// a peer that never stops sending cannot starve the others. The figure is tokio's.
const OPERATIONS_PER_POLL: u8 = 128;

/// The tasks of one executor.
pub(crate) struct Scheduler {
    /// The executor's number, in every token.
    id: u16,
    /// Slots and ready queue.
    table: RefCell<Table>,
    /// Who chooses among them, if that is not the order of the queue.
    choice: Option<Box<dyn Chooses>>,
    /// Where it is noted what happens.
    watched: Watched,
    /// Whether one of those two is to hear who is ready.
    tells: bool,
    /// The children of scopes.
    children: Rc<children::Children>,
    /// The task that is being polled or dropped.
    current: Cell<Option<Token>>,
    /// Its number, or that of the last one.
    current_id: Cell<TaskId>,
    /// What the running task has said it waits for.
    waits: Cell<Waits>,
    /// Where it said so.
    waits_at: Cell<Option<&'static Location<'static>>>,
    /// How many operations the running task may still do in this poll.
    budget: Cell<u8>,
    /// How many tasks were spawned.
    spawned: Counter,
    /// The generation of the first one.
    first_generation: u16,
    /// How many wakes have queued a task.
    wakes: Counter,
    /// How many system calls leaf futures have made.
    calls: Counter,
    /// Whether any task owes something.
    is_owing: Cell<bool>,
    /// How many parked tasks something outside may wake: a socket, a thread, a foreign waker.
    outside: Cell<usize>,
}

impl Scheduler {
    /// A scheduler without tasks; without a policy they come first in, first out.
    pub(crate) fn new(
        id: u16,
        first_generation: u16,
        choice: Option<Box<dyn Chooses>>,
        roster: Option<Box<dyn Lists>>,
        watched: Watched,
    ) -> Self {
        Self {
            id,
            table: RefCell::default(),
            tells: choice.is_some() || watched.is_some(),
            choice,
            watched,
            children: Rc::new(children::Children::new(roster)),
            current: Cell::new(None),
            current_id: Cell::new(TaskId::new(0)),
            waits: Cell::new(Waits::NOTHING),
            waits_at: Cell::new(None),
            budget: Cell::new(OPERATIONS_PER_POLL),
            spawned: Counter::default(),
            first_generation,
            wakes: Counter::default(),
            calls: Counter::default(),
            is_owing: Cell::new(false),
            outside: Cell::new(0),
        }
    }

    /// The executor's number.
    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    /// Queues the task, or the child of a scope, unless it is queued or has ended.
    pub(crate) fn wake(&self, token: Token) {
        if !self.wake_task(token) {
            self.wake_child(token);
        }
    }

    /// Queues the task, unless it is queued or has ended; `false` if there is no such slot.
    #[inline]
    fn wake_task(&self, token: Token) -> bool {
        let table = &mut *self.table.borrow_mut();
        let Some(slot) = table.slots.get_mut(token.slot()) else {
            return false;
        };
        if slot.generation == token.generation() && !slot.queued {
            slot.queued = true;
            if let Some(task) = &slot.task {
                task.prefetch();
            }
            self.wakes.add(1);
            match self.tells {
                false => table.ready.push(token.slot() as u32),
                true => self.note_wake(table, token),
            }
        }
        true
    }

    /// Gives a future a place among the tasks, and queues it: the slot has its part of the task, the
    /// handle's comes back.
    ///
    /// # Panics
    ///
    /// Panics if there are more tasks than a token can name: 2³¹ (2¹⁵ on 32-bit targets).
    pub(crate) fn spawn<F: Future>(
        &self,
        future: F,
        at: &'static Location<'static>,
    ) -> (Token, JoinRef<F::Output>) {
        let parent = self.current.get().map(|_| self.current_id.get());
        let table = &mut *self.table.borrow_mut();
        let slot = table.slots.vacant_key();
        assert!(slot < CHILD, "too many tasks for one executor");
        let generation = self.next_generation();
        let birth = Birth {
            id: TaskId::new(self.spawned.add(1)),
            parent,
            spawned_at: at,
            token: Token::new(self.id, generation, slot as u32),
        };
        let (task, handle) = cell::new(&birth, future);
        if locals::are_there() {
            extras::inherit(&task);
        }
        table.slots.insert(Slot {
            task: Some(task),
            polls: 0,
            generation,
            queued: true,
        });
        table.ready.push(slot as u32);
        if self.tells {
            self.note_spawn(&birth);
        }
        (birth.token, handle)
    }

    /// How many tasks were spawned so far.
    pub(crate) fn spawned(&self) -> u64 {
        self.spawned.get()
    }

    /// The generation of the next task: another one than its neighbours in time have, so than
    /// whoever had its slot just before.
    pub(crate) fn next_generation(&self) -> u16 {
        let number = u64::from(self.first_generation) + self.spawned.get();
        (number % GENERATIONS as u64) as u16
    }

    /// How many tasks are ready.
    pub(crate) fn ready_len(&self) -> usize {
        let table = self.table.borrow();
        table.ready.len().wrapping_add_signed(table.elsewhere)
    }

    /// How many tasks there are.
    pub(crate) fn len(&self) -> usize {
        let table = self.table.borrow();
        table.slots.len() - table.ended
    }

    /// The turn of the next ready task, to be polled. The slot of one that has ended meanwhile is
    /// freed; `None` says that no more are ready.
    #[inline(always)]
    pub(crate) fn next(&self) -> Option<(Token, Turn)> {
        let table = &mut *self.table.borrow_mut();
        loop {
            let slot = table.ready.pop()?;
            let generation = table.slots[slot as usize].generation;
            let token = Token::new(self.id, generation, slot);
            if let Some(turn) = self.begin_slot(table, token) {
                return Some(turn);
            }
        }
    }

    /// The same, for those who have a choice but do not use it: out of the way of who has none.
    #[inline(never)]
    pub(crate) fn next_in_order(&self) -> Option<(Token, Turn)> {
        self.table.borrow_mut().end_short_cut();
        self.next()
    }

    /// The turn of a task whose slot was taken from the ready queue; frees the slot of one that has ended
    /// meanwhile.
    #[inline]
    fn begin_slot(&self, table: &mut Table, token: Token) -> Option<(Token, Turn)> {
        let slot = &mut table.slots[token.slot()];
        let Some(task) = &slot.task else {
            table.free_ended(token.slot() as u32);
            return None;
        };
        slot.queued = false;
        let turn = task.turn()?;
        slot.polls = slot.polls.wrapping_add(1);
        self.begin(token, &turn);
        Some((token, turn))
    }

    /// Empties the ready queue, when nothing is to be polled any more.
    pub(crate) fn forget_ready(&self) {
        let mut table = self.table.borrow_mut();
        table.clear_ready();
        (table.ended, table.elsewhere) = (0, 0);
        table.slots.retain(|_, slot| {
            slot.queued = false;
            slot.task.is_some()
        });
        drop(table);
        if let Some(choice) = self.choice() {
            choice.forget(self);
        }
    }

    /// The turn of a task whether ready or not, to be dropped.
    pub(crate) fn turn_of(&self, token: Token) -> Option<Turn> {
        let table = self.table.borrow();
        let slot = table.slots.get(token.slot())?;
        let task = slot.task.as_ref()?;
        let turn = (slot.generation == token.generation()).then(|| task.turn())??;
        self.begin(token, &turn);
        Some(turn)
    }

    /// Makes a task the current one.
    #[inline]
    fn begin(&self, token: Token, turn: &Turn) {
        let waits = turn.waits();
        if waits.outside() {
            self.outside.set(self.outside.get() - 1);
        }
        self.current.set(Some(token));
        self.current_id.set(turn.id());
        self.waits.set(waits.kept());
        self.waits_at.set(None);
        self.budget.set(OPERATIONS_PER_POLL);
    }

    /// Ends the turn of a task that now waits for what it has noted meanwhile.
    #[inline]
    pub(crate) fn park(&self, turn: Turn) {
        self.current.set(None);
        turn.park(self.waits.get(), self.waits_at.get());
        if turn.waits().outside() {
            self.outside.set(self.outside.get() + 1);
        }
    }

    /// Frees the slot of a task whose turn has ended it, now or when the ready queue comes to it.
    #[inline]
    pub(crate) fn remove(&self, token: Token) {
        let table = &mut *self.table.borrow_mut();
        // The turn holds the cell, so nothing of the user's is dropped here.
        if table.slots[token.slot()].queued {
            table.end_queued(token.slot());
        } else {
            table.slots.remove(token.slot());
        }
    }

    /// Ends the turn of a task that has ended, and has had its joiner woken.
    #[inline]
    pub(crate) fn leave(&self) {
        self.current.set(None);
    }

    /// Notes that a task owes something, as long as it is there.
    pub(crate) fn set_owes(&self, token: Token) {
        self.is_owing.set(true);
        let table = self.table.borrow();
        let slot = table.slots.get(token.slot());
        if let Some(task) = slot.and_then(|slot| slot.task.as_ref()) {
            task.set_owes(true);
        }
    }

    /// Whether any task owes something.
    pub(crate) fn is_owing(&self) -> bool {
        self.is_owing.get()
    }

    /// Notes that no task owes anything any more.
    pub(crate) fn end_owing(&self) {
        self.is_owing.set(false);
    }

    /// How many wakes have queued a task.
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.get()
    }

    /// Whether something outside the executor may wake a parked task.
    pub(crate) fn awaits_outside(&self) -> bool {
        self.outside.get() > 0
    }

    /// Calls `f` for each task, in the order of the slots, with how often it was polled.
    pub(crate) fn for_each(&self, mut f: impl FnMut(Token, &TaskRef, u32)) {
        for (index, slot) in &self.table.borrow().slots {
            if let Some(task) = &slot.task {
                let token = Token::new(self.id, slot.generation, index as u32);
                f(token, task, slot.polls);
            }
        }
    }
}
