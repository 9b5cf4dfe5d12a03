//! [`Mutex`]: a value that one task at a time may use, across its awaits.
//!
//! ```text
//!   lock() ─► Permits: one, or in line, first come, first served ─► Locked ─┐
//!                                                                           ├─► MutexGuard
//!             RefCell<T> ───────────────────── borrow_mut ───────► RefMut ──┘
//!   guard dropped: the RefMut ends, then the permit goes to the next in line
//! ```
//!
//! It is one permit, and a `RefCell` that is borrowed by whoever holds that. The law: *who borrows the
//! cell holds the permit*. So the cell never finds itself borrowed, and needs no `unsafe`; and so the
//! guard's fields are dropped in that order. Who comes next is the business of `sync/permits.rs`:
//! nobody barges, and a wait that is dropped passes its permit on.
//!
//! Why is there no poisoning? A thread that ends with the lock held has panicked, and that is a defect.
//! A task has most often been cancelled, at an await that its author can see.
//!
//! Read next: `sync/permits.rs`, `sync/condvar.rs`.

use std::cell::{RefCell, RefMut};
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};

use crate::sync::permits::Permits;
use crate::sync::statistics::MutexStatistics;
use crate::task::waits::Thing;

/// A value that one task at a time may use, however often it waits meanwhile; [`std::sync::Mutex`]
/// for tasks.
///
/// Between two awaits nobody else runs: for a value that is not held across one, a `Cell` or
/// `RefCell` does.
///
/// There is no poisoning, so [`lock`](Self::lock) gives the guard and not a `LockResult`. A task that
/// panics or is cancelled while it holds the guard unlocks, and the next finds the value as it was
/// left. A task that locks what it has locked waits for itself, for ever; a simulation
/// ([`Sim`](crate::testing::Sim)) says where.
///
/// # Examples
///
/// ```
/// use bibelot::sync::Mutex;
/// use bibelot::thread;
/// use std::rc::Rc;
///
/// # bibelot::run(async {
/// let log = Rc::new(Mutex::new(Vec::new()));
/// let tasks = ["first", "second"].map(|name| {
///     let log = Rc::clone(&log);
///     thread::spawn(async move {
///         let mut log = log.lock().await;
///         log.push(format!("{name} begins"));
///         thread::yield_now().await;
///         log.push(format!("{name} ends"));
///     })
/// });
/// for task in tasks {
///     task.join().await.unwrap();
/// }
/// let log = log.lock().await;
/// assert_eq!(*log, ["first begins", "first ends", "second begins", "second ends"]);
/// # });
/// ```
pub struct Mutex<T: ?Sized> {
    /// The right to use it.
    permit: Permits,
    /// The value.
    value: RefCell<T>,
}

impl<T> Mutex<T> {
    /// Makes an unlocked mutex around `value`.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self {
            permit: Permits::new(1, 1, Thing::Mutex),
            value: RefCell::new(value),
        }
    }

    /// Returns the value.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until nobody holds the mutex, and locks it; who waits is served in the order in which
    /// they came.
    ///
    /// Unlocking hands over: with somebody waiting the mutex is never unlocked in between, so nobody
    /// else can take it then.
    ///
    /// # Cancel safety
    ///
    /// The place in line is lost, and nothing else: if the lock was granted meanwhile it goes to the
    /// next in line.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::sync::Mutex;
    ///
    /// # bibelot::run(async {
    /// let mutex = Mutex::new(1);
    /// *mutex.lock().await += 1;
    /// assert_eq!(mutex.into_inner(), 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        let mut take = self.permit.take(1);
        // One of one is never refused.
        poll_fn(move |cx| take.poll(cx).map(|_| self.guard()))
    }

    /// Locks the mutex if nobody holds it.
    ///
    /// # Errors
    ///
    /// Returns [`TryLockError::WouldBlock`] if somebody does. The type has std's name and shape, less
    /// the poisoning, so `if let Ok(guard)` and `Err(TryLockError::WouldBlock)` port as they are.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::sync::{Mutex, TryLockError};
    ///
    /// let mutex = Mutex::new(1);
    /// let guard = mutex.try_lock()?;
    /// assert_eq!(mutex.try_lock().unwrap_err(), TryLockError::WouldBlock);
    /// # drop(guard);
    /// # Ok::<(), TryLockError>(())
    /// ```
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        if self.permit.try_take(1) {
            Ok(self.guard())
        } else {
            Err(TryLockError::WouldBlock)
        }
    }

    /// Returns the value without locking: with a `&mut` there is nobody else.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Returns whether it is locked, and how many wait.
    #[must_use]
    pub fn statistics(&self) -> MutexStatistics {
        MutexStatistics {
            is_locked: self.permit.free() == 0,
            waiting: self.permit.waiting(),
        }
    }

    /// The guard of who has the permit.
    fn guard(&self) -> MutexGuard<'_, T> {
        MutexGuard {
            value: self.value.borrow_mut(),
            locked: Locked(self),
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => debug.field("data", &&*guard),
            Err(TryLockError::WouldBlock) => debug.field("data", &format_args!("<locked>")),
        };
        debug.field("waiting", &self.permit.waiting()).finish()
    }
}

/// The right to use a [`Mutex`]'s value, which is unlocked when this is dropped.
#[must_use = "a guard that is not held unlocks at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    /// The value; let go before the permit is, since whoever gets that may come at once.
    value: RefMut<'a, T>,
    /// The right to it.
    locked: Locked<'a, T>,
}

/// The permit of a mutex, which is given back when this is dropped.
struct Locked<'a, T: ?Sized>(&'a Mutex<T>);

impl<T: ?Sized> Drop for Locked<'_, T> {
    fn drop(&mut self) {
        self.0.permit.give(1);
    }
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The mutex that it locks.
    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.locked.0
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The error of [`Mutex::try_lock`] and of [`RwLock`](crate::sync::RwLock)'s, as
/// [`std::sync::TryLockError`] without poisoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryLockError {
    /// Somebody holds it.
    WouldBlock,
}

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock is held by somebody")
    }
}

impl Error for TryLockError {}
