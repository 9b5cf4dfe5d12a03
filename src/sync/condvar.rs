//! [`Condvar`]: the wait for a change of what a `Mutex` guards.
//!
//! ```text
//!   holds the lock ─ wait(guard) ─► in line, and unlocked ─ notify ─► notified ─ locks ─► has it again
//!                                          │ dropped                     │ dropped
//!                                          ▼ leaves the line             ▼ the next is notified
//! ```
//!
//! A notification is for one who comes back with the lock. So one that was given to a wait which is
//! dropped before that, even while it waits for the lock, is given to the next in line. Only if all
//! were notified meanwhile it is not: then nobody is left whom it would be for, and newcomers would
//! be woken for nothing.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::task::{Poll, ready};
use std::time::Duration;

use crate::place::placed;
use crate::sync::line::{Line, Place, Standing};
use crate::sync::mutex::MutexGuard;
use crate::sync::statistics::WaitStatistics;
use crate::task::waits::Thing;
use crate::time::{Instant, timeout_at};

/// Lets tasks that hold a lock wait, unlocked, for somebody to change what it guards;
/// [`std::sync::Condvar`] for tasks.
///
/// Notifications go to those who wait, in the order in which they came, and are not kept for who
/// comes later. Unlike std's, no wait ends without a notification. But what is waited for may be gone
/// again when the lock is had again, so [`wait_while`](Self::wait_while) looks, and
/// [`wait`](Self::wait) belongs in a loop.
///
/// # Cancel safety
///
/// That of all its waits: a wait that is dropped comes back without the lock, since the guard was
/// given to it. If it was notified, the notification goes to the next who waits.
///
/// # Examples
///
/// ```
/// use bibelot::sync::{Condvar, Mutex};
/// use std::rc::Rc;
///
/// # bibelot::run(async {
/// let pair = Rc::new((Mutex::new(false), Condvar::new()));
/// bibelot::spawn({
///     let pair = Rc::clone(&pair);
///     async move {
///         let (lock, condvar) = &*pair;
///         *lock.lock().await = true;
///         condvar.notify_one();
///     }
/// });
/// let (lock, condvar) = &*pair;
/// let guard = lock.lock().await;
/// let is_ready = condvar.wait_while(guard, |is_ready| !*is_ready).await;
/// assert!(*is_ready);
/// # });
/// ```
pub struct Condvar {
    /// Who waits for a notification.
    line: Line,
    /// How often all were notified.
    rounds: Cell<u64>,
}

impl Condvar {
    /// Makes a condition variable for which nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            line: Line::new(Thing::Notification),
            rounds: Cell::new(0),
        }
    }

    /// Unlocks, waits until it is notified, and locks again. It unlocks when it is first polled; no
    /// notification that comes from then on is missed.
    #[track_caller]
    pub fn wait<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> impl Future<Output = MutexGuard<'a, T>> {
        let mutex = guard.mutex();
        let notified = self.notified(guard);
        placed(async move {
            let notification = notified.await;
            let guard = mutex.lock().await;
            notification.use_up();
            guard
        })
    }

    /// Waits as long as the `condition` holds, and comes back with the lock; does not unlock if it
    /// does not hold at once.
    #[track_caller]
    pub fn wait_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> impl Future<Output = MutexGuard<'a, T>> {
        placed(async move {
            while condition(&mut *guard) {
                guard = self.wait(guard).await;
            }
            guard
        })
    }

    /// Waits as [`wait`](Self::wait) does, but for a notification no longer than `duration`, counted
    /// from the call. Comes back with the lock in any case, for which it waits as long as that takes.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if no executor is running on this thread.
    #[track_caller]
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        duration: Duration,
    ) -> impl Future<Output = (MutexGuard<'a, T>, WaitTimeoutResult)> {
        self.wait_until(guard, Instant::now().saturating_add(duration))
    }

    /// Waits as [`wait_while`](Self::wait_while) does, but no longer than `duration`, counted from the
    /// call. Comes back with the lock in any case, and says whether the condition still held when the
    /// time was up.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if no executor is running on this thread.
    #[track_caller]
    pub fn wait_timeout_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        duration: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> impl Future<Output = (MutexGuard<'a, T>, WaitTimeoutResult)> {
        let deadline = Instant::now().saturating_add(duration);
        placed(async move {
            let mut outcome = WaitTimeoutResult(false);
            // Once more after the time is up: late but true is no timeout.
            while condition(&mut *guard) {
                if outcome.timed_out() {
                    return (guard, outcome);
                }
                (guard, outcome) = self.wait_until(guard, deadline).await;
            }
            (guard, WaitTimeoutResult(false))
        })
    }

    /// Notifies the one who has waited longest; it goes on when it has the lock. Does nothing if
    /// nobody waits. The lock need not be held.
    pub fn notify_one(&self) {
        self.line.grant_first(|_, ()| true);
    }

    /// Notifies all who wait now; they go on one by one, as they get the lock.
    pub fn notify_all(&self) {
        self.rounds.set(self.rounds.get() + 1);
        self.line.grant_all();
    }

    /// Returns how many wait.
    #[must_use]
    pub fn statistics(&self) -> WaitStatistics {
        WaitStatistics {
            waiting: self.line.len(),
        }
    }

    /// Waits until notified or until the deadline.
    #[track_caller]
    fn wait_until<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Instant,
    ) -> impl Future<Output = (MutexGuard<'a, T>, WaitTimeoutResult)> {
        let mutex = guard.mutex();
        let notified = timeout_at(deadline, self.notified(guard));
        placed(async move {
            let in_time = notified.await;
            let guard = mutex.lock().await;
            let timed_out = in_time.is_err();
            if let Ok(notification) = in_time {
                notification.use_up();
            }
            (guard, WaitTimeoutResult(timed_out))
        })
    }

    /// Joins the line, then unlocks, and waits for a notification.
    #[track_caller]
    fn notified<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> impl Future<Output = Notification<'_>> {
        let mut waits = Waits {
            condvar: self,
            place: Place::new(&self.line),
            round: 0,
        };
        let mut guard = Some(guard);
        poll_fn(move |cx| {
            if guard.is_some() {
                waits.round = self.rounds.get();
            }
            let polled = waits.place.poll(cx, (), |_| false);
            drop(guard.take());
            ready!(polled);
            waits.place.leave();
            Poll::Ready(waits.notification())
        })
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar")
            .field("waiting", &self.line.len())
            .finish()
    }
}

/// A place in line, whose grant is a notification.
struct Waits<'a> {
    /// Whose.
    condvar: &'a Condvar,
    /// The place.
    place: Place<'a>,
    /// The round in which it was taken.
    round: u64,
}

impl<'a> Waits<'a> {
    /// The notification that it was granted.
    fn notification(&self) -> Notification<'a> {
        Notification {
            condvar: self.condvar,
            round: self.round,
        }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if self.place.leave() == Standing::Granted {
            drop(self.notification());
        }
    }
}

/// A notification; goes to the next in line when it is dropped, unless all were notified since its
/// owner came.
struct Notification<'a> {
    /// Whose.
    condvar: &'a Condvar,
    /// The round in which its owner came.
    round: u64,
}

impl Notification<'_> {
    /// Its owner goes on with the lock.
    fn use_up(self) {
        mem::forget(self);
    }
}

impl Drop for Notification<'_> {
    fn drop(&mut self) {
        if self.round == self.condvar.rounds.get() {
            self.condvar.notify_one();
        }
    }
}

/// Whether a wait ended because its time was up; as [`std::sync::WaitTimeoutResult`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Returns whether the time was up.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}
