//! [`PortalHandle`]: what a thread has of a task that it started through a portal.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::thread::ThreadId;
use std::time::Duration;

use crate::block;
use crate::error::JoinError;
use crate::primitive::Mutex;
use crate::reply::Reply;
use crate::report;
use crate::waker;
use crate::worker::portal::assert_may_wait;

/// What is given to a portal ends with.
pub(super) type Ended<T> = Result<T, PortalError>;

/// A wish that a task be cancelled, across threads.
pub(super) struct Request(Mutex<Wish>);

/// What is behind the lock.
#[derive(Default)]
struct Wish {
    /// Where it was made, once it was.
    at: Option<&'static Location<'static>>,
    /// Whom it wakes.
    waker: Option<Waker>,
}

impl Request {
    /// One that nobody has made.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Wish::default()))
    }

    /// Makes it. Of several the first stands.
    pub(super) fn make(&self, at: &'static Location<'static>) {
        let mut wish = self.0.lock();
        wish.at.get_or_insert(at);
        let waker = wish.waker.take();
        drop(wish);
        if let Some(waker) = waker {
            waker::wake_kept(waker);
        }
    }

    /// Where it was made. If it was not, `waker` is woken when it is.
    pub(super) fn poll(&self, waker: Waker) -> Option<&'static Location<'static>> {
        let mut wish = self.0.lock();
        let before = wish.waker.replace(waker);
        let at = wish.at;
        drop(wish);
        drop(before);
        at
    }
}

/// Why a portal brought no value back.
#[derive(Debug)]
#[non_exhaustive]
pub enum PortalError {
    /// The executor has ended, or the portal was stopped, before the task had.
    Ended,
    /// The task was cancelled, or has panicked.
    Failed(JoinError),
}

impl PortalError {
    /// Whether the executor has ended, or the portal was stopped.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }

    /// Whether the task was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_cancelled())
    }

    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_panic())
    }

    /// Reports a panic that nobody wants to know.
    pub(super) fn report(self) {
        if let Self::Failed(JoinError::Panicked(panicked)) = self {
            report::send_panic(panicked);
        }
    }
}

impl fmt::Display for PortalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str(
                "calling through a portal whose executor has ended, or which was stopped",
            ),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl Error for PortalError {}

/// The right to the value of a task that was started through a [`Portal`](crate::worker::Portal). It may be sent to other
/// threads; dropping it lets the task go on, and its panic is reported.
///
/// A thread [joins](Self::join) it. A task of another executor, or of the same, awaits it.
///
/// # Cancel safety
///
/// One that is awaited by `&mut` can be awaited again: the task and its value are not touched.
///
/// # Panics
///
/// Panics when it is polled again after it has given its value.
pub struct PortalHandle<T> {
    /// What the task will say, until it has.
    pub(super) reply: Option<Reply<Ended<T>>>,
    /// The way to cancel it.
    pub(super) request: Arc<Request>,
    /// The executor's thread.
    pub(super) home: ThreadId,
}

impl<T> PortalHandle<T> {
    /// Blocks this thread until the task has ended, and returns its value.
    ///
    /// # Errors
    ///
    /// Returns an error if the task was cancelled or has panicked, or the executor has ended.
    ///
    /// # Panics
    ///
    /// Panics on the executor's own thread, unless it [is finished](Self::is_finished), and inside any
    /// other executor: await it there.
    #[track_caller]
    pub fn join(self) -> Result<T, PortalError> {
        assert_may_wait(self.home, || self.is_finished());
        block::block_on(self, None).unwrap_or(Err(PortalError::Ended))
    }

    /// Blocks this thread until the task has ended, but no longer than `limit`: then `None`, and it
    /// may be tried again.
    ///
    /// # Panics
    ///
    /// Panics as [`join`](Self::join) does.
    #[track_caller]
    pub fn wait_timeout(&mut self, limit: Duration) -> Option<Result<T, PortalError>> {
        assert_may_wait(self.home, || self.is_finished());
        block::block_on(self, Some(limit))
    }

    /// Asks that the task be cancelled, and returns at once. Its future is dropped in the task's next
    /// turn; when what that owes is done ([`task::finally`](crate::task::finally)), joining says where
    /// this was called. A task that has ended keeps its value.
    #[track_caller]
    pub fn cancel(&self) {
        self.request.make(Location::caller());
    }

    /// Whether the task has ended, in whatever way, or the executor has.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.reply.as_ref().is_none_or(Reply::is_answered)
    }
}

impl<T> Future for PortalHandle<T> {
    type Output = Result<T, PortalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let reply = self
            .reply
            .as_mut()
            .expect("it is not polled after it has given its value");
        let ended = ready!(Pin::new(reply).poll(cx));
        self.reply = None;
        Poll::Ready(ended.unwrap_or(Err(PortalError::Ended)))
    }
}

impl<T> Drop for PortalHandle<T> {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.reply.as_ref().and_then(Reply::close) {
            error.report();
        }
    }
}

impl<T> fmt::Debug for PortalHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortalHandle")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
