//! One answer from another thread: the leaf future that waits for it.
//!
//! ```text
//!   thread                           task
//!   send(answer) ──► [ lock: the answer, or the waker ] ◄── poll
//!        └─ wakes, when the lock is let go
//! ```
//!
//! The lock orders the two: either the thread finds the waker, or the task finds the answer. A
//! thread that ends without an answer, because it panics, drops its half, and the task learns that
//! as well. A task that no longer wants the answer drops its half, and the thread's answer goes with
//! it, on that thread: so it must be `Send`. Read next: `inbox.rs`, where such a wake comes in.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::executor::context;
use crate::place;
use crate::primitive::Mutex;
use crate::task::waits::Waits;
use crate::waker;

/// Makes the two halves.
#[track_caller]
pub(crate) fn channel<T: Send>() -> (Answer<T>, Reply<T>) {
    let shared = Arc::new(Mutex::new(State::Awaited(None)));
    let answer = Answer {
        shared: Arc::clone(&shared),
    };
    let reply = Reply {
        shared,
        at: place::here(),
    };
    (answer, reply)
}

/// How far it has come.
enum State<T> {
    /// The answer is still to come; the task may wait.
    Awaited(Option<Waker>),
    /// The answer, or none if the thread gave up.
    Answered(Option<T>),
}

/// The thread's half.
pub(crate) struct Answer<T> {
    /// What is shared with the task.
    shared: Arc<Mutex<State<T>>>,
}

impl<T> Answer<T> {
    /// Gives the answer.
    pub(crate) fn send(self, answer: T) {
        self.settle(Some(answer));
    }

    /// Gives an answer, or none, unless one was given.
    fn settle(&self, answer: Option<T>) {
        let mut state = self.shared.lock();
        if let State::Awaited(waker) = &mut *state {
            let waker = waker.take();
            *state = State::Answered(answer);
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        self.settle(None);
    }
}

/// The task's half: a future of the answer, or of `None` if the thread gave up.
pub(crate) struct Reply<T> {
    /// What is shared with the thread.
    shared: Arc<Mutex<State<T>>>,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl<T> Future for Reply<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let waker = waker::keep(cx.waker());
        let mut state = self.shared.lock();
        let replaced = match &mut *state {
            State::Answered(answer) => return Poll::Ready(answer.take()),
            State::Awaited(awaiting) => awaiting.replace(waker),
        };
        drop(state);
        drop(replaced);
        context::note(Waits::THREAD, self.at);
        Poll::Pending
    }
}

impl<T> Drop for Reply<T> {
    /// Takes the waker back.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let waker = match &mut *state {
            State::Awaited(waker) => waker.take(),
            State::Answered(_) => None,
        };
        drop(state);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::executor::face::run;

    #[test]
    fn an_answer_wakes_who_waits_for_it() {
        run(async {
            for _ in 0..100 {
                let (answer, reply) = channel();
                let thread = thread::spawn(move || answer.send(42));
                assert_eq!(reply.await, Some(42));
                thread.join().expect("no panic");
            }
        });
    }

    #[test]
    fn an_answer_may_be_there_first() {
        let (answer, reply) = channel();
        answer.send(42);
        assert_eq!(run(reply), Some(42));
    }

    #[test]
    fn a_thread_that_gives_up_is_seen_to() {
        let (answer, reply) = channel::<u32>();
        let thread = thread::spawn(move || drop(answer));
        assert_eq!(run(reply), None);
        thread.join().expect("no panic");
    }

    #[test]
    fn an_answer_that_nobody_wants_is_dropped() {
        let (answer, reply) = channel();
        drop(reply);
        let wanted = Arc::new(());
        answer.send(Arc::clone(&wanted));
        assert_eq!(Arc::strong_count(&wanted), 1);
    }
}
