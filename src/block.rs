//! A thread that blocks until a future has ended: how whoever is no task waits for what a task does.
//!
//! ```text
//!   poll ── pending ──► sleep until the waker is woken ──► poll …
//! ```
//!
//! It is an executor of one future, without timers and sockets: what is polled here waits for nothing
//! but another thread (`reply.rs`, `sync/universal.rs`). An executor's thread must not block, since
//! that would hold all its tasks, and perhaps the very one that it waits for: this panics there.
//!
//! Who wakes a thread that is awake makes no system call, and to be told in its sleep takes longer than
//! most of what is waited for. So the thread looks for a while before it sleeps, about as long as the
//! sleep itself would cost; then it never waits for more than twice the time that was needed (Karlin and
//! others, *Empirical studies of competitive spinning*, 1991). But where both sides share one processor
//! each look keeps the other side from what is looked for. So a look in vain makes looks rarer, and one
//! that sees the wake makes them frequent again.
//!
//! Why not `thread::park`: its one token is shared with the program, which may park in the future's
//! destructors.

use std::cell::Cell;
use std::hint;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::clock::{self, Instant};
use crate::primitive::{AtomicUsize, Condvar, Mutex, Ordering};
use crate::waker;

/// Polls a future until it has ended, and blocks this thread in between. `None` says that `limit`
/// was over before.
///
/// # Panics
///
/// Panics if an executor is running on this thread.
#[track_caller]
pub(crate) fn block_on<F: Future>(future: F, limit: Option<Duration>) -> Option<F::Output> {
    assert_may_block();
    let until = limit.map(|limit| clock::real_now().saturating_add(limit));
    let sleeper = Arc::new(Sleeper::default());
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        if !sleeper.sleep(until) {
            return None;
        }
    }
}

/// # Panics
///
/// Panics if an executor is running on this thread.
#[track_caller]
pub(crate) fn assert_may_block() {
    assert!(
        !is_executors(),
        "this would block the executor that runs on this thread, with all its tasks; await instead, \
         or do it inside worker::run_in_thread()"
    );
}

/// Whether an executor is running on this thread.
pub(crate) fn is_executors() -> bool {
    waker::with_current(|_| ()).is_some()
}

/// The place where one thread sleeps.
struct Sleeper {
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
    fn sleep(&self, until: Option<Instant>) -> bool {
        let left = || until.map(|until| until - clock::real_now());
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
            let left = left();
            if left == Some(Duration::ZERO) {
                return self.state.swap(AWAKE, Ordering::AcqRel) == WOKEN;
            }
            (guard, _) = self.woken.wait(&self.falling_asleep, guard, left);
            if self.state.load(Ordering::Relaxed) == WOKEN {
                self.state.swap(AWAKE, Ordering::AcqRel);
                return true;
            }
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
        if self.state.swap(WOKEN, Ordering::AcqRel) == ASLEEP {
            // It sleeps when this lock is free.
            drop(self.falling_asleep.lock());
            self.woken.notify_one();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::future::{pending, poll_fn};
    use std::panic::catch_unwind;

    use super::*;
    use crate::executor::face::run;

    #[test]
    fn a_wake_during_the_poll_is_not_lost() {
        let mut polls = 0;
        let future = poll_fn(|cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls == 3 {
                Poll::Ready(42)
            } else {
                Poll::Pending
            }
        });
        assert_eq!(block_on(future, None), Some(42));
    }

    #[test]
    fn a_limit_ends_the_wait() {
        assert_eq!(
            block_on(pending::<()>(), Some(Duration::from_millis(1))),
            None
        );
    }

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

    #[test]
    fn an_executors_thread_does_not_block() {
        let blocked = catch_unwind(|| run(async { block_on(async {}, None) }));
        assert!(blocked.is_err());
    }
}
