//! Two futures at once in one task: [`join`] waits for both, [`race`] for the first.
//!
//! Both are polled whenever the task is, `a` first; neither is a task of its own. For more than a few,
//! or for futures that wait long, spawn them: a task is polled only when it is woken itself.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::canceller::Enclosed;
use crate::clock::Instant;
use crate::maybe_done::MaybeDone;

/// Waits for both futures, polled side by side, and returns their values.
///
/// # Cancel safety
///
/// That of both: if one has come to its value, that is lost as well.
///
/// # Examples
///
/// ```
/// use bibelot::task;
///
/// bibelot::run(async {
///     let (a, b) = task::join(async { 1 }, async { "two" }).await;
///     assert_eq!((a, b), (1, "two"));
/// });
/// ```
pub fn join<A: Future, B: Future>(a: A, b: B) -> Join<A, B> {
    Join {
        a: MaybeDone::new(a),
        b: MaybeDone::new(b),
    }
}

pin_project! {
    /// The future of [`join`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Join<A: Future, B: Future> {
        #[pin]
        a: MaybeDone<A>,
        #[pin]
        b: MaybeDone<B>,
    }
}

impl<A: Future, B: Future> Future for Join<A, B> {
    type Output = (A::Output, B::Output);

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const AGAIN: &str = "polled again after its end";
        let mut this = self.project();
        let a = this.a.as_mut().poll(cx);
        ready!(this.b.as_mut().poll(cx));
        ready!(a);
        let (a, b) = (this.a.take().expect(AGAIN), this.b.take().expect(AGAIN));
        Poll::Ready((a, b))
    }
}

impl<A: Future, B: Future> fmt::Debug for Join<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").finish_non_exhaustive()
    }
}

/// Waits for the first of two futures and returns its value. The other one is dropped, and what it
/// owes ([`task::finally`](crate::task::finally)) is done, before this returns.
///
/// If both are ready at once, `a` wins.
///
/// # Cancel safety
///
/// That of both: each is dropped when the other wins.
///
/// # Examples
///
/// ```
/// use bibelot::task;
/// use std::future::pending;
///
/// bibelot::run(async {
///     assert_eq!(task::race(pending(), async { "tortoise" }).await, "tortoise");
/// });
/// ```
pub fn race<A, B>(a: A, b: B) -> Race<A, B>
where
    A: Future,
    B: Future<Output = A::Output>,
{
    Race {
        first: Enclosed::new(First { a, b }),
    }
}

pin_project! {
    /// The future of [`race`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Race<A: Future, B: Future<Output = A::Output>> {
        #[pin]
        first: Enclosed<First<A, B>>,
    }
}

pin_project! {
    /// The value of whichever is ready first; both end with that.
    struct First<A, B> {
        #[pin]
        a: A,
        #[pin]
        b: B,
    }
}

impl<A: Future, B: Future<Output = A::Output>> Future for First<A, B> {
    type Output = A::Output;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<A::Output> {
        let this = self.project();
        match this.a.poll(cx) {
            Poll::Pending => this.b.poll(cx),
            ready => ready,
        }
    }
}

impl<A: Future, B: Future<Output = A::Output>> Future for Race<A, B> {
    type Output = A::Output;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<A::Output> {
        let mut first = self.project().first;
        ready!(first.as_mut().poll_inside(Instant::NEVER, cx));
        let value = ready!(first.poll_end(cx));
        Poll::Ready(value.expect("polled again after its end"))
    }
}

impl<A: Future, B: Future<Output = A::Output>> fmt::Debug for Race<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").finish_non_exhaustive()
    }
}
