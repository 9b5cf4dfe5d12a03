//! The lock that each item of a universal queue passes: it is let go with a plain store.
//!
//! ```text
//!   lock ─► free? ─ yes ─► has it ─► lets it go: a store, and no look at who waits
//!            │ no
//!            ▼
//!   waits a while, and looks again: first a few pauses, then yields, then a nap, then anew
//! ```
//!
//! A lock whose waiters sleep until they are told has to see, as it is let go, whether there are any.
//! That takes a second read-modify-write, and each of them waits for all stores before it: the two are
//! four fifths of what it costs to put an item, or to get one. Here who waits comes back by himself.
//!
//! It is for what is held for a few instructions, with no user code inside; then the pauses nearly
//! always do. If not, the holder has lost its processor. The yields give it ours, where both have the
//! same one. The nap is for all else, as a holder that may not run before us: so nobody who waits
//! keeps the one from running for whom he waits.
//!
//! It is unfair, as most locks. Who has to wait long stands in a line that it guards (`counted.rs`),
//! and that is fair.
//!
//! Why not all our own: a flag and a cell take `unsafe`, and the crate spin has them. Why not spin's
//! `lock`: its waiters never nap. Read next: `sync/universal/store.rs`, which has two of these.

use std::hint;
use std::thread;
use std::time::Duration;

use spin::mutex::SpinMutex;
pub(crate) use spin::mutex::SpinMutexGuard as LeanMutexGuard;

/// How many looks are followed by pauses, each twice as long as the one before.
const PAUSES: u32 = 6;
/// How many looks come before the nap.
const NAP_AFTER: u32 = 16;
/// How long that is: no longer than it takes to be woken.
const NAP: Duration = Duration::from_micros(50);

/// A lock that cannot be poisoned.
#[derive(Debug)]
pub(crate) struct LeanMutex<T>(SpinMutex<T>);

impl<T> LeanMutex<T> {
    /// A lock around `value`.
    pub(crate) const fn new(value: T) -> Self {
        Self(SpinMutex::new(value))
    }

    /// Locks.
    #[inline]
    pub(crate) fn lock(&self) -> LeanMutexGuard<'_, T> {
        match self.0.try_lock() {
            Some(guard) => guard,
            None => self.lock_when_free(),
        }
    }

    /// Looks again and again.
    #[cold]
    fn lock_when_free(&self) -> LeanMutexGuard<'_, T> {
        let mut looks = 0;
        loop {
            wait_a_while(looks);
            looks = (looks + 1) % (NAP_AFTER + 1);
            // The load keeps the line with the holder until there is something to be had.
            if !self.0.is_locked()
                && let Some(guard) = self.0.try_lock()
            {
                return guard;
            }
        }
    }
}

/// Lets the holder go on, after so many looks in vain.
#[expect(
    clippy::disallowed_methods,
    reason = "a yield does not help a holder of a lower priority"
)]
fn wait_a_while(looks: u32) {
    if looks < PAUSES {
        (0..1 << looks).for_each(|_| hint::spin_loop());
    } else if looks < NAP_AFTER {
        thread::yield_now();
    } else {
        thread::sleep(NAP);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn one_at_a_time_has_it() {
        let count = LeanMutex::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        let mut count = count.lock();
                        let had = *count;
                        hint::spin_loop();
                        *count = had + 1;
                    }
                });
            }
        });
        assert_eq!(*count.lock(), 40_000);
    }

    #[test]
    fn who_waits_longer_than_pauses_and_yields_has_it_in_the_end() {
        let word = LeanMutex::new("held");
        let (here, arrived) = mpsc::channel();
        thread::scope(|scope| {
            let mut guard = word.lock();
            let waiter = scope.spawn(|| {
                here.send(()).unwrap();
                *word.lock()
            });
            arrived.recv().unwrap();
            for _ in 0..10_000 {
                thread::yield_now();
            }
            *guard = "free";
            drop(guard);
            assert_eq!(waiter.join().unwrap(), "free");
        });
    }

    #[test]
    fn a_panic_lets_it_go() {
        let lock = LeanMutex::new(1);
        let panicked = thread::scope(|scope| {
            let holder = scope.spawn(|| {
                let _guard = lock.lock();
                panic!("while it is held");
            });
            holder.join().is_err()
        });
        assert!(panicked);
        assert_eq!(*lock.lock(), 1);
    }
}
