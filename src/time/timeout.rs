//! [`timeout`]: a future with a deadline.
//!
//! Who owns an expiry? Each timeout judges by the same reading of the clock, and while it polls what
//! is inside it leaves its deadline where inner timeouts see it (`frame.rs`):
//!
//! ```text
//!   timeout(outer 5 ms)          enclosing: 5 ms
//!     └─ timeout(inner 3 ms)     expired at 3 ms: Elapsed is its own
//!     └─ timeout(inner 9 ms)     cannot extend the outer one
//!   both passed by one reading:  the inner answers pending, the outer expires
//! ```
//!
//! So of two that pass together the outer wins, as in curio and trio, and no error ever looks like
//! somebody else's. The future is polled before the deadline is looked at: late but done is a success.
//! What is dropped may still have something to do, a `finally` say: the timeout waits for that
//! (`canceller.rs`).

use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::canceller::{self, Enclosed};
use crate::clock::Instant;
use crate::place;
use crate::time::Sleep;

/// Waits for `future`, but no longer than `duration`, counted from the call; what is not finished
/// then is dropped.
///
/// A future that is ready has succeeded, however late it is. [`Duration::MAX`] is no limit. A
/// timeout inside another cannot extend it, and if both pass together the outer one expires.
/// What the dropped future owes ([`task::finally`](crate::task::finally)) is done before this
/// returns, for which there is a grace
/// ([`ExecutorBuilder::grace`](crate::ExecutorBuilder::grace)).
///
/// # Errors
///
/// The future's output is `Err(Elapsed)` if the time is up. `?` turns that into an
/// [`io::Error`] of kind `TimedOut`.
///
/// # Panics
///
/// Panics, when polled, if no executor is running on this thread, or if it was called outside of the
/// simulation that it is awaited in ([`testing::Sim`](crate::testing::Sim)): there it counts on another clock.
///
/// # Cancel safety
///
/// That of `future`.
///
/// # Examples
///
/// ```
/// use bibelot::time::{Duration, sleep, timeout};
///
/// bibelot::run(async {
///     let slow = sleep(Duration::from_secs(3600));
///     assert!(timeout(Duration::from_millis(1), slow).await.is_err());
///     assert_eq!(timeout(Duration::ZERO, async { 42 }).await, Ok(42));
/// });
/// ```
#[track_caller]
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    timeout_at(Instant::now().saturating_add(duration), future)
}

/// Waits for `future`, but no longer than until `deadline`; see [`timeout`].
///
/// # Errors
///
/// The future's output is `Err(Elapsed)` if the deadline has passed.
///
/// # Panics
///
/// Panics, when polled, if no executor is running on this thread.
///
/// # Cancel safety
///
/// That of `future`.
#[track_caller]
pub fn timeout_at<F: Future>(deadline: Instant, future: F) -> Timeout<F> {
    let at = place::here();
    Timeout {
        inside: Enclosed::new(future),
        sleep: Sleep::at(deadline, at),
        at,
        reason: None,
    }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F: Future> {
        #[pin]
        inside: Enclosed<F>,
        sleep: Sleep,
        at: &'static Location<'static>,
        reason: Option<&'static str>,
    }
}

impl<F: Future> Timeout<F> {
    /// When the time is up.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.sleep.deadline()
    }

    /// Says what the time is for; [`Elapsed`] tells it.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::time::{Duration, timeout};
    ///
    /// # bibelot::run(async {
    /// let greeting = timeout(Duration::ZERO, std::future::pending::<()>()).because("no greeting");
    /// assert_eq!(greeting.await.unwrap_err().reason(), Some("no greeting"));
    /// # });
    /// ```
    pub fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let inside = this.inside.as_mut();
        if inside.poll_inside(this.sleep.deadline(), cx).is_pending() {
            ready!(Pin::new(this.sleep).poll(cx));
            if canceller::leaves_it_to_outer(cx) {
                return Poll::Pending;
            }
            this.inside.as_mut().cancel();
        }
        let output = ready!(this.inside.poll_end(cx));
        Poll::Ready(output.ok_or(Elapsed {
            at: this.at,
            reason: *this.reason,
        }))
    }
}

impl<F: Future> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("deadline", &self.deadline())
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// The error of [`timeout`]: the time was up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Elapsed {
    /// Where the timeout was set.
    at: &'static Location<'static>,
    /// What the time was for, if that was said.
    reason: Option<&'static str>,
}

impl Elapsed {
    /// Where the timeout was set.
    #[must_use]
    pub fn at(&self) -> &'static Location<'static> {
        self.at
    }

    /// What the time was for, if [`Timeout::because`] has said so.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        self.reason
    }
}

impl fmt::Debug for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Elapsed({self})")
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the timeout at {} elapsed", self.at)?;
        match self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(io::ErrorKind::TimedOut, elapsed)
    }
}
