//! [`settle`]: waits until nobody has anything to do.
//!
//! The executor comes to its sleep when no task is ready. Before it sleeps, or lets time jump, it looks
//! outside once more, and if that brings nothing either, it wakes those who wait here
//! (`executor/idle.rs`). So a test needs not guess how many turns a thing takes.
//!
//! trio has a *cushion* as well: how long, on the real clock, nothing may have come from outside. It
//! makes a guess a little better and a test a little slower. Here what is to come from outside is waited for
//! by its own name (a join, a read), and time by [`advance`](crate::testing::advance()).

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::clock::Instant;
use crate::place;
use crate::task::waits::{Thing, Waits};
use crate::testing::idle::Place;

/// Waits until all others wait: no task is ready, and a look at the sockets, the timers that are due and the
/// wakes of other threads has brought nothing. (trio's `wait_all_tasks_blocked`.)
///
/// Then what was started has gone as far as it can without more time or more from outside, and a test can
/// look at how far that is. No time passes meanwhile: on a clock that jumps, whoever settles goes on
/// before it jumps. It works on the real clock as well, in every executor.
///
/// Several tasks that settle go on together. One that settles in a loop therefore keeps time still for as
/// long as it does that; to let time pass until all has come to rest, use
/// [`advance`](crate::testing::advance()). And a task that never waits, but gives way for ever, lets nobody
/// settle.
///
/// Who waits for a socket or a thread waits, too: what these have not brought yet is not waited for. So on
/// the real clock, and for what is really outside, this is a glance, and no promise.
///
/// # Panics
///
/// Panics, when polled, if no executor is running on this thread.
///
/// # Cancel safety
///
/// Nothing is lost.
///
/// # Examples
///
/// ```
/// use bibelot::sync::Queue;
/// use bibelot::testing::{Sim, settle};
/// use std::rc::Rc;
///
/// Sim::new().run(async {
///     let queue = Rc::new(Queue::bounded(2));
///     let full = Rc::clone(&queue);
///     let putter = bibelot::spawn(async move {
///         for item in 0..5 {
///             full.put(item).await.unwrap();
///         }
///     });
///     settle().await;
///     assert_eq!(queue.len(), 2);
///     assert!(!putter.is_finished());
///     # for _ in 0..5 { queue.get().await.unwrap(); }
/// });
/// ```
#[track_caller]
pub fn settle() -> Settle {
    Settle {
        place: Place::default(),
        at: place::here(),
    }
}

/// The future of [`settle`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Settle {
    /// Where it waits.
    place: Place,
    /// Where that was asked for.
    at: &'static Location<'static>,
}

impl Future for Settle {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waits = Waits::TASK.by_name(Thing::Quiet);
        let at = self.at;
        self.place.poll(Instant::PAST, waits, at, cx)
    }
}
