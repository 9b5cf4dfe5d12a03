//! Atomics and locks: std's, or loom's when a model is checked.
//!
//! What threads share (the inbox) is written against these names, so that `inbox/models.rs` can
//! try every interleaving of the very code that ships.
//!
//! Why not parking_lot's lock here: these are held for a few instructions and hardly ever contended, so
//! all that it would add is six kilobytes to every program, which has std's in it anyhow. A public
//! handle that nobody pays for who does not ask for one has parking_lot's (`task/handle.rs`).

#[cfg(not(all(test, loom)))]
pub(crate) use real::Mutex;
#[cfg(not(all(test, loom)))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

#[cfg(all(test, loom))]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
#[cfg(all(test, loom))]
pub(crate) use modelled::{Mutex, SegQueue};

#[cfg(not(all(test, loom)))]
pub(crate) use crossbeam_queue::SegQueue;

/// std's lock under parking_lot's face; also for what no model looks into.
pub(crate) mod real {
    use std::sync::{MutexGuard, PoisonError};

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
}

/// Loom's lock under parking_lot's face, and a queue that loom can see into.
#[cfg(all(test, loom))]
mod modelled {
    use std::collections::VecDeque;

    /// A lock that cannot be poisoned.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// A lock around `value`.
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        /// Locks.
        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("no model panics under a lock")
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
