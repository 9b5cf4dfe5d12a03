//! [`OnceLock`]: a value that is made once, by whoever needs it first.
//!
//! ```text
//!   no value ─ get_or_init ─► the right to make it ─ made ─► the value, for all who wait
//!       ▲                            │ cancelled, panics, fails
//!       └────── the next has it ◄────┘
//! ```

use std::cell::OnceCell;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::task::{Poll, ready};

use crate::sync::line::{Line, Place};
use crate::sync::permits::Permits;
use crate::sync::statistics::WaitStatistics;
use crate::task::waits::Thing;

/// A value that is made once, however many want it meanwhile; [`std::sync::OnceLock`] for tasks.
///
/// # Examples
///
/// ```
/// use bibelot::sync::OnceLock;
/// use bibelot::task::yield_now;
///
/// # bibelot::run(async {
/// let config = OnceLock::new();
/// let port = config.get_or_init(async || {
///     yield_now().await; // reads a file, say
///     8080
/// });
/// assert_eq!(*port.await, 8080);
/// assert_eq!(config.get(), Some(&8080));
/// # });
/// ```
pub struct OnceLock<T> {
    /// The value.
    value: OnceCell<T>,
    /// The right to make it, refused once it is there.
    right: Permits,
    /// Who waits until somebody makes it.
    line: Line,
}

impl<T> OnceLock<T> {
    /// Makes one without a value.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            value: OnceCell::new(),
            right: Permits::new(1, 1, Thing::OnceValue),
            line: Line::new(Thing::OnceValue),
        }
    }

    /// Returns the value, if it is there.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Returns the value, if it is there, for changing it.
    #[must_use]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Sets the value. Somebody may be about to make it: that one's is dropped then, and all have
    /// this one.
    ///
    /// # Errors
    ///
    /// Gives it back if there is one already.
    pub fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.right.lower_limit(0);
        self.line.grant_all();
        Ok(())
    }

    /// Returns the value; if there is none yet, waits until it is made: by `make`, or by whoever came
    /// before. A `make` that wants the same value waits for itself, for ever.
    ///
    /// # Cancel safety
    ///
    /// That of what `make` returns: nothing else is lost. If this is dropped while it makes the value,
    /// or if `make` panics, the next who waits makes it.
    #[track_caller]
    pub fn get_or_init<F: AsyncFnOnce() -> T>(&self, make: F) -> impl Future<Output = &T> {
        let made = self.get_or_try_init(async move || Ok::<T, Infallible>(make().await));
        async move {
            let Ok(value) = made.await;
            value
        }
    }

    /// Returns the value as [`get_or_init`](Self::get_or_init) does, with a `make` that may fail: then
    /// the next who waits tries.
    ///
    /// # Errors
    ///
    /// The future's output is the error of `make`.
    ///
    /// # Cancel safety
    ///
    /// As there.
    #[track_caller]
    pub fn get_or_try_init<E, F: AsyncFnOnce() -> Result<T, E>>(
        &self,
        make: F,
    ) -> impl Future<Output = Result<&T, E>> {
        let mut take = self.right.take(1);
        async move {
            // Who is refused is so because there is a value.
            if poll_fn(|cx| take.poll(cx)).await.is_ok() {
                let _right = Right(&self.right);
                if self.get().is_none() {
                    let value = make().await?;
                    // One that was set meanwhile is the value; this one is dropped.
                    drop(self.set(value));
                }
            }
            Ok(self.made())
        }
    }

    /// Waits until there is a value, and makes none.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = &T> {
        let mut place = Place::new(&self.line);
        poll_fn(move |cx| {
            ready!(place.poll(cx, (), |_| self.get().is_some()));
            place.leave();
            Poll::Ready(self.made())
        })
    }

    /// Returns how many wait for the value.
    #[must_use]
    pub fn statistics(&self) -> WaitStatistics {
        WaitStatistics {
            waiting: self.line.len() + self.right.waiting(),
        }
    }

    /// The value, which is there.
    fn made(&self) -> &T {
        self.get().expect("it was made or set")
    }

    /// Returns the value, if it is there.
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out, so that there is none again.
    pub fn take(&mut self) -> Option<T> {
        mem::take(self).into_inner()
    }
}

/// The right to make the value, given back when dropped; of no use once it is there.
struct Right<'a>(&'a Permits);

impl Drop for Right<'_> {
    fn drop(&mut self) {
        self.0.give(1);
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> Self {
        let lock = Self::new();
        drop(lock.set(value));
        lock
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> Self {
        self.get().cloned().map_or_else(Self::new, Self::from)
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => debug.field(value),
            None => debug.field(&format_args!("<uninit>")),
        };
        debug.finish()
    }
}
