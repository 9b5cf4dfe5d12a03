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
//! Read next: `sleeper.rs`, the sleep.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock;
use crate::sleeper::Sleeper;
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
