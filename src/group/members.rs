//! Who is in a group: the part of it that its members know, too.
//!
//! ```text
//!   entries (slab)                       ended            owner
//!   ┌──────────────────────────┐        ┌────────┐       ┌────────────────────────────┐
//!   │ 0: handle of a task ◄────┼──────  │ 2 │ 0  │ ◄──── │ next: takes the first one  │
//!   │ 2: handle of a task      │        └────────┘       │ and asks its handle        │
//!   └──────────────────────────┘            ▲            └────────────────────────────┘
//!         End, dropped with the member's future: says which one has ended, wakes the owner
//! ```
//!
//! A member is a task like any other, whose future is wrapped so that its end is noticed, whether by
//! value, cancel or panic: so a wake costs the same however many members there are, and however deep
//! groups are nested. Its value stays in the task's cell until the owner takes it. One that still
//! owes something when its future is gone (`executor/ledger.rs`) is asked again when that is paid.
//!
//! Law: nothing is borrowed while a handle is polled or dropped, or a waker woken.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use slab::Slab;

use crate::executor::context;
use crate::executor::spawn::spawn_at;
use crate::group::handle::{Ended, Handle};
use crate::group::watched::Watched;
use crate::group_error::Failure;
use crate::task::TaskId;
use crate::task::waits::Waits;
use crate::task::yields::spend;
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
pub(super) struct Entry<T, E> {
    /// Its task; `None` while that is asked.
    pub(super) handle: Option<Handle<T, E>>,
    /// Whether it is a daemon.
    is_daemon: bool,
    /// Whether its future is gone.
    pub(super) has_ended: bool,
    /// Whether somebody joins it by its own handle.
    pub(super) is_claimed: bool,
}

/// Who is in a group.
pub(super) struct Members<T, E> {
    /// All of them.
    pub(super) entries: RefCell<Slab<Entry<T, E>>>,
    /// The keys of those whose futures are gone and whom nobody claims, in that order.
    pub(super) ended: RefCell<VecDeque<usize>>,
    /// How many there are that are no daemons.
    len: Cell<usize>,
    /// The owner, if it waits for one to end.
    owner: Cell<Option<Waker>>,
    /// How those have failed that were reaped.
    failures: RefCell<VecDeque<Failure<E>>>,
    /// Whether nobody may come in any more.
    is_closed: Cell<bool>,
    /// What is kept of those that have ended.
    keeps: Keeps,
}

impl<T: 'static, E: 'static> Members<T, E> {
    /// Nobody yet.
    pub(super) fn new(keeps: Keeps) -> Rc<Self> {
        Rc::new(Self {
            entries: RefCell::default(),
            ended: RefCell::default(),
            len: Cell::new(0),
            owner: Cell::default(),
            failures: RefCell::default(),
            is_closed: Cell::new(false),
            keeps,
        })
    }

    /// How many have not ended, or have and are kept; without daemons.
    pub(super) fn len(&self) -> usize {
        self.reap();
        self.len.get()
    }

