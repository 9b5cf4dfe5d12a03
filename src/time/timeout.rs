//! [`timeout`]: a future with a deadline.
//!
//! Who owns an expiry? Each timeout judges by the same reading of the clock, and while it polls what
//! is inside it leaves its deadline where inner timeouts see it:
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

use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::clock::Instant;
use crate::executor::context;
use crate::place;
use crate::time::Sleep;

/// Waits for `future`, but no longer than `duration`, counted from the call; what is not finished
/// then is dropped.
///
/// A future that is ready has succeeded, however late it is. [`Duration::MAX`] is no limit. A
/// timeout inside another cannot extend it, and if both pass together the outer one expires.
///
/// # Errors
///
/// The future's output is `Err(Elapsed)` if the time is up. `?` turns that into an
/// [`io::Error`] of kind `TimedOut`.
///
/// # Panics
///
/// Panics, when polled, if no executor is running on this thread.
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
        future,
        sleep: Sleep::at(deadline, at),
        at,
    }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
        at: &'static Location<'static>,
    }
}

impl<F> Timeout<F> {
    /// When the time is up.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.sleep.deadline()
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let deadline = this.sleep.deadline();
        let enclosing = {
            let enclosed = Enclosed::by(deadline);
            if let Poll::Ready(output) = this.future.poll(cx) {
                return Poll::Ready(Ok(output));
            }
            enclosed.before
        };
        match Pin::new(this.sleep).poll(cx) {
            Poll::Ready(()) if enclosing > context::with(|core| core.reading()) => {
                Poll::Ready(Err(Elapsed { at: this.at }))
            }
            // Ready, but an enclosing deadline has passed as well: its owner expires in this poll.
            Poll::Ready(()) | Poll::Pending => Poll::Pending,
        }
    }
}

/// While it lives, the earliest deadline around what is polled includes one more.
struct Enclosed {
    /// The earliest deadline without it.
    before: Instant,
}

impl Enclosed {
    /// Adds a deadline.
    fn by(deadline: Instant) -> Self {
        let before = context::with(|core| {
            let before = core.enclosing().get();
            core.enclosing().set(before.min(deadline));
            before
        });
        Self { before }
    }
}

impl Drop for Enclosed {
    fn drop(&mut self) {
        context::try_with(|core| core.enclosing().set(self.before));
    }
}

/// The error of [`timeout`]: the time was up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Elapsed {
    /// Where the timeout was set.
    at: &'static Location<'static>,
}

impl Elapsed {
    /// Where the timeout was set.
    #[must_use]
    pub fn at(&self) -> &'static Location<'static> {
        self.at
    }
}

impl fmt::Debug for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Elapsed(at {})", self.at)
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the timeout at {} elapsed", self.at)
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(io::ErrorKind::TimedOut, elapsed)
    }
}
