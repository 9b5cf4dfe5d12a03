//! Waiting for time: `std::time`, and what std's threads do with it.
//!
//! ```text
//!   sleep(d) ───► Sleep: one deadline in timers.rs, taken back when dropped
//!   timeout(d, f) ► Timeout: f beside a Sleep, and the enclosing timeouts' deadlines
//!   interval(d) ──► Interval: a Sleep that moves on by d
//! ```
//!
//! Durations are counted from the call, deadlines never fire early, and a deadline further away than
//! the clock reaches never fires at all: `Duration::MAX` is no limit. Everything here runs on the
//! clock of the executor, real or virtual.

mod interval;
mod sleep;
mod timeout;

pub use std::time::Duration;

pub use crate::clock::Instant;
pub use interval::{Interval, interval};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};

use crate::executor::context;
use crate::frame;

/// The earliest deadline of the timeouts and cancel scopes around this call, or `None` if there is
/// none. One that has passed says that what is here is about to be dropped. In the cleanup of a
/// [`task::finally`](crate::task::finally) those from outside do not count. (trio's
/// `current_effective_deadline`.)
///
/// # Examples
///
/// ```
/// use bibelot::time::{Duration, Instant, effective_deadline, timeout_at};
///
/// bibelot::run(async {
///     let deadline = Instant::now() + Duration::from_secs(1);
///     let inside = timeout_at(deadline, async { effective_deadline() }).await;
///     assert_eq!(inside, Ok(Some(deadline)));
///     assert_eq!(effective_deadline(), None);
/// });
/// ```
#[must_use]
pub fn effective_deadline() -> Option<Instant> {
    let deadline = frame::current().deadline;
    (deadline != Instant::NEVER).then_some(deadline)
}

impl Instant {
    /// Reads the clock of the executor that runs on this thread; outside of one, the machine's
    /// monotonic clock.
    #[must_use]
    pub fn now() -> Self {
        context::now()
    }

    /// Returns the time since this moment, or zero if it is still to come.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Self::now().duration_since(*self)
    }
}
