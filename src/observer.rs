//! What happens in an executor, told as it happens: to whoever draws, counts, records or replays it.
//!
//! ```text
//!   wake, spawn, poll, timer, event ── noted, with the time ──► gallery ── told between two polls ──►
//!        (something may be borrowed)                                (nothing is borrowed)    observers
//! ```
//!
//! An [`Observer`] is user code, and much of what it wants to know happens where none may run: a wake
//! comes while the ready queue is borrowed. So an event is noted with its moment, and told before the
//! next poll, in the order in which all of it happened. (The same as with a policy:
//! `scheduler/choice.rs`.)
//!
//! Laws. Without an observer nothing is noted, and a program that sets none has none of this code:
//! what knows of it holds an [`Audience`], made by the builder. (Without the feature `trace` nobody can
//! make one, and the compiler knows.) One that panics is removed and reported; the others, and the
//! executor, go on. What an observer causes itself is told next time.
//!
//! Read next: `observer/event.rs` (what happens), `observer/gallery.rs` (who is told), `trace.rs` (the
//! observers in the box).

#![cfg_attr(
    not(feature = "trace"),
    allow(dead_code, unreachable_pub, unused_imports, reason = "nobody listens")
)]

mod event;
#[cfg(feature = "trace")]
mod gallery;
#[cfg(not(feature = "trace"))]
mod nobody;

use std::rc::Rc;

pub use crate::observer::event::{Event, Finish, Wait};
#[cfg(feature = "trace")]
pub(crate) use crate::observer::gallery::Gallery;

use crate::clock::{Clock, Instant};
use crate::task::TaskId;

/// Is told what happens in an executor; set by
/// [`ExecutorBuilder::observer`](crate::ExecutorBuilder::observer). A closure is one.
///
/// It is called on the executor's thread, between two polls, when nothing is borrowed; each event comes
/// with the moment at which it happened, on the executor's clock. One that panics is removed, and its
/// panic reported.
///
/// # Examples
///
/// ```
/// use bibelot::Executor;
/// use bibelot::time::Instant;
/// use bibelot::trace::Event;
///
/// # fn main() -> std::io::Result<()> {
/// let polls = std::rc::Rc::new(std::cell::Cell::new(0));
/// let counted = polls.clone();
/// let executor = Executor::builder()
///     .observer(move |_at: Instant, event: &Event| {
///         if let Event::Polled { .. } = event {
///             counted.set(counted.get() + 1);
///         }
///     })
///     .build()?;
/// executor.run(bibelot::task::yield_now());
/// assert_eq!(polls.get(), 2);
/// # Ok(())
/// # }
/// ```
pub trait Observer {
    /// Something has happened.
    fn observe(&mut self, at: Instant, event: &Event);
}

impl<F: FnMut(Instant, &Event)> Observer for F {
    fn observe(&mut self, at: Instant, event: &Event) {
        self(at, event);
    }
}

/// Where events are noted, as those know it to whom they happen.
#[cfg(feature = "trace")]
pub(crate) trait Listens {
    /// Notes an event, with the time.
    fn note(&self, event: Event);

    /// Notes that a task was woken, in the turn of `by`: by that one, or by the child that it polls.
    fn note_woken(&self, task: TaskId, by: Option<TaskId>);

    /// Names a task that was spawned just now.
    fn name(&self, task: TaskId, name: &str);

    /// The task that is being polled, or the child within it.
    fn current(&self) -> Option<TaskId>;

    /// Notes that this one waits for a source, if it is the first to do so, or was not the last.
    fn note_wait(&self, fd: i32);

    /// Notes that something has come for a source, if somebody has waited for it.
    fn note_ready(&self, fd: i32, read: bool, write: bool);

    /// Notes that a source is watched no more, if it was.
    fn note_left(&self, fd: i32);

    /// Tells the observers what was noted. Nothing may be borrowed.
    fn tell(&self);
}

/// Who listens, if somebody does.
#[cfg(feature = "trace")]
pub(crate) type Audience = dyn Listens;

/// Who listens, if somebody does.
#[cfg(not(feature = "trace"))]
pub(crate) type Audience = nobody::Nobody;

/// Makes an audience of observers, for an executor that goes by this clock.
pub(crate) type Seat = fn(Clock, Vec<Box<dyn Observer>>) -> Rc<Audience>;

/// An audience, where there is one.
pub(crate) type Watched = Option<Rc<Audience>>;
