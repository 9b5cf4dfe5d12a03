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
//! Who wakes a thread that is awake makes no system call. It does not look for a while whether it is
//! woken before it sleeps, as std's own channels do. Where both sides have a processor of their own that
//! would save most of a full queue's time; where they share one, it would take many times as long, as each
//! look keeps the other side from what is looked for.
//!
//! Why not `thread::park`: its one token is shared with the program, which may park in the future's
//! destructors.

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
    fn an_executors_thread_does_not_block() {
        let blocked = catch_unwind(|| run(async { block_on(async {}, None) }));
        assert!(blocked.is_err());
    }
}
