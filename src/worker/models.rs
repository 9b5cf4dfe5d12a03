//! Every interleaving of what threads and tasks share here, as `inbox/models.rs` does it:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --lib --release models
//! ```
//!
//! A limit of time is over, in a model, as soon as another thread has had a turn
//! (`primitive.rs`), so every wait with one can end at its worst moment. A job that is lost shows as a
//! count, a wake that is lost as a deadlock, which here ends the process: destructors lock.
//!
//! Mutants that were made by hand, and what failed:
//!
//! - a thread whose patience is over ends without having left the list, or although somebody has
//!   taken its seat: `a_job_is_done_once_though_patience_ends`;
//! - a seat that is given a job without a notice: the same, and `an_idle_thread_has_the_next_job`;
//! - a standby that is dropped and gives nothing:
//!   `a_thread_that_is_not_needed_after_all_is_for_the_next`;
//! - an answer that is lost between a thread that sends and a task that closes:
//!   `an_answer_is_with_the_thread_or_with_the_task`;
//! - `Link::send` that does not look at the flag under the lock, or `cancel` that leaves the errand:
//!   `a_thread_is_answered_though_its_task_goes`;
//! - an errand, or a cancel, that wakes nobody, a task that leaves no waker:
//!   `a_task_that_sleeps_runs_the_errand_and_has_the_value`,
//!   `a_cancel_ends_a_call_that_would_last_for_ever`;
//! - a cancel that leaves the errand under way, which is found by the latter as well;
//! - a thread that leaves no word of a job's end, or does not ring for it:
//!   `the_end_of_a_job_is_heard_though_its_task_goes`;
//! - an inbox that is closed without dropping the calls in it: `who_calls_an_executor_that_ends_is_told`;
//! - a sleeper that is woken and does not remember it, or is told before it is marked: all that block.

use std::future::{pending, poll_fn};
use std::io::ErrorKind;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc as StdArc, Mutex};
use std::task::{Context, Waker, ready};
use std::time::Duration;

use loom::model::Builder;
use loom::sync::{Arc, Notify};
use loom::thread;

use crate::block::block_on;
use crate::inbox::{Bell, Inbox, Message};
use crate::reply;
use crate::sync::CapacityLimiter;
use crate::waker;
use crate::worker::job::prepare;
use crate::worker::limit::Acquire;
use crate::worker::link::{CallerCancelled, Errand, Errands, Link, call};
use crate::worker::pool::{Job, Pool, Standby};

/// Three preemptions find all the mutants above.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Counts what is done.
#[derive(Clone, Default)]
struct Count(StdArc<AtomicUsize>);

