//! [`Event`]: a flag that tasks and threads wait for.

use std::fmt;
use std::time::Duration;

use crate::block;
use crate::primitive::{Mutex, MutexGuard};
use crate::sync::statistics::WaitStatistics;
use crate::sync::universal::wait::{Flag, Wait};
use crate::task::waits::Thing;
use crate::wait_queue::WaitQueue;
use crate::waker;

/// A flag that is set and cleared, and that tasks and threads can wait for:
/// [`sync::Event`](crate::sync::Event), shared with threads.
///
/// # Examples
///
/// ```
/// use bibelot::sync::universal::Event;
///
/// static IS_UP: Event = Event::new();
///
/// let thread = std::thread::spawn(|| IS_UP.set());
/// bibelot::run(IS_UP.wait());
/// IS_UP.wait_blocking();
/// thread.join().unwrap();
/// ```
pub struct Event {
    /// What all share.
    state: Mutex<State>,
}

/// What is behind the lock.
struct State {
    /// The flag.
    is_set: bool,
    /// Who waits for it.
    line: WaitQueue,
}

impl Event {
    /// Makes an event that is not set.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                is_set: false,
                line: WaitQueue::new(),
            }),
        }
    }

    /// What is behind the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Sets the event and releases all who wait for it, in the order in which they came.
    ///
    /// They go on also if the event is cleared before they come to it. If it is set already nothing
    /// happens.
    pub fn set(&self) {
        let mut state = self.lock();
        if state.is_set {
            return;
        }
        state.is_set = true;
        let wakers = state.line.grant_all();
        drop(state);
        wakers.into_iter().for_each(waker::wake_kept);
    }

    /// Clears the event: who waits from now on waits until it is set again.
    pub fn clear(&self) {
        self.lock().is_set = false;
    }

    /// Returns whether the event is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.lock().is_set
    }

    /// Waits until the event is set; returns at once if it is.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = ()> + Send {
        self.wait_for(Thing::Event)
    }

    /// Waits until the event is set, which tells of something else.
    #[track_caller]
    pub(super) fn wait_for(&self, thing: Thing) -> impl Future<Output = ()> + Send {
        Wait::new(self, thing)
    }

    /// Blocks this thread until the event is set.
    ///
    /// # Panics
    ///
    /// Panics on a thread that runs an executor: use [`wait`](Self::wait) there.
    #[track_caller]
    pub fn wait_blocking(&self) {
        block::block_on(self.wait(), None);
    }

    /// Blocks this thread until the event is set, but no longer than `limit`. Returns whether it was
    /// set.
    ///
    /// # Panics
    ///
    /// Panics on a thread that runs an executor.
    #[track_caller]
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        block::block_on(self.wait(), Some(limit)).is_some()
    }

    /// Returns how many wait, tasks and threads.
    #[must_use]
    pub fn statistics(&self) -> WaitStatistics {
        WaitStatistics {
            waiting: self.lock().line.len(),
        }
    }
}

impl Flag for Event {
    fn look<R>(&self, f: impl FnOnce(bool, &mut WaitQueue) -> R) -> R {
        let mut state = self.lock();
        f(state.is_set, &mut state.line)
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Event")
            .field("is_set", &state.is_set)
            .field("waiting", &state.line.len())
            .finish()
    }
}
