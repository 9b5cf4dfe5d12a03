//! Who is in a group: the part of it that its members know, too.
//!
//! ```text
//!   entries (slab)                   ended                   owner
//!   ┌──────────────────────────┐    ┌─────────────────┐     ┌────────────────────────────┐
//!   │ 0: handle of a task ◄────┼──  │ value │ 0 │ ... │ ◄── │ takes the values, and asks │
//!   │ 2: handle of a task      │    └─────────────────┘     │ the handles of the others  │
//!   └──────────────────────────┘        ▲                   └────────────────────────────┘
//!         the member's future, at its end (`watched.rs`), wakes the owner
//! ```
//!
//! A member is a task like any other, whose future is wrapped so that its end is noticed, whether by
//! value, cancel or panic: so a wake costs the same however many members there are, and however deep
//! groups are nested. A value goes straight to the group, and the member is out of it. Whoever ends in
//! another way leaves its key, and its handle tells how; one that still owes something when its future
//! is gone (`executor/ledger.rs`) is asked again when that is paid.
//!
//! Law: nothing is borrowed while a handle is polled or dropped, or a waker woken. Read next: `line.rs`,
//! `owner.rs`.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::panic::Location;
use std::rc::Rc;
use std::task::Waker;

use slab::Slab;

use crate::executor::spawn::spawn_at;
use crate::group::line::Line;
use crate::group::watched::{Daemon, Watched};
use crate::group_error::Failure;
use crate::task::{JoinHandle, TaskId};
use crate::waker;

/// A place in the source.
pub(super) type Place = &'static Location<'static>;

/// What is kept of members that have ended until the owner asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// All.
    Values,
    /// How they failed.
    Failures,
    /// Nothing; panics are reported.
    Nothing,
}

/// One who is in a group.
pub(super) struct Entry {
    /// Its task; `None` while that is asked.
    pub(super) handle: Option<JoinHandle<()>>,
    /// Whether it is a daemon.
    pub(super) is_daemon: bool,
    /// Whether its future is gone.
    pub(super) has_ended: bool,
    /// Whether somebody joins it by its own handle.
    pub(super) is_claimed: bool,
}

/// Who is in a group.
pub(super) struct Members<T, E> {
    /// All of them.
    pub(super) entries: RefCell<Slab<Entry>>,
    /// What those have come to whose handles are to be asked first.
    pub(super) results: RefCell<BTreeMap<usize, Result<T, E>>>,
    /// Those who have ended and whom nobody claims.
    pub(super) ended: RefCell<Line<T>>,
    /// How many entries are no daemons'.
    pub(super) len: Cell<usize>,
    /// The owner, if it waits for one to end.
    pub(super) owner: Cell<Option<Waker>>,
    /// How those have failed that were reaped.
    pub(super) failures: RefCell<VecDeque<Failure<E>>>,
    /// Who has dropped the group itself, so that nobody in here waits for it.
    leaver: Cell<Option<usize>>,
    /// Whether nobody may come in any more.
    is_closed: Cell<bool>,
    /// What is kept of those that have ended.
    pub(super) keeps: Keeps,
}

impl<T: 'static, E: 'static> Members<T, E> {
    /// Nobody yet.
    pub(super) fn new(keeps: Keeps) -> Rc<Self> {
        Rc::new(Self {
            entries: RefCell::default(),
            results: RefCell::default(),
            ended: RefCell::default(),
            len: Cell::new(0),
            owner: Cell::default(),
            failures: RefCell::default(),
            leaver: Cell::new(None),
            is_closed: Cell::new(false),
            keeps,
        })
    }

    /// How many have not ended, or have and are kept; without daemons.
    pub(super) fn len(&self) -> usize {
        self.reap();
        self.len.get() + self.ended.borrow().values()
    }

