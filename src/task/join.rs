//! [`JoinHandle`]: the leaf future that waits for a task to end.
//!
//! ```text
//!   handle ── poll ──► has it ended and paid? ─ yes ─► takes value or error out of the cell
//!     │                    └ no: the joiner's waker into the cell, woken at the end
//!     └─ dropped ────► the task goes on; a panic that is in the cell, or comes to be, is reported
//! ```
//!
//! The handle is one of the cell's owners, so it may outlive the executor, and the value with it. Read
//! next: `task/extras.rs`, where a cancel is noted.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::Instant;
use crate::error::JoinError;
use crate::executor::{Core, context};
use crate::place;
use crate::sched::Rank;
use crate::task::cell::{self, JoinRef};
use crate::task::extras::{Request, Wake};
use crate::task::id::TaskId;
use crate::task::waits::Waits;
use crate::task::{Task, extras};
use crate::waker;

/// The right to a task's value, as [`std::thread::JoinHandle`] is that to a thread's.
///
/// It is a future: `handle.await` waits for the task to end, and so does [`join`](Self::join).
/// Dropping the handle lets the task go on; if it panics then, the executor reports it (by default
/// a line on standard error; see [`ExecutorBuilder::on_report`](crate::ExecutorBuilder::on_report)).
///
/// # Cancel safety
///
/// A handle awaited by `&mut` in a future that is dropped can be awaited again: the task and its
/// value are not touched. One that is awaited by value is dropped with that future, and the task
/// goes on.
///
/// # Panics
///
/// Panics when it is polled again after it has given its value.
///
/// # Examples
///
/// ```
/// bibelot::run(async {
///     let handle = bibelot::spawn(async { 6 * 7 });
///     assert_eq!(handle.join().await.unwrap(), 42);
/// });
/// ```
///
/// It stays on its task's thread, as the value does:
///
/// ```compile_fail,E0277
/// # fn main() -> std::io::Result<()> {
/// let handle = bibelot::Executor::new()?.spawn(async { 42 });
/// std::thread::spawn(move || drop(handle));
/// # Ok(())
/// # }
/// ```
pub struct JoinHandle<T> {
    /// The handle's part of the task.
    task: JoinRef<T>,
}

impl<T> JoinHandle<T> {
    /// The handle of a new task.
    pub(crate) fn new(task: JoinRef<T>) -> Self {
        Self { task }
    }

    /// Names the task, before it has begun.
    pub(crate) fn set_name(&self, name: String) {
        extras::set_name(&self.task, name);
    }

    /// Gives the task what policies go by.
    pub(crate) fn set_rank(&self, rank: Rank) {
        extras::set_rank(&self.task, rank);
    }

    /// Waits for the task to end and returns its value.
    ///
    /// # Errors
    ///
    /// Returns an error if the task was cancelled or has panicked.
    pub fn join(self) -> impl Future<Output = Result<T, JoinError>> {
        self
    }

    /// Asks that the task be cancelled, and returns at once.
    ///
    /// The task's future is dropped in the task's next turn, on this thread, never while it is
    /// polled; then what that owes is done ([`task::finally`](crate::task::finally)), and joining it
    /// gives [`JoinError::Cancelled`]. A task that was never polled is
    /// dropped unpolled. If it is the running task that is cancelled, this takes effect when its
    /// poll comes back pending; if the poll brings the value, the value stands. A task that has
    /// ended keeps its value, and asking twice changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// bibelot::run(async {
    ///     let handle = bibelot::spawn(std::future::pending::<()>());
    ///     handle.cancel();
    ///     assert!(handle.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    #[track_caller]
    pub fn cancel(&self) {
        self.cancel_at(Location::caller(), None);
    }

    /// [`cancel`](Self::cancel), and says why: the reason is told by [`JoinError::Cancelled`].
    #[track_caller]
    pub fn cancel_because(&self, reason: impl Into<Cow<'static, str>>) {
        self.cancel_at(Location::caller(), Some(reason.into()));
    }

    /// Asks that the task end, and has it cancelled only if it has not when `grace` is over.
    ///
    /// The task notices by [`task::cancelled`](crate::task::cancelled). A grace of
    /// [`Duration::MAX`] has no end; a [`cancel`](Self::cancel) meanwhile takes effect at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::task;
    /// use bibelot::time::Duration;
    ///
    /// bibelot::run(async {
    ///     let polite = bibelot::spawn(async {
    ///         task::cancelled().await;
    ///         "goodbye"
    ///     });
    ///     polite.cancel_within(Duration::from_secs(1));
    ///     assert_eq!(polite.await.unwrap(), "goodbye");
    /// });
    /// ```
    #[track_caller]
    pub fn cancel_within(&self, grace: Duration) {
        let wake = self.note(Request {
            at: Location::caller(),
            reason: None,
            due: context::now().saturating_add(grace),
            set_due: Some(Core::set_due),
        });
        if let Some(wake) = wake {
            wake.wake();
        }
    }

    /// Notes a request to cancel the task at once, and wakes it.
    fn cancel_at(&self, at: &'static Location<'static>, reason: Option<Cow<'static, str>>) {
        if let Some(wake) = self.note_cancel(at, reason) {
            wake.wake();
        }
    }

    /// Notes a request to cancel the task at once, unless its future has ended. Who is to be woken
    /// comes back: that may be user code.
    pub(crate) fn note_cancel(
        &self,
        at: &'static Location<'static>,
        reason: Option<Cow<'static, str>>,
    ) -> Option<Wake> {
        self.note(Request {
            at,
            reason,
            due: Instant::PAST,
            set_due: None,
        })
    }

    /// Notes a request to cancel the task, unless its future has ended.
    fn note(&self, request: Request) -> Option<Wake> {
        (!self.task.has_ended()).then(|| extras::request_cancel(&self.task, request))
    }

    /// Drops the handle in the task's own turn, before the future has ended; cheaper than elsewhere.
    pub(crate) fn detach(self) {
        self.task.detach();
    }

    /// The task's number.
    pub(crate) fn id(&self) -> TaskId {
        self.task.id()
    }

    /// Whether the task owes something.
    pub(crate) fn owes(&self) -> bool {
        self.task.owes()
    }

    /// The task as texts name it, and where it was spawned.
    pub(crate) fn describe(&self) -> (String, &'static Location<'static>) {
        (extras::describe(&self.task), self.task.spawned_at())
    }

    /// Whether the task has ended, in whatever way, and has done all that it owed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Returns the handle that names the task and can unpark it.
    #[must_use]
    pub fn task(&self) -> Task {
        extras::task_of(&self.task)
    }

    /// [`task`](Self::task) under std's name, for programs that come from there.
    #[must_use]
    pub fn thread(&self) -> Task {
        self.task()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.task.is_finished() {
            let mut at = place::here();
            if at.file() == file!() || at.file() == cell::FILE {
                // It is polled from a box, or by a task whose future it is: that has no place of its own.
                at = self.task.spawned_at();
            }
            waker::with_current(|scheduler| scheduler.note(Waits::JOIN, at));
        }
        self.task.poll(cx)
    }
}

impl<T> Unpin for JoinHandle<T> {}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("task", &extras::describe(&self.task))
            .field("is_finished", &self.is_finished())
            .finish()
    }
}
