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
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use slab::Slab;

use crate::error::{Cancelled, JoinError};
use crate::executor::context;
use crate::executor::spawn::spawn_at;
use crate::group::watched::Watched;
use crate::group_error::Failure;
use crate::task::waits::Waits;
use crate::task::yields::spend;
use crate::task::{JoinHandle, TaskId};
use crate::waker;

/// A place in the source.
pub(super) type Place = &'static Location<'static>;

/// What the task of a member gives.
pub(super) type Outcome<T, E> = Result<Result<T, E>, JoinError>;

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

/// The task of one who is in a group.
pub(super) enum Handle<T, E> {
    /// A member.
    Member(JoinHandle<Result<T, E>>),
    /// A daemon, for which nobody waits.
    Daemon(JoinHandle<()>),
}

/// One who is in a group.
pub(super) struct Entry<T, E> {
    /// Its task; `None` while that is started or asked.
    pub(super) handle: Option<Handle<T, E>>,
    /// Whether it is a daemon.
    is_daemon: bool,
    /// Whether its future is gone.
    pub(super) has_ended: bool,
    /// Whether somebody joins it by its own handle.
    pub(super) is_claimed: bool,
}

/// How one who was in a group has ended, as the owner sees it.
pub(super) enum Ended<T, E> {
    /// With a value.
    Value(TaskId, T),
    /// With a failure.
    Failure(Failure<E>),
    /// It was cancelled, or is a daemon that has nothing to tell.
    Silent(Option<Cancelled>),
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
        self.reap();
        self.len.set(self.len.get() + 1);
        let (key, future) = self.watch(future, false);
        let handle = spawn_at(future, at);
        let id = handle.id();
        self.entries.borrow_mut()[key].handle = Some(Handle::Member(handle));
        (key, id)
    }

    /// Starts a daemon.
    pub(super) fn spawn_daemon<F>(self: &Rc<Self>, future: F, at: Place)
    where
        F: Future<Output = ()> + 'static,
    {
        self.reap();
        let (key, future) = self.watch(future, true);
        let handle = spawn_at(future, at);
        self.entries.borrow_mut()[key].handle = Some(Handle::Daemon(handle));
    }

    /// Gives a future a place in the group, which it leaves when it is dropped.
    fn watch<F>(self: &Rc<Self>, future: F, is_daemon: bool) -> (usize, Watched<F, T, E>) {
        let key = self.entries.borrow_mut().insert(Entry {
            handle: None,
            is_daemon,
            has_ended: false,
            is_claimed: false,
        });
        (key, Watched::new(future, self, key))
    }

    /// Notes that a future is gone.
    pub(super) fn note_end(&self, key: usize) {
        self.entries.borrow_mut()[key].has_ended = true;
        if !self.entries.borrow()[key].is_claimed {
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

    /// Waits for the next one to end. `None` says that only daemons are left, or, if those are
    /// waited for as well, nobody.
    pub(super) fn poll_next(
        &self,
        with_daemons: bool,
        at: Place,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Ended<T, E>>> {
        ready!(spend(cx, at));
        let mut late = Vec::new();
        let mut next = self.failures.borrow_mut().pop_front().map(Ended::Failure);
        while next.is_none() {
            let Some(key) = self.ended.borrow_mut().pop_front() else {
                break;
            };
            let Some(handle) = self.take_handle(key, false) else {
                continue;
            };
            next = match self.ask(key, handle, cx) {
                Poll::Ready(ended) => Some(ended),
                Poll::Pending => {
                    late.push(key);
                    None
                }
            };
        }
        self.ended.borrow_mut().extend(late);
        if next.is_some() {
            return Poll::Ready(next);
        }
        let is_over = if with_daemons {
            self.entries.borrow().is_empty()
        } else {
            self.len() == 0
        };
        if is_over {
            return Poll::Ready(None);
        }
        self.wait(at, cx)
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
    fn take_handle(&self, key: usize, is_claimed: bool) -> Option<Handle<T, E>> {
        let mut entries = self.entries.borrow_mut();
        let entry = entries.get_mut(key)?;
        if entry.is_claimed == is_claimed {
            entry.handle.take()
        } else {
            None
        }
    }

    /// Puts a handle back.
    pub(super) fn put_back(&self, key: usize, handle: Handle<T, E>) {
        let mut entries = self.entries.borrow_mut();
        entries[key].handle = Some(handle);
    }

    /// Takes somebody out of the group, with what has ended.
    pub(super) fn remove(&self, key: usize) {
        let entry = self.entries.borrow_mut().remove(key);
        if !entry.is_daemon {
            self.len.set(self.len.get() - 1);
        }
    }

    /// Asks somebody how it has ended, who is out of the group then.
    pub(super) fn ask(
        &self,
        key: usize,
        handle: Handle<T, E>,
        cx: &mut Context<'_>,
    ) -> Poll<Ended<T, E>> {
        let (ended, handle) = match handle {
            Handle::Member(mut handle) => match Pin::new(&mut handle).poll(cx) {
                Poll::Ready(outcome) => {
                    let mut ended = ended(&handle, outcome);
                    if self.keeps != Keeps::Values && matches!(ended, Ended::Value(..)) {
                        ended = Ended::Silent(None);
                    }
                    (Some(ended), Handle::Member(handle))
                }
                Poll::Pending => (None, Handle::Member(handle)),
            },
            Handle::Daemon(mut handle) => match Pin::new(&mut handle).poll(cx) {
                Poll::Ready(outcome) => {
                    let ended = match outcome {
                        Err(JoinError::Panicked(panicked)) => {
                            Ended::Failure(Failure::panicked(handle.describe(), panicked))
                        }
                        _ => Ended::Silent(None),
                    };
                    (Some(ended), Handle::Daemon(handle))
                }
                Poll::Pending => (None, Handle::Daemon(handle)),
            },
        };
        match ended {
            Some(ended) => {
                self.remove(key);
                Poll::Ready(ended)
            }
            None => {
                self.put_back(key, handle);
                Poll::Pending
            }
        }
    }

    /// Drops what is not kept of those that have ended, so that a group of which nobody asks stays
    /// small.
    fn reap(&self) {
        if self.keeps == Keeps::Values {
            return;
        }
        let count = self.ended.borrow().len();
        for _ in 0..count {
            let Some(key) = self.ended.borrow_mut().pop_front() else {
                return;
            };
            let Some(handle) = self.take_handle(key, false) else {
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
        handles.any(|handle| !handle.is_finished())
    }
}

impl<T, E> Handle<T, E> {
    /// Whether the task has ended.
    fn is_finished(&self) -> bool {
        match self {
            Self::Member(handle) => handle.is_finished(),
            Self::Daemon(handle) => handle.is_finished(),
        }
    }
}

impl<T, E> Entry<T, E> {
    /// Whether it is the member of this number.
    pub(super) fn is(&self, id: TaskId) -> bool {
        matches!(&self.handle, Some(Handle::Member(handle)) if handle.id() == id)
    }
}

/// How a member has ended.
fn ended<T, E>(handle: &JoinHandle<Result<T, E>>, outcome: Outcome<T, E>) -> Ended<T, E> {
    match outcome {
        Ok(Ok(value)) => Ended::Value(handle.id(), value),
        Ok(Err(error)) => Ended::Failure(Failure::error(handle.describe(), error)),
        Err(JoinError::Panicked(panicked)) => {
            Ended::Failure(Failure::panicked(handle.describe(), panicked))
        }
        Err(JoinError::Cancelled(cancelled)) => Ended::Silent(Some(cancelled)),
    }
}
