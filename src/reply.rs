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
//! as well. A task that no longer wants the answer closes its half, or drops it: then the thread has
//! its answer back, or the task has it, and never neither. So a panic that is the answer is not lost
//! between the two.
//!
//! The one who waits need not be a task: see `block.rs`. Read next: `inbox.rs`, where such a wake
//! comes in.

use std::mem;
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
    channel_at(place::here())
}

/// Makes the two halves for who waits at this place.
pub(crate) fn channel_at<T: Send>(at: &'static Location<'static>) -> (Answer<T>, Reply<T>) {
    let shared = Arc::new(Mutex::new(State::Awaited(None)));
    let answer = Answer {
        shared: Arc::clone(&shared),
    };
    let reply = Reply { shared, at };
    (answer, reply)
}

/// How far it has come.
enum State<T> {
    /// The answer is still to come; the task may wait.
    Awaited(Option<Waker>),
    /// The answer, or none if the thread gave up.
    Answered(Option<T>),
    /// Nobody wants it.
    Unwanted,
}

/// The thread's half.
pub(crate) struct Answer<T> {
    /// What is shared with the task.
    shared: Arc<Mutex<State<T>>>,
}

impl<T> Answer<T> {
    /// Gives the answer.
    ///
    /// # Errors
    ///
    /// Returns the answer if nobody wants it.
    pub(crate) fn send(self, answer: T) -> Result<(), T> {
        match self.settle(Some(answer)) {
            Some(answer) => Err(answer),
            None => Ok(()),
        }
    }

    /// Gives an answer, or none, unless one was given. It comes back if nobody wants it.
    fn settle(&self, answer: Option<T>) -> Option<T> {
        let mut state = self.shared.lock();
        match &mut *state {
            State::Awaited(waker) => {
                let waker = waker.take();
                *state = State::Answered(answer);
                drop(state);
                if let Some(waker) = waker {
                    waker::wake_kept(waker);
                }
                None
            }
            State::Answered(_) => None,
            State::Unwanted => answer,
        }
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        // What comes back is what was given: nothing, and so there is nothing to drop.
        mem::forget(self.settle(None));
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
            State::Unwanted => unreachable!("it is not polled after it was closed"),
        };
        drop(state);
        drop(replaced);
        context::note(Waits::THREAD, self.at);
        Poll::Pending
    }
}

#[cfg(feature = "worker")]
impl<T> Reply<T> {
    /// Whether there is an answer, or none is to come.
    pub(crate) fn is_answered(&self) -> bool {
        matches!(*self.shared.lock(), State::Answered(_))
    }

    /// Says that nobody wants the answer any more. Returns it if it has come.
    pub(crate) fn close(&self) -> Option<T> {
        let state = mem::replace(&mut *self.shared.lock(), State::Unwanted);
        match state {
            State::Answered(answer) => answer,
            State::Awaited(_) | State::Unwanted => None,
        }
    }
}

impl<T> Drop for Reply<T> {
    /// Takes the waker back. An answer that has come goes with the last of the two halves.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let State::Awaited(waker) = &mut *state {
            let waker = waker.take();
            *state = State::Unwanted;
            drop(state);
            drop(waker);
        }
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
                let thread = thread::spawn(move || answer.send(42).expect("it is awaited"));
                assert_eq!(reply.await, Some(42));
                thread.join().expect("no panic");
            }
        });
    }

    #[test]
    fn an_answer_may_be_there_first() {
        let (answer, reply) = channel();
        assert_eq!(answer.send(42), Ok(()));
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
    fn an_answer_that_nobody_wants_comes_back() {
        let (answer, reply) = channel();
        drop(reply);
        assert_eq!(answer.send(42), Err(42));
    }

    #[test]
    #[cfg(feature = "worker")]
    fn who_closes_has_the_answer_that_came_before() {
        let (answer, reply) = channel();
        assert_eq!(answer.send(42), Ok(()));
        assert_eq!(reply.close(), Some(42));
        assert_eq!(reply.close(), None);
    }
}
