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
    is_daemon: bool,
    /// Whether its future is gone.
    pub(super) has_ended: bool,
    /// Whether somebody joins it by its own handle.
    pub(super) is_claimed: bool,
}

/// Who is in a group, and who has ended.
pub(super) struct State<T, E> {
    /// All but those who have left a value and nothing else.
    pub(super) entries: Slab<Entry>,
    /// How many of them are daemons'.
    daemons: usize,
    /// What those have come to whose handles are to be asked first.
    results: BTreeMap<usize, Result<T, E>>,
    /// Those who have ended and whom nobody claims.
    pub(super) ended: Line<T>,
    /// How those have failed that were reaped.
    pub(super) failures: VecDeque<Failure<E>>,
}

/// The part of a group that its members know.
pub(super) struct Members<T, E> {
    /// Who they are.
    pub(super) state: RefCell<State<T, E>>,
    /// The owner, if it waits for one to end.
    pub(super) owner: Cell<Option<Waker>>,
    /// How many handles there are to single members.
    pub(super) wants: Cell<usize>,
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
            state: RefCell::default(),
            owner: Cell::default(),
            wants: Cell::new(0),
            leaver: Cell::new(None),
            is_closed: Cell::new(false),
            keeps,
        })
    }

    /// How many have not ended, or have and are kept; without daemons.
    pub(super) fn len(&self) -> usize {
        self.reap();
        let state = self.state.borrow();
        state.members() + state.ended.values()
    }

    /// Starts a member, and returns its key and its task's number.
    pub(super) fn spawn<F>(self: &Rc<Self>, future: F, at: Place) -> (usize, TaskId)
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        let key = self.next_key();
        let handle = spawn_at(Watched::new(future, self, key), at);
        let id = handle.id();
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
        self.state.borrow().entries.vacant_key()
    }

    /// Takes the place of this key, which was the next one and still is: nobody was polled since.
    fn enter(&self, key: usize, handle: JoinHandle<()>, is_daemon: bool) {
        let entry = Entry {
            handle: Some(handle),
            is_daemon,
            has_ended: false,
            is_claimed: false,
        };
        let state = &mut *self.state.borrow_mut();
        state.daemons += usize::from(is_daemon);
        let entered = state.entries.insert(entry);
        debug_assert_eq!(entered, key);
    }

    /// Takes the result of a member whose future is gone, in its turn. A value is the group's at once,
    /// and the member is out of it, if nobody can want this one alone, and it owes nothing. Else its
    /// handle is to be asked.
    #[inline]
    pub(super) fn take_result(self: Rc<Self>, key: usize, result: Result<T, E>) {
        let mut state = self.state.borrow_mut();
        let is_out = self.wants.get() == 0 && state.entries[key].is_paid();
        match result {
            Ok(value) if is_out => {
                let id = state.take_out(key);
                if self.keeps == Keeps::Values {
                    state.ended.push_value(id, value);
                    drop(state);
                } else {
                    drop(state);
                    drop(value);
                }
                self.wake_owner();
            }
            result => {
                drop(state);
                self.keep_result(key, result);
            }
        }
    }

    /// Keeps a result until the member's handle is asked.
    #[inline(never)]
    fn keep_result(self: Rc<Self>, key: usize, result: Result<T, E>) {
        self.state.borrow_mut().results.insert(key, result);
        self.note_end(key);
    }

    /// Notes that a future is gone.
    #[inline(never)]
    pub(super) fn note_end(self: Rc<Self>, key: usize) {
        let mut state = self.state.borrow_mut();
        // Without an executor it has not entered.
        let Some(entry) = state.entries.get_mut(key) else {
            return;
        };
        entry.has_ended = true;
        if !entry.is_claimed {
            state.ended.push(key);
        }
        drop(state);
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
        let state = self.state.borrow();
        if state.entries.is_empty() {
            return;
        }
        let wakes: Vec<_> = state
            .handles()
            .filter_map(|handle| handle.note_cancel(at, reason.clone()))
            .collect();
        drop(state);
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
        let state = self.state.borrow();
        let own = |entry: &Entry| entry.handle.as_ref().is_some_and(|own| own.id() == id);
        let found = state.entries.iter().find(|(_, entry)| own(entry));
        self.leaver.set(found.map(|(key, _)| key));
    }

    /// Whether all are gone, but who has dropped the group itself.
    pub(super) fn are_gone(&self) -> bool {
        let entries = &self.state.borrow().entries;
        match entries.len() {
            0 => true,
            1 => self.leaver.get().is_some_and(|key| entries.contains(key)),
            _ => false,
        }
    }

    /// Whether the task of somebody has not ended.
    pub(super) fn is_alive(&self) -> bool {
        let state = self.state.borrow();
        !state.entries.is_empty() && state.handles().any(|handle| !handle.is_finished())
    }
}

impl<T, E> State<T, E> {
    /// How many of the entries are members'.
    pub(super) fn members(&self) -> usize {
        self.entries.len() - self.daemons
    }

    /// The handles that are there.
    fn handles(&self) -> impl Iterator<Item = &JoinHandle<()>> {
        let entries = self.entries.iter();
        entries.filter_map(|(_, entry)| entry.handle.as_ref())
    }

    /// Takes out a member whose turn this is, and returns its task's number.
    fn take_out(&mut self, key: usize) -> TaskId {
        let entry = self.entries.remove(key);
        let handle = entry.handle.expect("it was looked at just before");
        let id = handle.id();
        handle.detach();
        id
    }

    /// Takes somebody out of the group, with what it has come to.
    pub(super) fn remove(&mut self, key: usize) -> Option<Result<T, E>> {
        if self.entries.remove(key).is_daemon {
            self.daemons -= 1;
        }
        self.results.remove(&key)
    }
}

impl<T, E> Default for State<T, E> {
    fn default() -> Self {
        Self {
            entries: Slab::new(),
            daemons: 0,
            results: BTreeMap::new(),
            ended: Line::default(),
            failures: VecDeque::new(),
        }
    }
}

impl Entry {
    /// Whether its task is there, and owes nothing.
    fn is_paid(&self) -> bool {
        let handle = self.handle.as_ref();
        handle.is_some_and(|handle| !handle.owes())
    }

    /// Whether it is the member of this number.
    pub(super) fn is(&self, id: TaskId) -> bool {
        let handle = self.handle.as_ref();
        !self.is_daemon && handle.is_some_and(|handle| handle.id() == id)
    }
}
