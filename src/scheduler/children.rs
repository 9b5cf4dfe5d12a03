//! Wakes of the children of scopes: from a child's token to its scope, and on to who polls that.
//!
//! ```text
//!   wake(token of a child) ─► entry: same generation? not queued yet? ─► the scope's ready list
//!                                                                            │
//!          the waker that the scope was last polled with ◄── taken, woken ◄──┘
//!          (a task's, another child's, anybody's)
//! ```
//!
//! A child borrows, so nobody but its scope may poll it (`scope.rs`), and the way to it goes through
//! whoever polls that. But it has a token of its own, hence a wake is one step for each scope around,
//! and a scope that is polled knows which of its children are meant. The slot numbers of children have
//! the highest bit set: a wake looks for a task first, and comes here only when it finds no slot.
//!
//! The waker is taken by the first wake, so between two polls of a scope there is one wake of who
//! polls it, however many children are ready. It may be anybody's, so it is woken when no borrow is
//! held. What a stale token can do here is what it can do to a task: one poll too many.
//!
//! Read next: `scope/nursery.rs`, who takes from the list.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use slab::Slab;

use crate::scheduler::Scheduler;
use crate::scheduler::roster::Lists;
use crate::task::id::TaskId;
use crate::task::waits::Waits;
use crate::waker::{self, CHILD, Token};

/// What a scope shares with the wakes of its children.
#[derive(Default)]
pub(crate) struct ReadyList {
    /// Those that are to be polled, in the order of their wakes.
    queue: RefCell<VecDeque<Token>>,
    /// Who polls the scope; taken by the wake that wakes it.
    waker: Cell<Option<Waker>>,
}

impl ReadyList {
    /// Takes the child that was woken first.
    pub(crate) fn pop(&self) -> Option<Token> {
        self.queue.borrow_mut().pop_front()
    }

    /// How many are ready.
    pub(crate) fn len(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Forgets who is ready.
    pub(crate) fn clear(&self) {
        self.queue.borrow_mut().clear();
    }

    /// Sets who polls the scope; returns who did before, unless it was woken since.
    pub(crate) fn set_waker(&self, waker: Option<Waker>) -> Option<Waker> {
        self.waker.replace(waker)
    }
}

/// One child.
struct Entry {
    /// Its number.
    id: TaskId,
    /// Where it goes when it is woken.
    list: Rc<ReadyList>,
    /// Which of the slot's children it is.
    generation: u16,
    /// Whether it is in the list.
    queued: bool,
}

/// The children of all scopes that one executor polls.
pub(crate) struct Children {
    /// What a wake of theirs needs.
    entries: RefCell<Slab<Entry>>,
    /// What is known of them, if somebody may ask for it.
    roster: Option<Box<dyn Lists>>,
}

/// Where a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// It waits, in a scope that was last polled by a waker of this token.
    Waits(Option<Token>),
    /// It was woken, and its scope has not been polled since; by whom it is to be is not known.
    Woken,
}

impl Children {
    /// Those of a new executor: none.
    pub(crate) fn new(roster: Option<Box<dyn Lists>>) -> Self {
        Self {
            entries: RefCell::default(),
            roster,
        }
    }

    /// What is known of them, if somebody may ask for it.
    #[inline]
    pub(crate) fn roster(&self) -> Option<&dyn Lists> {
        self.roster.as_deref()
    }

    /// Where a child is.
    pub(crate) fn whereabouts(&self, token: Token) -> Option<Whereabouts> {
        let entries = self.entries.borrow();
        let entry = entries.get(token.slot() & !CHILD)?;
        if entry.queued {
            return Some(Whereabouts::Woken);
        }
        let waker = entry.list.waker.take();
        let polled_by = waker.as_ref().and_then(Token::of);
        entry.list.waker.set(waker);
        Some(Whereabouts::Waits(polled_by))
    }

    /// Adds a child, which is ready; a name for it in every waker.
    fn insert(&self, id: TaskId, executor: u16, generation: u16, list: &Rc<ReadyList>) -> Token {
        let mut entries = self.entries.borrow_mut();
        let nth = entries.insert(Entry {
            id,
            list: Rc::clone(list),
            generation,
            queued: true,
        });
        assert!(nth < CHILD, "too many children for one executor");
        let token = Token::new(executor, generation, (CHILD | nth) as u32);
        list.queue.borrow_mut().push_back(token);
        token
    }

    /// Forgets a child.
    pub(crate) fn remove(&self, token: Token) {
        let entry = self.entries.borrow_mut().try_remove(token.slot() & !CHILD);
        // It may be the list's last owner, and the waker in there the user's.
        drop(entry);
        if let Some(roster) = self.roster() {
            roster.remove(token);
        }
    }

    /// Notes that a child is not in the list any more: its poll is to come.
    pub(crate) fn begin(&self, token: Token) {
        if let Some(entry) = self.entries.borrow_mut().get_mut(token.slot() & !CHILD) {
            entry.queued = false;
        }
    }

    /// The number of a child.
    pub(super) fn id_of(&self, token: Token) -> Option<TaskId> {
        let entries = self.entries.borrow();
        let entry = entries.get(token.slot().checked_sub(CHILD)?)?;
        (entry.generation == token.generation()).then_some(entry.id)
    }

    /// Queues a child, unless it is queued or has ended. Who it is comes back, and who is to be woken for
    /// that.
    fn wake(&self, token: Token) -> Option<(TaskId, Option<Waker>)> {
        let mut entries = self.entries.borrow_mut();
        let entry = entries.get_mut(token.slot().checked_sub(CHILD)?)?;
        if entry.generation != token.generation() || entry.queued {
            return None;
        }
        entry.queued = true;
        entry.list.queue.borrow_mut().push_back(token);
        Some((entry.id, entry.list.waker.take()))
    }
}

impl Scheduler {
    /// Queues the child of a scope, and wakes who polls the scope.
    #[cold]
    #[inline(never)]
    pub(super) fn wake_child(&self, token: Token) {
        let Some((child, waker)) = self.children.wake(token) else {
            return;
        };
        if let Some(audience) = self.audience() {
            audience.note_woken(child, self.running());
        }
        if let Some(waker) = waker {
            waker::wake_kept(waker);
        }
    }

    /// The children of the scopes.
    pub(crate) fn children(&self) -> &Rc<Children> {
        &self.children
    }

    /// Gives a child its number and its token. It is ready.
    pub(crate) fn adopt(&self, list: &Rc<ReadyList>) -> (TaskId, Token) {
        let generation = self.next_generation();
        let id = TaskId::new(self.spawned.add(1));
        (id, self.children.insert(id, self.id, generation, list))
    }

    /// Whether the running task has done in this poll all that it may do.
    pub(crate) fn is_spent(&self) -> bool {
        self.current_token().is_some() && self.budget.get() == 0
    }

    /// Calls `f`, which polls a part of the running task, and returns what that part waits for.
    pub(crate) fn noting<R>(&self, f: impl FnOnce() -> R) -> (R, Waits) {
        let before = self.waits.replace(Waits::NOTHING);
        let done = f();
        let noted = self.waits.get();
        self.waits.set(before | noted);
        (done, noted)
    }
}
