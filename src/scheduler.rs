//! The scheduler: which tasks there are, which of them are ready, and which one is running.
//!
//! ```text
//!   wake(token) ─► slots[slot]: same generation? not queued yet? ─► ready
//!   take(token) ◄─ ready                                    the task leaves its slot to be polled
//!   put_back(token, task)                                   … and returns, parked
//!   remove(token)                                           … or has ended: the slot is free
//! ```
//!
//! Laws. No user code runs in here: a task is polled and dropped only while it is out of its slot,
//! when nothing is borrowed (law 1 of `executor.rs`). *queued* is cleared when a task is taken, that
//! is before its poll, so a wake during the poll queues it again (law 3). While a task runs, its
//! leaf futures note here what they wait for; when it parks, that becomes its metadata.
//!
//! Why slots in a slab and not linked tasks: the token needs an index anyhow, sixteen bytes a slot
//! keep four of them in a cache line, and the whole is safe code. Read next: `task/cell.rs`.

use std::cell::{Cell, RefCell};
use std::panic::Location;

use slab::Slab;

use crate::ready::Ready;
use crate::task::cell::TaskRef;
use crate::task::id::TaskId;
use crate::task::waits::Waits;
use crate::waker::{SLOTS_MAX, Token};

/// How many operations that are ready at once a task may do in one poll before it gives way, so that
/// a peer that never stops sending cannot starve the others. The figure is tokio's.
const OPERATIONS_PER_POLL: u8 = 128;

/// A place for a task.
#[derive(Debug)]
struct Slot {
    /// The task; away while it is polled.
    task: Option<TaskRef>,
    /// How often it was polled.
    polls: u32,
    /// Which of the slot's tasks it is: the low bits of a counter over all slots.
    generation: u16,
    /// Whether it is in the ready queue, or (while it is polled) will be.
    queued: bool,
}

/// Slots and ready queue: what a wake touches.
#[derive(Debug)]
struct Table {
    /// Where the tasks are.
    slots: Slab<Slot>,
    /// Those that are to be polled.
    ready: Ready,
}

/// Who a task is: what is known of the one that is being polled or dropped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Current {
    /// Its token.
    pub(crate) token: Token,
    /// Its number.
    pub(crate) id: TaskId,
    /// Who spawned it.
    pub(crate) parent: Option<TaskId>,
    /// Where it was spawned.
    pub(crate) spawned_at: &'static Location<'static>,
}

/// The tasks of one executor.
#[derive(Debug)]
pub(crate) struct Scheduler {
    /// The executor's number, in every token.
    id: u16,
    /// Slots and ready queue.
    table: RefCell<Table>,
    /// The task that is being polled or dropped.
    current: Cell<Option<Current>>,
    /// What the running task has said it waits for.
    waits: Cell<Waits>,
    /// Where it said so.
    waits_at: Cell<Option<&'static Location<'static>>>,
    /// Whether `extras` has come to know something about the running task.
    has_extras: Cell<bool>,
    /// How many operations the running task may still do in this poll.
    budget: Cell<u8>,
    /// How many wakes have queued a task.
    wakes: Cell<u64>,
    /// How many system calls leaf futures have made.
    calls: Cell<u64>,
    /// How many parked tasks something outside may wake: a socket, a thread, a foreign waker.
    outside: Cell<usize>,
}

impl Scheduler {
    /// A scheduler without tasks, whose ready queue is shuffled if there is a seed.
    pub(crate) fn new(id: u16, seed: Option<u64>) -> Self {
        let table = Table {
            slots: Slab::new(),
            ready: Ready::new(seed),
        };
        Self {
            id,
            table: RefCell::new(table),
            current: Cell::new(None),
            waits: Cell::new(Waits::NOTHING),
            waits_at: Cell::new(None),
            has_extras: Cell::new(false),
            budget: Cell::new(OPERATIONS_PER_POLL),
            wakes: Cell::new(0),
            calls: Cell::new(0),
            outside: Cell::new(0),
        }
    }

    /// The executor's number.
    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    /// Queues the task, unless it is queued or has ended.
    pub(crate) fn wake(&self, token: Token) {
        let table = &mut *self.table.borrow_mut();
        if let Some(slot) = table.slots.get_mut(token.slot())
            && slot.generation == token.generation()
            && !slot.queued
        {
            slot.queued = true;
            table.ready.push(token);
            self.wakes.set(self.wakes.get() + 1);
        }
    }