    /// Starts a member, and returns its key and its task's number.
    pub(super) fn spawn<F>(self: &Rc<Self>, future: F, at: Place) -> (usize, TaskId)
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        let key = self.next_key();
        let handle = spawn_at(Watched::new(future, self, key), at);
        let id = handle.id();
        self.len.set(self.len.get() + 1);
        self.enter(key, handle, false);
        (key, id)
    }

    /// Starts a daemon.
    pub(super) fn spawn_daemon<F>(self: &Rc<Self>, future: F, at: Place)
    where
        F: Future<Output = ()> + 'static,
    {
        let key = self.next_key();
        let handle = spawn_at(Daemon::new(future, self, key), at);
        self.enter(key, handle, true);
    }

    /// The key to the next place in the group.
    fn next_key(&self) -> usize {
        self.reap();
        self.entries.borrow().vacant_key()
    }

    /// Takes the place of this key, which was the next one and still is: nobody was polled since.
    fn enter(&self, key: usize, handle: JoinHandle<()>, is_daemon: bool) {
        let entry = Entry {
            handle: Some(handle),
            is_daemon,
            has_ended: false,
            is_claimed: false,
        };
        let entered = self.entries.borrow_mut().insert(entry);
        debug_assert_eq!(entered, key);
    }

    /// Takes the result of a member. `true` says that it was a value, and the member is out of the
    /// group: nobody can want this one alone, and it owes nothing. Else its handle is to be asked.
    #[inline]
    pub(super) fn take_result(self: &Rc<Self>, key: usize, result: Result<T, E>) -> bool {
        let mut entries = self.entries.borrow_mut();
        let Some(entry) = entries.get(key) else {
            drop(entries);
            drop(result);
            return false;
        };
        // The owner has one count, and the caller; any other may be that of a member's own handle.
        let is_unwanted = Rc::strong_count(self) <= 2;
        let is_paid = entry.handle.as_ref().is_some_and(|handle| !handle.owes());
        let value = match result {
            Ok(value) if is_unwanted && is_paid => value,
            result => {
                drop(entries);
                self.results.borrow_mut().insert(key, result);
                return false;
            }
        };
        let handle = entries.remove(key).handle;
        drop(entries);
        self.len.set(self.len.get() - 1);
        // In the task's own turn: to drop its handle says only that nobody has to be told.
        match handle.map(|handle| handle.id()) {
            Some(id) if self.keeps == Keeps::Values => {
                self.ended.borrow_mut().push_value(id, value);
            }
            _ => drop(value),
        }
        self.wake_owner();
        true
    }

    /// Notes that a future is gone.
    pub(super) fn note_end(&self, key: usize) {
        let mut entries = self.entries.borrow_mut();
        // Without an executor it has not entered.
        let Some(entry) = entries.get_mut(key) else {
            return;
        };
        entry.has_ended = true;
        let is_claimed = entry.is_claimed;
        drop(entries);
        if !is_claimed {
            self.ended.borrow_mut().push(key);
        }
        self.wake_owner();
    }

    /// Has the owner look again.
    pub(super) fn wake_owner(&self) {
        if let Some(owner) = self.owner.take() {
            waker::wake_kept(owner);
        }
    }

    /// Asks of everybody to be cancelled.
    pub(super) fn cancel_all(&self, at: Place, reason: Option<Cow<'static, str>>) {
        let entries = self.entries.borrow();
        if entries.is_empty() {
            return;
        }
        let handles = entries
            .iter()
            .filter_map(|(_, entry)| entry.handle.as_ref());
        let wakes: Vec<_> = handles
            .filter_map(|handle| handle.note_cancel(at, reason.clone()))
            .collect();
        drop(entries);
        for wake in wakes {
            wake.wake();
        }
    }

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
    }

    /// Whether nobody is let in any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Waits no more for the task of this number, which drops the group: it would wait for itself.
    pub(super) fn leave(&self, id: TaskId) {
        let entries = self.entries.borrow();
        let own = |entry: &Entry| entry.handle.as_ref().is_some_and(|own| own.id() == id);
        let found = entries.iter().find(|(_, entry)| own(entry));
        self.leaver.set(found.map(|(key, _)| key));
    }

    /// Whether all are gone, but who has dropped the group itself.
    pub(super) fn are_gone(&self) -> bool {
        let entries = self.entries.borrow();
        match entries.len() {
            0 => true,
            1 => self.leaver.get().is_some_and(|key| entries.contains(key)),
            _ => false,
        }
    }

    /// Whether the task of somebody has not ended.
    pub(super) fn is_alive(&self) -> bool {
        let entries = self.entries.borrow();
        let mut handles = entries
            .iter()
            .filter_map(|(_, entry)| entry.handle.as_ref());
        !entries.is_empty() && handles.any(|handle| !handle.is_finished())
    }
}

impl Entry {
    /// Whether it is the member of this number.
    pub(super) fn is(&self, id: TaskId) -> bool {
        let handle = self.handle.as_ref();
        !self.is_daemon && handle.is_some_and(|handle| handle.id() == id)
    }
}
