//! [`Outcome`]: a value that comes once, for all who wait for it.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use crate::place::placed;
use crate::sync::statistics::WaitStatistics;
use crate::sync::universal::Event;
use crate::task::waits::Thing;

/// A value that is set once and seen by all tasks and threads that wait for it; curio's
/// `UniversalResult`, and std's [`OnceLock`] with a wait that can be awaited.
///
/// Something that can fail has a `Result` as its value.
///
/// # Examples
///
/// ```
/// use bibelot::sync::universal::Outcome;
///
/// static PORT: Outcome<u16> = Outcome::new();
///
/// let thread = std::thread::spawn(|| PORT.set(8080));
/// assert_eq!(bibelot::run(PORT.wait()), &8080);
/// assert_eq!(PORT.wait_blocking(), &8080);
/// assert_eq!(thread.join().unwrap(), Ok(()));
/// assert_eq!(PORT.set(80), Err(80));
/// ```
pub struct Outcome<T> {
    /// The value.
    value: OnceLock<T>,
    /// Set when it is there.
    is_there: Event,
}

impl<T> Outcome<T> {
    /// Makes one without a value.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            value: OnceLock::new(),
            is_there: Event::new(),
        }
    }

    /// Sets the value, and releases all who wait for it.
    ///
    /// # Errors
    ///
    /// Returns the value if there was one before, which stands.
    pub fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.is_there.set();
        Ok(())
    }

    /// Returns the value, if it is there.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Returns the value, if it is there, of one that is not shared any more.
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Waits until the value is there.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = &T> {
        placed(async {
            self.is_there.wait_for(Thing::Outcome).await;
            self.there()
        })
    }

    /// Blocks this thread until the value is there.
    ///
    /// # Panics
    ///
    /// Panics on a thread that runs an executor: use [`wait`](Self::wait) there.
    #[track_caller]
    pub fn wait_blocking(&self) -> &T {
        self.is_there.wait_blocking();
        self.there()
    }

    /// Blocks this thread until the value is there, but no longer than `limit`.
    ///
    /// # Panics
    ///
    /// Panics on a thread that runs an executor.
    #[track_caller]
    pub fn wait_timeout(&self, limit: Duration) -> Option<&T> {
        self.is_there.wait_timeout(limit).then(|| self.there())
    }

    /// Returns how many wait, tasks and threads.
    #[must_use]
    pub fn statistics(&self) -> WaitStatistics {
        self.is_there.statistics()
    }

    /// The value that was waited for.
    fn there(&self) -> &T {
        self.get().expect("it is set before the event is")
    }
}

impl<T> Default for Outcome<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outcome").field(&self.get()).finish()
    }
}
