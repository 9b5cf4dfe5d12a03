//! How a thread sleeps until another one wakes it: one that blocks (`block.rs`), or has nothing to do
//! (`worker/pool.rs`).
//!
//! ```text
//!   awake ── look, for a while ──► asleep ── woken ──► awake
//!              └ woken meanwhile: no system call, on either side
//! ```
//!
//! To be told in its sleep takes longer than most of what is waited for. So the thread looks for a while
//! before it sleeps, about as long as the sleep itself would cost; then it never waits for more than twice
//! the time that was needed (Karlin and others, *Empirical studies of competitive spinning*, 1991). But
//! where both sides share one processor each look keeps the other side from what is looked for. So a look in
//! vain makes looks rarer, and one that sees the wake makes them frequent again.
//!
//! Why not `thread::park`: its one token is shared with the program, which may park in the destructors of
//! what is waited for.

use std::cell::Cell;
use std::hint;
use std::sync::Arc;
use std::task::Wake;
use std::time::Duration;

use crate::clock::{self, Instant};
use crate::primitive::{AtomicUsize, Condvar, Mutex, Ordering};

/// The place where one thread sleeps.
pub(crate) struct Sleeper {
    /// One of the three below.
    state: AtomicUsize,
    /// Held from the moment at which it says that it is asleep until it is.
    falling_asleep: Mutex<()>,
    /// What ends its sleep.
    woken: Condvar,
}

/// It is awake, and was not woken since it last slept.
const AWAKE: usize = 0;
/// It is asleep: who wakes it has to tell it.
const ASLEEP: usize = 1;
/// It was woken: the next sleep ends at once.
const WOKEN: usize = 2;

/// How long it looks: about as long as it takes to fall asleep and to be woken.
const LOOK: Duration = Duration::from_micros(30);
/// How many pauses are between two glances.
const PAUSES: usize = 8;
/// How many sleeps there are at most without a look.
const MOST_WITHOUT: u32 = 255;

thread_local! {
    /// When this thread looks.
    static LOOKS: Looks = const { Looks::new() };
}

/// Whether it is worth while to look before a sleep, by what the last looks have brought.
struct Looks {
    /// How many sleeps are still to come without one.
    left_without: Cell<u32>,
    /// How many there were after the last look, or are to be.
    without: Cell<u32>,
}

impl Looks {
    /// The next sleep has one.
    const fn new() -> Self {
        Self {
            left_without: Cell::new(0),
            without: Cell::new(0),
        }
    }

    /// Looks, if it is time to. Whether it was woken comes back.
    ///
    /// Not in a model: whatever it would see there comes before the sleep in another run.
    fn look(&self, is_woken_soon: impl FnOnce() -> bool) -> bool {
        if cfg!(all(test, loom)) {
            return false;
        }
        if let Some(left) = self.left_without.get().checked_sub(1) {
            self.left_without.set(left);
            return false;
        }
        let is_woken = is_woken_soon();
        let without = if is_woken {
            0
        } else {
            (2 * self.without.get() + 1).min(MOST_WITHOUT)
        };
        self.without.set(without);
        self.left_without.set(without);
        is_woken
    }
}

impl Default for Sleeper {
    fn default() -> Self {
        Self {
            state: AtomicUsize::new(AWAKE),
            falling_asleep: Mutex::new(()),
            woken: Condvar::default(),
        }
    }
}

impl Sleeper {
    /// Sleeps until it is woken, or returns at once if it was since the last time. `false` says that
    /// `until` came first.
    pub(crate) fn sleep(&self, until: Option<Instant>) -> bool {
        if LOOKS.with(|looks| looks.look(|| self.is_woken_soon(until))) {
            return true;
        }
        let mut guard = self.falling_asleep.lock();
        // A swap each time, which sees all that was done before the wake.
        if self.state.swap(ASLEEP, Ordering::AcqRel) == WOKEN {
            self.state.swap(AWAKE, Ordering::AcqRel);
            return true;
        }
        loop {
            let left = until.map(|until| until - clock::real_now());
            if left == Some(Duration::ZERO) {
                return self.state.swap(AWAKE, Ordering::AcqRel) == WOKEN;
            }
            guard = self.woken.wait(&self.falling_asleep, guard, left);
            if self.state.load(Ordering::Relaxed) == WOKEN {
                self.state.swap(AWAKE, Ordering::AcqRel);
                return true;
            }
        }
    }

    /// Ends the sleep that is, or the next one.
    pub(crate) fn rouse(&self) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == ASLEEP {
            // It sleeps when this lock is free.
            drop(self.falling_asleep.lock());
            self.woken.notify_one();
        }
    }

    /// Looks for a while whether it is woken.
    fn is_woken_soon(&self, until: Option<Instant>) -> bool {
        let end = clock::real_now() + LOOK;
        let end = until.map_or(end, |until| end.min(until));
        while self.state.load(Ordering::Relaxed) != WOKEN {
            if clock::real_now() >= end {
                return false;
            }
            // Who is about to wake it works on what it has just left: a look too often is in his way.
            (0..PAUSES).for_each(|_| hint::spin_loop());
        }
        self.state.swap(AWAKE, Ordering::AcqRel);
        true
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.rouse();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn looks_in_vain_are_ever_rarer_and_one_that_sees_the_wake_makes_them_frequent() {
        let looks = Looks::new();
        let mut seen = Vec::new();
        for sleep in 0..1024 {
            let is_woken_soon = || {
                seen.push(sleep);
                (600..1020).contains(&sleep)
            };
            looks.look(is_woken_soon);
        }
        let rarer = [0, 2, 6, 14, 30, 62, 126, 254, 510];
        let frequent = 766..=1020;
        let anew = [1022];
        assert!(
            seen.into_iter()
                .eq(rarer.into_iter().chain(frequent).chain(anew))
        );
    }

    #[test]
    fn a_look_takes_the_wake_that_it_sees_and_only_that() {
        let sleeper = Arc::new(Sleeper::default());
        assert!(!sleeper.is_woken_soon(None));
        Arc::clone(&sleeper).wake();
        assert!(sleeper.is_woken_soon(Some(clock::real_now())));
        assert!(!sleeper.is_woken_soon(None));
    }
}