    /// Starts a member, and returns its key and its task's number.
    pub(super) fn spawn<F>(self: &Rc<Self>, future: F, at: Place) -> (usize, TaskId)
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        let (key, future) = self.watch(future);
        let handle = spawn_at(future, at);
        let id = handle.id();
        self.len.set(self.len.get() + 1);
        self.enter(key, Handle::Member(handle));
        (key, id)
    }

    /// Starts a daemon.
    pub(super) fn spawn_daemon<F>(self: &Rc<Self>, future: F, at: Place)
    where
        F: Future<Output = ()> + 'static,
    {
        let (key, future) = self.watch(future);
        self.enter(key, Handle::Daemon(spawn_at(future, at)));
    }

    /// Gives a future the key to the next place in the group, which it leaves when it is dropped.
    fn watch<F>(self: &Rc<Self>, future: F) -> (usize, Watched<F, T, E>) {
        self.reap();
        let key = self.entries.borrow().vacant_key();
        (key, Watched::new(future, self, key))
    }

    /// Takes the place of this key, which was the next one and still is: nobody was polled since.
    fn enter(&self, key: usize, handle: Handle<T, E>) {
        let entry = Entry {
            is_daemon: matches!(handle, Handle::Daemon(_)),
            handle: Some(handle),
            has_ended: false,
            is_claimed: false,
        };
        let entered = self.entries.borrow_mut().insert(entry);
        debug_assert_eq!(entered, key);
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
            self.ended.borrow_mut().push_back(key);
        }
        self.wake_owner();
    }

    /// Has the owner look again.
    pub(super) fn wake_owner(&self) {
        if let Some(owner) = self.owner.take() {
            waker::wake_kept(owner);
        }
    }

    /// Waits for the next one to end. `None` says that only daemons are left.
    pub(super) fn poll_next(&self, at: Place, cx: &mut Context<'_>) -> Poll<Option<Ended<T, E>>> {
        ready!(spend(cx, at));
        let next = self.take_next(cx);
        if next.is_some() || self.len() == 0 {
            return Poll::Ready(next);
        }
        self.wait(at, cx)
    }

    /// Waits for all to end, or for all but the daemons, and tells of each.
    pub(super) fn poll_each(
        &self,
        with_daemons: bool,
        at: Place,
        cx: &mut Context<'_>,
        mut tell: impl FnMut(Ended<T, E>),
    ) -> Poll<()> {
        ready!(spend(cx, at));
        while let Some(ended) = self.take_next(cx) {
            tell(ended);
            ready!(spend(cx, at));
        }
        let is_over = if with_daemons {
            self.entries.borrow().is_empty()
        } else {
            self.len() == 0
        };
        if is_over {
            return Poll::Ready(());
        }
        self.wait(at, cx)
    }

    /// Takes the first one that has ended, with what it owed paid.
    #[inline]
    fn take_next(&self, cx: &mut Context<'_>) -> Option<Ended<T, E>> {
        if self.keeps == Keeps::Failures
            && let Some(failure) = self.failures.borrow_mut().pop_front()
        {
            return Some(Ended::Failure(failure));
        }
        let count = self.ended.borrow().len();
        for _ in 0..count {
            let key = self.ended.borrow_mut().pop_front()?;
            if let Some(ended) = self
                .take_finished(key, cx)
                .or_else(|| self.ask_late(key, cx))
            {
                return Some(self.kept(ended));
            }
        }
        None
    }

    /// Waits until there are at most `count`; those that have ended are gone then.
    pub(super) fn poll_at_most(&self, count: usize, at: Place, cx: &mut Context<'_>) -> Poll<()> {
        if self.len() <= count {
            return Poll::Ready(());
        }
        self.wait(at, cx)
    }

    /// Has the owner woken at the next end.
    fn wait<R>(&self, at: Place, cx: &mut Context<'_>) -> Poll<R> {
        context::note(Waits::JOIN, at);
        let replaced = self.owner.replace(Some(waker::keep(cx.waker())));
        drop(replaced);
        Poll::Pending
    }

    /// Takes somebody's handle, to be asked, unless somebody else does that already.
    fn take_handle(&self, key: usize) -> Option<Handle<T, E>> {
        let mut entries = self.entries.borrow_mut();
        let entry = entries.get_mut(key).filter(|entry| !entry.is_claimed)?;
        entry.handle.take()
    }

    /// Takes somebody out of the group whose task has ended, unless somebody else asks.
    #[inline]
    fn take_finished(&self, key: usize, cx: &mut Context<'_>) -> Option<Ended<T, E>> {
        let entries = self.entries.borrow();
        let entry = entries.get(key).filter(|entry| !entry.is_claimed)?;
        if !entry.handle.as_ref()?.is_finished() {
            return None;
        }
        drop(entries);
        match self.remove(key)?.poll(cx) {
            Poll::Ready(ended) => Some(ended),
            Poll::Pending => unreachable!("its task has ended"),
        }
    }

    /// Asks somebody whose future is gone, but whose task has not ended: it owes something.
    #[cold]
    fn ask_late(&self, key: usize, cx: &mut Context<'_>) -> Option<Ended<T, E>> {
        let handle = self.take_handle(key)?;
        match self.ask(key, handle, cx) {
            Poll::Ready(ended) => Some(ended),
            Poll::Pending => {
                self.ended.borrow_mut().push_back(key);
                None
            }
        }
    }

    /// Puts a handle back.
    pub(super) fn put_back(&self, key: usize, handle: Handle<T, E>) {
        self.entries.borrow_mut()[key].handle = Some(handle);
    }

    /// Takes somebody out of the group, with what has ended.
    pub(super) fn remove(&self, key: usize) -> Option<Handle<T, E>> {
        let entry = self.entries.borrow_mut().remove(key);
        if !entry.is_daemon {
            self.len.set(self.len.get() - 1);
        }
        entry.handle
    }

    /// Asks somebody how it has ended, who is out of the group then.
    pub(super) fn ask(
        &self,
        key: usize,
        mut handle: Handle<T, E>,
        cx: &mut Context<'_>,
    ) -> Poll<Ended<T, E>> {
        match handle.poll(cx) {
            Poll::Ready(ended) => {
                self.remove(key);
                Poll::Ready(self.kept(ended))
            }
            Poll::Pending => {
                self.put_back(key, handle);
                Poll::Pending
            }
        }
    }

    /// What is kept of how somebody has ended.
    fn kept(&self, ended: Ended<T, E>) -> Ended<T, E> {
        match ended {
            Ended::Value(..) if self.keeps != Keeps::Values => Ended::Silent(None),
            ended => ended,
        }
    }

    /// Drops what is not kept of those that have ended, so that a group of which nobody asks stays
    /// small.
    #[inline]
    fn reap(&self) {
        if self.keeps != Keeps::Values {
            self.reap_ended();
        }
    }

    /// Drops what is not kept.
    fn reap_ended(&self) {
        let count = self.ended.borrow().len();
        for _ in 0..count {
            let Some(key) = self.ended.borrow_mut().pop_front() else {
                return;
            };
            let Some(handle) = self.take_handle(key) else {
                continue;
            };
            if !handle.is_finished() {
                self.put_back(key, handle);
                self.ended.borrow_mut().push_back(key);
            } else if self.keeps == Keeps::Nothing {
                self.remove(key);
                drop(handle);
            } else if let Poll::Ready(Ended::Failure(failure)) =
                self.ask(key, handle, &mut Context::from_waker(Waker::noop()))
            {
                self.failures.borrow_mut().push_back(failure);
            }
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
            .filter_map(|handle| match handle {
                Handle::Member(handle) => handle.note_cancel(at, reason.clone()),
                Handle::Daemon(handle) => handle.note_cancel(at, reason.clone()),
            })
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

    /// Whether the task of somebody has not ended.
    pub(super) fn is_alive(&self) -> bool {
        let entries = self.entries.borrow();
        let mut handles = entries
            .iter()
            .filter_map(|(_, entry)| entry.handle.as_ref());
        !entries.is_empty() && handles.any(|handle| !handle.is_finished())
    }
}

impl<T, E> Entry<T, E> {
    /// Whether it is the member of this number.
    pub(super) fn is(&self, id: TaskId) -> bool {
        matches!(&self.handle, Some(Handle::Member(handle)) if handle.id() == id)
    }
}