impl Count {
    /// A job that counts one.
    fn job(&self) -> Job {
        let count = self.clone();
        Box::new(move || {
            count.0.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// How many were done.
    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A pool, and the threads that were started for it.
#[derive(Clone)]
struct Threads {
    pool: Arc<Pool>,
    started: StdArc<Mutex<Vec<thread::JoinHandle<()>>>>,
}

impl Threads {
    /// None yet, and each will wait so long.
    fn new(patience: Option<Duration>) -> Self {
        Self {
            pool: Arc::new(Pool::new(patience)),
            started: StdArc::default(),
        }
    }

    /// What `worker::pool::standby` does, with threads of the model.
    fn standby(&self) -> Standby {
        let standby = self.pool.standby(|seat| {
            let pool = Arc::clone(&self.pool);
            let thread = thread::spawn(move || pool.work(&seat));
            self.started.lock().unwrap().push(thread);
            Ok(())
        });
        standby.expect("a model gives threads")
    }

    /// An idle one, if there is any.
    fn idle(&self) -> Option<Standby> {
        let none = |_| Err(ErrorKind::WouldBlock.into());
        self.pool.standby(none).ok()
    }

    /// Waits until all have ended. Nobody starts more.
    fn join(self) {
        let started = mem::take(&mut *self.started.lock().unwrap());
        for thread in started {
            thread.join().unwrap();
        }
        assert!(self.idle().is_none(), "nobody is left");
    }
}

#[test]
fn an_idle_thread_has_the_next_job() {
    check(|| {
        let threads = Threads::new(None);
        let count = Count::default();
        let sits = {
            let pool = Arc::clone(&threads.pool);
            thread::spawn(move || pool.sit(&Pool::seat()).expect("a job comes")())
        };
        let idle = loop {
            match threads.idle() {
                Some(idle) => break idle,
                None => thread::yield_now(),
            }
        };
        idle.start(count.job());
        sits.join().unwrap();
        assert_eq!(count.get(), 1);
    });
}

#[test]
fn a_job_is_done_once_though_patience_ends() {
    check(|| {
        let threads = Threads::new(Some(Duration::ZERO));
        let count = Count::default();
        threads.standby().start(count.job());
        let other = {
            let (threads, job) = (threads.clone(), count.job());
            thread::spawn(move || match threads.idle() {
                Some(idle) => idle.start(job),
                None => job(),
            })
        };
        threads.standby().start(count.job());
        other.join().unwrap();
        threads.join();
        assert_eq!(count.get(), 3);
    });
}

/// Its job was dropped before it began.
#[test]
fn a_thread_that_is_not_needed_after_all_is_for_the_next() {
    check(|| {
        let threads = Threads::new(Some(Duration::ZERO));
        let count = Count::default();
        let other = {
            let (threads, job) = (threads.clone(), count.job());
            thread::spawn(move || threads.standby().start(job))
        };
        drop(threads.standby());
        other.join().unwrap();
        threads.join();
        assert_eq!(count.get(), 1);
    });
}

#[test]
fn an_answer_is_with_the_thread_or_with_the_task() {
    check(|| {
        let (answer, reply) = reply::channel();
        let thread = thread::spawn(move || answer.send(()).is_err());
        let is_here = reply.close().is_some();
        let is_there = thread.join().unwrap();
        assert!(is_here != is_there);
    });
}

#[test]
fn a_thread_that_blocks_has_its_answer() {
    check(|| {
        let (answer, reply) = reply::channel();
        let thread = thread::spawn(move || answer.send(42));
        assert_eq!(block_on(reply, None), Some(Some(42)));
        assert_eq!(thread.join().unwrap(), Ok(()));
    });
}

/// The task takes the errand if it is there, and goes.
#[test]
fn a_thread_is_answered_though_its_task_goes() {
    check(|| {
        let link = Link::new();
        let thread = {
            let link = StdArc::clone(&link);
            thread::spawn(move || {
                let (answer, reply) = reply::channel();
                let errand: Errand = Box::new(move || {
                    Box::pin(async move {
                        let _ = answer.send(());
                    })
                });
                let is_sent = link.send(errand).is_ok();
                is_sent && block_on(reply, None).flatten().is_some()
            })
        };
        let (errand, _) = link.take_errand(Waker::noop().clone());
        let was_there = errand.is_some();
        if let Some(make) = errand {
            let polled = make()
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_ready());
        }
        drop(link.cancel());
        assert_eq!(thread.join().unwrap(), was_there);
        assert!(link.is_cancelled());
    });
}

/// A job whose thread calls, and the task that waits for it: both have what they came for, however
/// the errand, the answer and the task's looks at them come to lie.
#[test]
fn a_task_that_sleeps_runs_the_errand_and_has_the_value() {
    check(|| {
        let link = Link::new();
        let (answer, mut reply) = reply::channel();
        let thread = {
            let link = StdArc::clone(&link);
            thread::spawn(move || {
                let called = link.within(|| call(|| async { 41 }));
                assert_eq!(answer.send(called.map(|value| value + 1)), Ok(()));
            })
        };
        let mut errands = Errands::new(link);
        let task = poll_fn(|cx| {
            ready!(errands.poll(cx));
            Pin::new(&mut reply).poll(cx)
        });
        assert_eq!(block_on(task, None).flatten(), Some(Ok(42)));
        thread.join().unwrap();
    });
}

/// What `ThreadHandle::cancel` does: the call fails, be it before, under way or after, and the task
/// that stands for the thread has its end.
#[test]
fn a_cancel_ends_a_call_that_would_last_for_ever() {
    check(|| {
        let link = Link::new();
        let (answer, mut reply) = reply::channel();
        let thread = {
            let link = StdArc::clone(&link);
            thread::spawn(move || {
                let called = link.within(|| call(pending::<()>));
                assert_eq!(answer.send(called), Ok(()));
            })
        };
        let canceller = {
            let link = StdArc::clone(&link);
            thread::spawn(move || link.cancel().into_iter().for_each(waker::wake_kept))
        };
        let mut errands = Errands::new(link);
        let task = poll_fn(|cx| {
            ready!(errands.poll(cx));
            Pin::new(&mut reply).poll(cx)
        });
        let ended = block_on(task, None).flatten();
        assert_eq!(ended, Some(Err(CallerCancelled)));
        thread.join().unwrap();
        canceller.join().unwrap();
    });
}

/// A bell that keeps its ring until somebody has waited for it.
#[derive(Clone)]
struct Rung(Arc<Notify>);

impl Bell for Rung {
    fn ring(&self) {
        self.0.notify();
    }
}

/// What an executor does until it has made a call: takes its messages, and sleeps.
fn turn_until_called(inbox: &Inbox, bell: &Rung) {
    loop {
        let mut has_called = false;
        inbox.take(|message| {
            if let Message::Call(call) = message {
                call();
                has_called = true;
            }
        });
        if has_called {
            return;
        }
        if inbox.prepare_sleep(false) {
            bell.0.wait();
            inbox.end_sleep();
        }
    }
}

/// The task of a job goes, before it begins, meanwhile or after: whoever else wants its token hears of
/// its end all the same.
#[test]
fn the_end_of_a_job_is_heard_though_its_task_goes() {
    check(|| {
        let bell = Rung(Arc::new(Notify::new()));
        let inbox = StdArc::new(Inbox::new(Box::new(bell.clone())));
        let at = Location::caller();
        let limiter = Rc::new(CapacityLimiter::of_threads(1));
        let acquire = Acquire::of(limiter, StdArc::clone(&inbox), at);
        let permit = block_on(acquire, None).expect("without a limit it ends with the future");
        let (job, work) = prepare(|| {}, Some(permit), Link::new(), at);
        let thread = thread::spawn(job);
        drop(work);
        turn_until_called(&inbox, &bell);
        thread.join().unwrap();
        assert!(inbox.is_empty(), "it is said once");
    });
}

/// What a portal does: the answer lies in the call, and goes with it.
#[test]
fn who_calls_an_executor_that_ends_is_told() {
    /// A bell for nobody.
    struct Silent;
    impl Bell for Silent {
        fn ring(&self) {}
    }
    check(|| {
        let inbox = Arc::new(Inbox::new(Box::new(Silent)));
        let made = Count::default();
        let thread = {
            let (inbox, made) = (Arc::clone(&inbox), made.clone());
            thread::spawn(move || {
                let (answer, reply) = reply::channel();
                drop(inbox.call(Box::new(move || {
                    made.job()();
                    let _ = answer.send(42);
                })));
                block_on(reply, None).flatten()
            })
        };
        inbox.take(|message| {
            if let Message::Call(call) = message {
                call();
            }
        });
        inbox.close(|_| {});
        let answer = thread.join().unwrap();
        assert_eq!(answer, (made.get() == 1).then_some(42));
    });
}
