//! [`ScopedJoinHandle`]: the right to the value of a scope's child.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::error::JoinError;
use crate::executor::context;
use crate::place;
use crate::scope::child::{Packet, Request};
use crate::scope::nursery::Orders;
use crate::task::waits::Waits;
use crate::waker;

/// The right to the value of a child, as [`std::thread::ScopedJoinHandle`] is that to a thread's.
///
/// It is a future: `handle.await` waits for the child to end, and so does [`join`](Self::join).
/// Dropping the handle lets the child go on.
///
/// std's `ScopedJoinHandle::thread` is not here: a child is a part of the task around it, which
/// [`task::current`](crate::task::current) is to it, and has nothing of its own to unpark.
///
/// # Cancel safety
///
/// A handle awaited by `&mut` in a future that is dropped can be awaited again.
///
/// # Panics
///
/// Panics when it is polled again after it has given its value.
///
/// # Examples
///
/// It does not leave its scope:
///
/// ```compile_fail
/// # use bibelot::task;
/// # bibelot::run(async {
/// let mut kept = None;
/// task::scope(async |s| kept = Some(s.spawn(async { 42 }))).await;
/// drop(kept);
/// # });
/// ```
pub struct ScopedJoinHandle<'scope, T> {
    /// Shared with the child.
    packet: Rc<Packet<T>>,
    /// What may be asked of the scope.
    orders: &'scope Orders,
}

impl<'scope, T> ScopedJoinHandle<'scope, T> {
    /// The handle of a new child.
    pub(super) fn new(packet: Rc<Packet<T>>, orders: &'scope Orders) -> Self {
        Self { packet, orders }
    }

    /// Waits for the child to end and returns its value.
    ///
    /// # Errors
    ///
    /// Returns an error if the child was cancelled or has panicked; the panic is then not raised by
    /// the scope.
    pub fn join(self) -> impl Future<Output = Result<T, JoinError>> {
        self
    }

    /// Asks that the child be cancelled, and returns at once. As
    /// [`JoinHandle::cancel`](crate::task::JoinHandle::cancel): the child is dropped in its turn, and
    /// a value that it has come to stands. It is no failure.
    #[track_caller]
    pub fn cancel(&self) {
        let at = Location::caller();
        self.packet.cancel(Request { at, reason: None });
    }

    /// [`cancel`](Self::cancel), and says why: the reason is told by [`JoinError::Cancelled`].
    #[track_caller]
    pub fn cancel_because(&self, reason: impl Into<Cow<'static, str>>) {
        let (at, reason) = (Location::caller(), Some(reason.into()));
        self.packet.cancel(Request { at, reason });
    }

    /// Whether the child has ended, in whatever way.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.packet.is_finished()
    }
}

impl<T> Future for ScopedJoinHandle<'_, T> {
    type Output = Result<T, JoinError>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.packet.is_finished() {
            let outcome = self.packet.take();
            return Poll::Ready(outcome.expect("polled again after it has given its value"));
        }
        context::note(Waits::JOIN, place::here());
        drop(self.packet.set_joiner(waker::keep(cx.waker())));
        Poll::Pending
    }
}

impl<T> Unpin for ScopedJoinHandle<'_, T> {}

impl<T> Drop for ScopedJoinHandle<'_, T> {
    /// A failure that was left to who waited, and is not wanted after all, is the scope's.
    fn drop(&mut self) {
        if self.packet.has_grave_end() {
            self.orders.end(self.packet.spawned_at);
        }
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle")
            .field("task", &self.packet.describe())
            .field("is_finished", &self.is_finished())
            .finish()
    }
}
