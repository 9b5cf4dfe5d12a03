//! Atomics and locks: std's, or loom's when a model is checked.
//!
//! What threads share (the inbox, the pool, an answer) is written against these names, so that
//! the models (`inbox/models.rs`, `worker/models.rs`, `sync/universal/models.rs`) can try every
//! interleaving of the very code that ships.
//!
//! Why not parking_lot's lock everywhere: most are held for a few instructions and hardly ever
//! contended, so all that it would add is six kilobytes to every program, which has std's in it anyhow.
//! A public handle (`task/handle.rs`) has it, since nobody pays for that who does not ask for it. And
//! where a lock is most of the work, in the universal queue, there is one for that alone
//! (`primitive/lean.rs`).

#[cfg(all(feature = "sync", not(all(test, loom))))]
mod lean;

#[cfg(all(feature = "sync", not(all(test, loom))))]
pub(crate) use lean::{LeanMutex, LeanMutexGuard};
#[cfg(all(feature = "sync", not(all(test, loom))))]
pub(crate) use real::Condvar;
#[cfg(not(all(test, loom)))]
pub(crate) use real::Mutex;
#[cfg(all(feature = "sync", not(all(test, loom))))]
pub(crate) use std::sync::MutexGuard;
#[cfg(not(all(test, loom)))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

#[cfg(all(feature = "sync", test, loom))]
pub(crate) use loom::sync::MutexGuard;
#[cfg(all(feature = "sync", test, loom))]
pub(crate) use loom::sync::MutexGuard as LeanMutexGuard;
#[cfg(all(test, loom))]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
#[cfg(all(feature = "sync", test, loom))]
pub(crate) use modelled::Mutex as LeanMutex;
#[cfg(all(test, loom))]
pub(crate) use modelled::{Condvar, Mutex, SegQueue};

#[cfg(not(all(test, loom)))]
pub(crate) use crossbeam_queue::SegQueue;

/// std's lock under parking_lot's face; also for what no model looks into.
pub(crate) mod real {
    use std::sync::{MutexGuard, PoisonError};
    #[cfg(feature = "sync")]
    use std::time::Duration;

    /// A lock that cannot be poisoned.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// A lock around `value`.
        pub(crate) const fn new(value: T) -> Self {
            Self(std::sync::Mutex::new(value))
        }

        /// Locks.
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// std's condition variable, with one way to wait.
    #[cfg(feature = "sync")]
    #[derive(Debug, Default)]
    pub(crate) struct Condvar(std::sync::Condvar);

    #[cfg(feature = "sync")]
    impl Condvar {
        /// Lets the lock go until it is notified, or `limit` is over, or for no reason.
        pub(crate) fn wait<'a, T>(
            &self,
            _lock: &'a Mutex<T>,
            guard: MutexGuard<'a, T>,
            limit: Option<Duration>,
        ) -> MutexGuard<'a, T> {
            let Some(limit) = limit else {
                let guard = self.0.wait(guard);
                return guard.unwrap_or_else(PoisonError::into_inner);
            };
            let waited = self.0.wait_timeout(guard, limit);
            waited.unwrap_or_else(PoisonError::into_inner).0
        }

        /// Wakes one who waits.
        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }
    }
}

/// Loom's lock under parking_lot's face, and a queue that loom can see into.
#[cfg(all(test, loom))]
mod modelled {
    use std::collections::VecDeque;
    use std::sync::OnceLock;
    use std::time::Duration;

    use loom::sync::MutexGuard;

    use super::real;

    /// A lock that cannot be poisoned. Loom makes none in a `const fn`, as what lies in a `static` is
    /// made; so it is made when it is first taken. All threads of a model are one of std's, and none
    /// is switched in between.
    #[derive(Debug)]
    pub(crate) struct Mutex<T> {
        /// What it guards, until it is made.
        value: real::Mutex<Option<T>>,
        /// Loom's.
        made: OnceLock<loom::sync::Mutex<T>>,
    }

    impl<T> Mutex<T> {
        /// A lock around `value`.
        pub(crate) const fn new(value: T) -> Self {
            Self {
                value: real::Mutex::new(Some(value)),
                made: OnceLock::new(),
            }
        }

        /// Locks.
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            let made = self.made.get_or_init(|| {
                let value = self.value.lock().take();
                loom::sync::Mutex::new(value.expect("it is made once"))
            });
            made.lock().expect("no model panics under a lock")
        }
    }

    /// Loom's condition variable. Every limit is over as soon as another thread has had a turn: so a
    /// model has all that can come between the end of such a wait and the lock that is taken then.
    #[derive(Debug)]
    pub(crate) struct Condvar(loom::sync::Condvar);

    impl Default for Condvar {
        fn default() -> Self {
            Self(loom::sync::Condvar::new())
        }
    }

    impl Condvar {
        /// Lets the lock go until it is notified, or `limit` is over.
        pub(crate) fn wait<'a, T>(
            &self,
            lock: &'a Mutex<T>,
            guard: MutexGuard<'a, T>,
            limit: Option<Duration>,
        ) -> MutexGuard<'a, T> {
            if limit.is_none() {
                let guard = self.0.wait(guard);
                return guard.expect("no model panics under a lock");
            }
            drop(guard);
            loom::thread::yield_now();
            lock.lock()
        }

        /// Wakes one who waits.
        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }
    }

    /// A queue of any length, behind a lock.
    #[derive(Debug)]
    pub(crate) struct SegQueue<T>(Mutex<VecDeque<T>>);

    impl<T> SegQueue<T> {
        /// An empty queue.
        pub(crate) fn new() -> Self {
            Self(Mutex::new(VecDeque::new()))
        }

        /// Adds at the end.
        pub(crate) fn push(&self, value: T) {
            self.0.lock().push_back(value);
        }

        /// Takes from the front.
        pub(crate) fn pop(&self) -> Option<T> {
            self.0.lock().pop_front()
        }

        /// How many there are.
        pub(crate) fn len(&self) -> usize {
            self.0.lock().len()
        }

        /// Whether there is nothing in it.
        pub(crate) fn is_empty(&self) -> bool {
            self.0.lock().is_empty()
        }
    }
}
