//! [`Event`]: a flag that can be waited for.
//!
//! ```text
//!   wait ─► is it set? ─ yes ─► at once
//!              └ no ─► in line ◄── set: the flag, and all who are in line go on
//!                                  clear: the flag alone, for those who come
//! ```
//!
//! The law: *who was in line when it was set goes on*, whether or not it is cleared before they are
//! polled. They are granted (`sync/line.rs`), and do not look at the flag again.
//!
//! Read next: `sync/permits.rs`.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::task::{Poll, ready};

use crate::sync::line::{Line, Place};
use crate::sync::statistics::WaitStatistics;
use crate::task::waits::Thing;

/// A flag that is set and cleared, and that tasks can wait for; curio's `Event`.
///
/// It tells any number of tasks that something has happened. To hand over a value, use a
/// [`Queue`](crate::sync::Queue).
///
/// # Examples
///
/// ```
/// use bibelot::sync::Event;
/// use std::rc::Rc;
///
/// # bibelot::run(async {
/// let is_up = Rc::new(Event::new());
/// let server = bibelot::spawn({
///     let is_up = Rc::clone(&is_up);
///     async move { is_up.set() }
/// });
/// is_up.wait().await;
/// assert!(server.is_finished());
/// # });
/// ```
pub struct Event {
    /// The flag.
    is_set: Cell<bool>,
    /// Who waits for it.
    line: Line,
}

impl Event {
    /// Makes an event that is not set.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            is_set: Cell::new(false),
            line: Line::new(Thing::Event),
        }
    }

    /// Sets the event and releases all who wait for it, in the order in which they came.
    ///
    /// They go on when their turn comes, also if the event is cleared before that. If it is set
    /// already nothing happens.
    pub fn set(&self) {
        if !self.is_set.replace(true) {
            self.line.grant_all();
        }
    }

    /// Clears the event: who waits from now on waits until it is set again.
    pub fn clear(&self) {
        self.is_set.set(false);
    }

    /// Returns whether the event is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.is_set.get()
    }

    /// Returns how many wait.
    #[must_use]
    pub fn statistics(&self) -> WaitStatistics {
        WaitStatistics {
            waiting: self.line.len(),
        }
    }

    /// Waits until the event is set; returns at once if it is.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::sync::Event;
    ///
    /// # bibelot::run(async {
    /// let event = Event::new();
    /// event.set();
    /// event.wait().await;
    /// # });
    /// ```
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = ()> {
        let mut place = Place::new(&self.line);
        poll_fn(move |cx| {
            ready!(place.poll(cx, (), |_| self.is_set()));
            place.leave();
            Poll::Ready(())
        })
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("is_set", &self.is_set())
            .field("waiting", &self.line.len())
            .finish()
    }
}
