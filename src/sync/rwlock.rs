//! [`RwLock`]: a value that many tasks may read, or one may change, across their awaits.
//!
//! ```text
//!   read:   one permit of them all      [ r r r ● ● ● ● ● … ]
//!   write:  all of them                 [ w w w w w w w w … ]
//! ```
//!
//! It is a semaphore of more permits than there will ever be readers, and a `RefCell` that is borrowed
//! by whoever holds some. All that is promised is the semaphore's: a writer wants more than is free,
//! so those who come behind it wait; once it is done, all readers up to the next writer are granted
//! together.

use std::cell::{Ref, RefCell, RefMut};
use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;

use crate::sync::mutex::TryLockError;
use crate::sync::semaphore::{Permit, Semaphore};
use crate::sync::statistics::RwLockStatistics;
use crate::task::waits::Thing;

/// All permits: as many readers as a `RefCell` can count.
const ALL: usize = isize::MAX as usize;

/// A value that many tasks may read or one may change, however often they wait meanwhile;
/// [`std::sync::RwLock`] for tasks.
///
/// Who waits is served in the order of coming: a writer that waits holds up the readers behind it,
/// and readers that wait behind a writer have their turn together. So neither side is starved. Who
/// holds a read guard and asks for another may therefore wait for itself, behind a writer; so it is
/// with std's.
///
/// There is no poisoning, as with [`Mutex`](crate::sync::Mutex); and there as well is said when a
/// `RefCell` does.
///
/// # Examples
///
/// ```
/// use bibelot::sync::RwLock;
///
/// # bibelot::run(async {
/// let lock = RwLock::new(5);
/// {
///     let one = lock.read().await;
///     let other = lock.read().await;
///     assert_eq!(*one + *other, 10);
/// }
/// *lock.write().await += 1;
/// assert_eq!(lock.into_inner(), 6);
/// # });
/// ```
pub struct RwLock<T: ?Sized> {
    /// The right to read or change it.
    semaphore: Semaphore,
    /// The value.
    value: RefCell<T>,
}

impl<T> RwLock<T> {
    /// Makes an unlocked lock around `value`.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self {
            semaphore: Semaphore::of(ALL, Thing::RwLock),
            value: RefCell::new(value),
        }
    }

    /// Returns the value.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until nobody changes the value and nobody who came before waits to, and locks it for
    /// reading.
    ///
    /// # Cancel safety
    ///
    /// The place in line is lost, and nothing else.
    #[track_caller]
    pub fn read(&self) -> impl Future<Output = RwLockReadGuard<'_, T>> {
        let mut acquire = self.semaphore.acquire();
        poll_fn(move |cx| {
            let acquired = Pin::new(&mut acquire).poll(cx);
            acquired.map(|permit| self.reader(permit))
        })
    }

    /// Waits until nobody uses the value, and locks it for changing it.
    ///
    /// # Cancel safety
    ///
    /// The place in line is lost, and nothing else: if the lock was granted meanwhile it goes to the
    /// next in line, and so it does to readers whom this has held up.
    #[track_caller]
    pub fn write(&self) -> impl Future<Output = RwLockWriteGuard<'_, T>> {
        let mut acquire = self.semaphore.acquire_many(ALL);
        poll_fn(move |cx| {
            let acquired = Pin::new(&mut acquire).poll(cx);
            acquired.map(|permit| self.writer(permit))
        })
    }

    /// Locks for reading if nobody changes the value or waits to.
    ///
    /// # Errors
    ///
    /// Returns [`TryLockError::WouldBlock`] if somebody does.
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        match self.semaphore.try_acquire() {
            Ok(permit) => Ok(self.reader(permit)),
            Err(_) => Err(TryLockError::WouldBlock),
        }
    }

    /// Locks for changing if nobody uses the value.
    ///
    /// # Errors
    ///
    /// Returns [`TryLockError::WouldBlock`] if somebody does.
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        match self.semaphore.try_acquire_many(ALL) {
            Ok(permit) => Ok(self.writer(permit)),
            Err(_) => Err(TryLockError::WouldBlock),
        }
    }

    /// Returns the value without locking: with a `&mut` there is nobody else.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Returns how many use it, and how many wait.
    #[must_use]
    pub fn statistics(&self) -> RwLockStatistics {
        let held = ALL - self.semaphore.available_permits();
        let has_writer = held == ALL;
        RwLockStatistics {
            readers: if has_writer { 0 } else { held },
            has_writer,
            waiting: self.semaphore.waiting(),
        }
    }

    /// The guard of who has one permit.
    fn reader<'a>(&'a self, permit: Permit<'a>) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard {
            value: self.value.borrow(),
            _permit: permit,
        }
    }

    /// The guard of who has all.
    fn writer<'a>(&'a self, permit: Permit<'a>) -> RwLockWriteGuard<'a, T> {
        RwLockWriteGuard {
            value: self.value.borrow_mut(),
            permit,
            lock: self,
        }
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RwLock");
        // Looks, and stands in nobody's way: who waits to write does not use it yet.
        match self.value.try_borrow() {
            Ok(value) => debug.field("data", &&*value),
            Err(_) => debug.field("data", &format_args!("<locked>")),
        };
        debug.field("waiting", &self.semaphore.waiting()).finish()
    }
}

/// The right to read an [`RwLock`]'s value, given back when dropped.
#[must_use = "a guard that is not held unlocks at once"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    /// The value; let go before the permit is, since whoever gets that may come at once.
    value: Ref<'a, T>,
    /// The right to it.
    _permit: Permit<'a>,
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The right to change an [`RwLock`]'s value, given back when dropped.
#[must_use = "a guard that is not held unlocks at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    /// The value; let go before the permits are.
    value: RefMut<'a, T>,
    /// The right to it.
    permit: Permit<'a>,
    /// Whose.
    lock: &'a RwLock<T>,
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Makes a read guard of it; nobody changes the value in between. Readers that are first in line
    /// have it then too.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::sync::{RwLock, RwLockWriteGuard};
    ///
    /// # bibelot::run(async {
    /// let lock = RwLock::new(1);
    /// let mut writer = lock.write().await;
    /// *writer += 1;
    /// let reader = RwLockWriteGuard::downgrade(writer);
    /// assert_eq!((*reader, *lock.read().await), (2, 2));
    /// # });
    /// ```
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        let Self {
            value,
            mut permit,
            lock,
        } = guard;
        drop(value);
        let value = lock.value.borrow();
        permit.keep(1);
        RwLockReadGuard {
            value,
            _permit: permit,
        }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
