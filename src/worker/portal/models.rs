//! Every interleaving of who asks through a portal and who answers, as `inbox/models.rs` does it:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --lib --release models
//! ```
//!
//! The executor of a model takes its calls, looks whether it is to stop, and sleeps: what
//! `Executor::run_all` does for the thread of `start_portal`. Whoever asks is always answered: a
//! missing answer shows as a deadlock.
//!
//! Mutants that were made by hand, and what failed:
//!
//! - a call that is let in after the close, or that the close leaves in the inbox, or an answer that is
//!   dropped without a word: `a_call_against_a_stop_has_its_value_or_an_error`;
//! - a cancel that wakes nobody, or a task that looks for one before it leaves its waker:
//!   `a_cancel_wakes_a_task_that_sleeps`.

use std::future::poll_fn;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::ThreadId;

use loom::model::Builder;
use loom::sync::{Arc, Notify};
use loom::thread;

use super::handle::{Ended, PortalError, PortalHandle, Request};
use super::serve;
use crate::block::block_on;
use crate::error::{Cancelled, JoinError};
use crate::inbox::{Bell, Inbox, Message};
use crate::reply::{self, Reply};
use crate::waker;

/// Three preemptions find all the mutants above.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// A thread that is none of the model's, which are all one of std's: the executor's home.
fn elsewhere() -> ThreadId {
    let thread = std::thread::spawn(|| std::thread::current().id());
    thread.join().unwrap()
}

/// What a thread has that has asked.
fn handle<T>(reply: Reply<Ended<T>>, request: StdArc<Request>, home: ThreadId) -> PortalHandle<T> {
    PortalHandle {
        reply: Some(reply),
        request,
        home,
    }
}

/// A bell that keeps its ring.
#[derive(Clone)]
struct ModelBell(Arc<Notify>);

impl Bell for ModelBell {
    fn ring(&self) {
        self.0.notify();
    }
}

/// Wakes the executor, as the token of its main task does.
struct MainTask(Arc<Inbox>);

impl Wake for MainTask {
    fn wake(self: StdArc<Self>) {
        self.0.wake(waker::Token::new(1, 1, 0));
    }
}

/// Runs an executor until it is told to stop: by an answer, or by its being dropped.
fn run_all(inbox: &Arc<Inbox>, bell: &ModelBell, mut stopped: Reply<()>) {
    let waker = Waker::from(StdArc::new(MainTask(Arc::clone(inbox))));
    loop {
        inbox.take(|message| {
            if let Message::Call(call) = message {
                call();
            }
        });
        let polled = Pin::new(&mut stopped).poll(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            inbox.close(|_| {});
            return;
        }
        if inbox.prepare_sleep(inbox.has_remotes()) {
            bell.0.wait();
            inbox.end_sleep();
        }
    }
}

#[test]
fn a_call_against_a_stop_has_its_value_or_an_error() {
    let home = elsewhere();
    check(move || {
        let bell = ModelBell(Arc::new(Notify::new()));
        let inbox = Arc::new(Inbox::new(Box::new(bell.clone())));
        let (stop, stopped) = reply::channel();
        let caller = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || {
                let (answer, reply) = reply::channel();
                let request = StdArc::new(Request::new());
                let handle = handle(reply, StdArc::clone(&request), home);
                drop(inbox.call(Box::new(move || {
                    let mut task = pin!(serve(|| async { 42 }, request, answer));
                    let polled = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    assert!(polled.is_ready());
                })));
                handle.join()
            })
        };
        let stopper = thread::spawn(move || drop(stop));
        run_all(&inbox, &bell, stopped);
        stopper.join().unwrap();
        match caller.join().unwrap() {
            Ok(value) => assert_eq!(value, 42),
            Err(error) => assert!(error.has_ended()),
        }
    });
}

/// The task waits for what another thread will say, and to be cancelled.
#[test]
fn a_cancel_against_the_end_has_an_answer() {
    let home = elsewhere();
    check(move || {
        let (say, mut said) = reply::channel();
        let (answer, reply) = reply::channel();
        let request = StdArc::new(Request::new());
        let handle = handle::<u32>(reply, StdArc::clone(&request), home);
        let executor = thread::spawn(move || {
            let task = poll_fn(|cx| {
                if let Some(at) = request.poll(waker::keep(cx.waker())) {
                    return Poll::Ready(Err(at));
                }
                Pin::new(&mut said).poll(cx).map(|said| Ok(said.unwrap()))
            });
            let ended = block_on(task, None).unwrap().map_err(|at| {
                let cancelled = Cancelled::new(String::from("a task"), at, None);
                PortalError::Failed(JoinError::Cancelled(cancelled))
            });
            drop(answer.send(ended));
        });
        let worker = thread::spawn(move || say.send(42));
        handle.cancel();
        match handle.join() {
            Ok(value) => assert_eq!(value, 42),
            Err(error) => assert!(error.is_cancelled()),
        }
        executor.join().unwrap();
        // Refused if the task was cancelled before.
        let _ = worker.join().unwrap();
    });
}

/// Nothing else ever wakes the task.
#[test]
fn a_cancel_wakes_a_task_that_sleeps() {
    check(|| {
        let request = StdArc::new(Request::new());
        let canceller = {
            let request = StdArc::clone(&request);
            thread::spawn(move || request.make(Location::caller()))
        };
        let task = poll_fn(|cx| match request.poll(waker::keep(cx.waker())) {
            Some(_) => Poll::Ready(()),
            None => Poll::Pending,
        });
        assert_eq!(block_on(task, None), Some(()));
        canceller.join().unwrap();
    });
}
