//! [`Interval`]: a deadline that moves on.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::clock::Instant;
use crate::place;
use crate::time::Sleep;

/// Returns something that ticks at once, and then once every `period`.
///
/// Ticks that were missed are skipped: the next one is a whole number of periods after the first.
///
/// # Panics
///
/// Panics if `period` is zero.
///
/// # Examples
///
/// ```
/// use bibelot::time::{Duration, interval};
///
/// bibelot::run(async {
///     let mut every = interval(Duration::from_millis(1));
///     let first = every.tick().await;
///     let second = every.tick().await;
///     assert!(second - first >= Duration::from_millis(1));
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval's period cannot be zero");
    let at = place::here();
    Interval {
        next: Sleep::at(Instant::now(), at),
        period,
    }
}

/// What [`interval`] returns. With the feature `stream` it is a `Stream` without an end.
#[derive(Debug)]
pub struct Interval {
    /// The next tick.
    next: Sleep,
    /// From one tick to the next.
    period: Duration,
}

impl Interval {
    /// Waits for the next tick and returns the moment for which it was set.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if no executor is running on this thread.
    ///
    /// # Cancel safety
    ///
    /// No tick is lost.
    #[track_caller]
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        self.next.set_place(place::here());
        poll_fn(|cx| self.poll_tick(cx))
    }

    /// The next tick, if its moment has come.
    fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(Pin::new(&mut self.next).poll(cx));
        let tick = self.next.deadline();
        self.next.reset(self.after(tick));
        Poll::Ready(tick)
    }

    /// From one tick to the next.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// The first tick after `tick` that is still to come.
    fn after(&self, tick: Instant) -> Instant {
        let late = Instant::now().duration_since(tick);
        let missed = late.as_nanos() / self.period.as_nanos();
        let next = u64::try_from((missed + 1) * self.period.as_nanos()).unwrap_or(u64::MAX);
        tick.saturating_add(Duration::from_nanos(next))
    }
}

#[cfg(feature = "stream")]
impl futures_core::Stream for Interval {
    type Item = Instant;

    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.next.set_place(place::here());
        self.poll_tick(cx).map(Some)
    }
}