    /// Keeps a place for a task and queues it; [`Scheduler::put_back`] fills the place.
    ///
    /// # Panics
    ///
    /// Panics if there are more tasks than a token can name: 2³² (2¹⁶ on 32-bit targets).
    pub(crate) fn reserve(&self, generation: u16) -> Token {
        let table = &mut *self.table.borrow_mut();
        let slot = table.slots.insert(Slot {
            task: None,
            polls: 0,
            generation,
            queued: true,
        });
        assert!(slot < SLOTS_MAX, "too many tasks for one executor");
        let token = Token::new(self.id, generation, slot as u32);
        table.ready.push(token);
        token
    }

    /// How many tasks are ready.
    pub(crate) fn ready_len(&self) -> usize {
        self.table.borrow().ready.len()
    }

    /// How many tasks there are.
    pub(crate) fn len(&self) -> usize {
        self.table.borrow().slots.len()
    }

    /// Takes the next ready task out of its slot, to be polled. A task that ended while it was
    /// queued is passed over; `None` says that no more are ready.
    pub(crate) fn next(&self) -> Option<(Token, TaskRef)> {
        let table = &mut *self.table.borrow_mut();
        loop {
            let token = table.ready.pop()?;
            if let Some(slot) = table.slots.get_mut(token.slot())
                && slot.generation == token.generation()
                && let Some(task) = slot.task.take()
            {
                slot.queued = false;
                slot.polls = slot.polls.wrapping_add(1);
                self.run(token, &task);
                return Some((token, task));
            }
        }
    }

    /// Takes a task out of its slot whether ready or not, to be dropped.
    pub(crate) fn take(&self, token: Token) -> Option<TaskRef> {
        let table = &mut *self.table.borrow_mut();
        let slot = table.slots.get_mut(token.slot())?;
        let task = (slot.generation == token.generation())
            .then(|| slot.task.take())
            .flatten()?;
        self.run(token, &task);
        Some(task)
    }

    /// Makes `task` the running one.
    fn run(&self, token: Token, task: &TaskRef) {
        debug_assert!(task.token() == token);
        self.current.set(Some(task.current()));
        if task.waits().outside() {
            self.outside.set(self.outside.get() - 1);
        }
        self.waits.set(task.waits().kept());
        self.waits_at.set(None);
        self.budget.set(OPERATIONS_PER_POLL);
    }

    /// Returns a task to its slot, where it waits for what it has noted while it ran.
    pub(crate) fn put_back(&self, token: Token, task: TaskRef) {
        self.current.set(None);
        let waits = self.waits.get();
        task.park(waits, self.waits_at.get());
        if waits.outside() {
            self.outside.set(self.outside.get() + 1);
        }
        self.place(token, task);
    }

    /// Puts a task into the place reserved for it.
    pub(crate) fn place(&self, token: Token, task: TaskRef) {
        self.table.borrow_mut().slots[token.slot()].task = Some(task);
    }

    /// Frees the slot of a task that has ended.
    pub(crate) fn remove(&self, token: Token) {
        self.current.set(None);
        self.table.borrow_mut().slots.remove(token.slot());
    }

    /// The task that is being polled or dropped.
    pub(crate) fn current(&self) -> Option<Current> {
        self.current.get()
    }

    /// The task that is being polled or dropped, for `extras` to keep something about it.
    pub(crate) fn current_with_extras(&self) -> Option<Current> {
        self.has_extras.set(self.current.get().is_some());
        self.current.get()
    }

    /// Whether `extras` has come to know something about the running task since the last call.
    pub(crate) fn take_has_extras(&self) -> bool {
        self.has_extras.replace(false)
    }

    /// Notes that the running task waits for something, and where.
    pub(crate) fn note(&self, waits: Waits, at: &'static Location<'static>) {
        self.waits.set(self.waits.get() | waits);
        self.waits_at.set(Some(at));
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

    /// How many wakes have queued a task.
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.get()
    }

    /// Counts a system call that a leaf future makes.
    pub(crate) fn count_call(&self) {
        self.calls.set(self.calls.get() + 1);
    }

    /// How many system calls leaf futures have made.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Whether something outside the executor may wake a parked task.
    pub(crate) fn awaits_outside(&self) -> bool {
        self.outside.get() > 0
    }

    /// Calls `f` for each parked task, oldest slot first, with how often it was polled.
    pub(crate) fn for_each(&self, mut f: impl FnMut(Token, &TaskRef, u32)) {
        for (index, slot) in &self.table.borrow().slots {
            if let Some(task) = &slot.task {
                let token = Token::new(self.id, slot.generation, index as u32);
                f(token, task, slot.polls);
            }
        }
    }
}
