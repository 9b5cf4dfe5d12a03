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
//! Why not `thread::park`: its one token is shared with the program, which may park in the future's
//! destructors.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::clock::{self, Instant};
use crate::primitive::{Condvar, Mutex};
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
    /// Whether it was woken since it last slept.
    is_woken: Mutex<bool>,
    /// What ends its sleep.
    woken: Condvar,
}

impl Default for Sleeper {
    fn default() -> Self {
        Self {
            is_woken: Mutex::new(false),
            woken: Condvar::default(),
        }
    }
}

impl Sleeper {
    /// Sleeps until it is woken, or returns at once if it was since the last time. `false` says that
    /// `until` came first.
    fn sleep(&self, until: Option<Instant>) -> bool {
        let mut is_woken = self.is_woken.lock();
        while !*is_woken {
            let left = until.map(|until| until - clock::real_now());
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            (is_woken, _) = self.woken.wait(&self.is_woken, is_woken, left);
        }
        *is_woken = false;
        true
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        *self.is_woken.lock() = true;
        self.woken.notify_one();
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
