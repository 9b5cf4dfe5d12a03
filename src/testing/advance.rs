//! [`advance`]: moves the clock of a simulation, and everything that depends on it.
//!
//! ```text
//!   start                 1 s            2.5 s                     start + d
//!   ──┼────────────────────┼───────────────┼─────────────────────────┼──► the clock
//!     all come to rest     a fires         b fires                   advance returns
//!                          all come to     all come to
//!                          rest            rest
//! ```
//!
//! The executor does it, one deadline at a time, whenever nobody is ready (`executor/idle.rs`). Why not
//! set the clock to the end and fire all timers there: each would see a time that is not its own, an
//! interval would skip its ticks, and what falls due because something fell due would come late. That is
//! what `advance` of other runtimes does, and what their users are surprised by.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::Instant;
use crate::executor::context;
use crate::place;
use crate::task::waits::Waits;
use crate::testing::idle::Place;

/// Lets so much time pass in a simulation: whatever falls due within it runs, in the order of the deadlines,
/// each at its own moment, and all it brings about runs as far as it can before the next one. When this
/// returns, all others wait, and the clock stands exactly `duration` later than when it was first polled.
///
/// This is how time moves under a [manual clock](crate::testing::Sim::manual). It works under one that jumps
/// as well, where it differs from a [`sleep`](crate::time::sleep) in two things: it goes on after all that
/// is due at the same moment, and it does not wait for what is outside. A socket or a thread that somebody
/// waits for does not hold it up; what they have brought by then is taken at every step.
///
/// Two tasks that advance at once are like two that sleep: they start at the same moment, and the time that
/// passes is the longer of the two, not their sum. Who [settles](crate::testing::settle()) meanwhile goes on at
/// the next step. An advance of zero settles, after those who just settle.
///
/// A task that [consumes](crate::task::consume) time while the clock is on its way moves it as well; if that
/// goes beyond the end, the clock stays there.
///
/// # Panics
///
/// Panics, when polled, if no executor is running on this thread, if its clock is the real one, which goes by
/// itself, or if the clock would end before.
///
/// # Cancel safety
///
/// The clock stays where it has come to.
///
/// # Examples
///
/// ```
/// use bibelot::testing::{Sim, advance};
/// use bibelot::time::{Duration, interval};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// Sim::new().manual().run(async {
///     let ticks = Rc::new(Cell::new(0));
///     let count = Rc::clone(&ticks);
///     let ticker = bibelot::spawn(async move {
///         let mut every = interval(Duration::from_secs(1));
///         loop {
///             every.tick().await;
///             count.set(count.get() + 1);
///         }
///     });
///     advance(Duration::from_millis(3500)).await;
///     assert_eq!(ticks.get(), 4); // at once, and after one, two and three seconds
///     ticker.cancel();
/// });
/// ```
#[track_caller]
pub fn advance(duration: Duration) -> Advance {
    Advance {
        duration,
        until: None,
        place: Place::default(),
        at: place::here(),
    }
}

/// The future of [`advance`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Advance {
    /// How far the clock goes.
    duration: Duration,
    /// Where that is, once it was polled.
    until: Option<Instant>,
    /// Where it waits.
    place: Place,
    /// Where that was asked for.
    at: &'static Location<'static>,
}

impl Advance {
    /// Where the clock goes, by the executor that runs on this thread.
    fn target(&self) -> Instant {
        let (now, is_virtual) =
            context::with(|core| (core.clock().now(), core.clock().is_virtual()));
        assert!(
            is_virtual,
            "time cannot be advanced at {}: this executor's clock is the real one, which goes by \
             itself; run this in a testing::Sim",
            self.at
        );
        match now.checked_add(self.duration) {
            Some(until) if until != Instant::NEVER => until,
            _ => panic!(
                "time cannot be advanced by {:?} at {}: the clock ends before",
                self.duration, self.at
            ),
        }
    }
}

impl Future for Advance {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let until = match self.until {
            Some(until) => until,
            None => self.target(),
        };
        self.until = Some(until);
        let at = self.at;
        self.place.poll(until, Waits::TIME, at, cx)
    }
}
