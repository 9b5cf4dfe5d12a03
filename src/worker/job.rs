//! [`run_in_thread`], and what becomes of a job whose task does not wait for it any more.
//!
//! ```text
//!   wait for a permit ──► start the job ──► run its errands, wait for the answer ──► value, panic
//!     │ dropped: nothing      │ dropped before the thread has begun: the closure is dropped
//!     ▼ was begun             ▼ dropped later: it runs to its end, for nobody
//! ```
//!
//! The permit comes back when the job has really ended, be it waited for or not, and before the value:
//! who has that finds the permit free. A panic is caught, is the answer, and is raised again in the
//! task; if nobody wants it, it is reported by the executor, or by the thread if that has ended.
//!
//! Read next: `worker/limit.rs` (the permits), `reply.rs` (the answer).

#[cfg(feature = "fs")]
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::error::{Panicked, Payload};
use crate::executor::context;
use crate::inbox::Inbox;
use crate::place;
use crate::reply::{self, Answer, Reply};
use crate::report;
use crate::worker::limit::{Acquire, Debt, Loan, Permit};
use crate::worker::link::{Errands, Link};
use crate::worker::pool::{self, Job, Standby};

/// Has a thread call `f`, and waits for its value.
///
/// There are up to 64 such threads for an executor, or as many as its
/// [`worker::limiter`](crate::worker::limiter) has tokens; who comes when all are busy waits in line.
/// They are kept for ten seconds for what comes next. To run what lasts for ever, use
/// [`spawn_thread`](crate::worker::spawn_thread).
///
/// Inside, [`worker::call`](crate::worker::call) runs a future as a part of this task, and
/// [`worker::is_cancelled`](crate::worker::is_cancelled) says whether it still waits.
///
/// # Panics
///
/// Panics as `f` does: its panic is raised again here. Panics, when polled, if no executor is running
/// on this thread, or if the system gives no thread, as [`std::thread::spawn`] does.
///
/// # Cancel safety
///
/// If it is dropped before a thread has begun, `f` is not called. After that it goes on to its end in
/// its thread, and has its token until then; its value is dropped there, its panic reported.
///
/// # Examples
///
/// ```
/// use bibelot::worker;
///
/// # bibelot::run(async {
/// let hosts = worker::run_in_thread(|| std::fs::read_to_string("/etc/hosts")).await?;
/// assert!(hosts.contains("localhost"));
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn run_in_thread<F, T>(f: F) -> impl Future<Output = T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    RunInThread {
        stage: Stage::Made(f),
        at: place::here(),
    }
}

/// The future of [`run_in_thread`].
struct RunInThread<F, T> {
    /// How far it has come.
    stage: Stage<F, T>,
    /// Where the task waits.
    at: &'static Location<'static>,
}

/// How far a [`RunInThread`] has come.
enum Stage<F, T> {
    /// It was not polled yet.
    Made(F),
    /// It waits for a permit.
    Waits(F, Acquire),
    /// A thread has the job.
    Begun(Work<T>),
    /// It has its value.
    Ended,
}

/// Nothing in it is polled in place.
impl<F, T> Unpin for RunInThread<F, T> {}

impl<F, T> Future for RunInThread<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.get_mut().poll_result(cx)) {
            Ok(value) => Poll::Ready(value),
            Err(error) => panic!("starting a thread: {error}"),
        }
    }
}

impl<F, T> RunInThread<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    /// Waits for the value, or for the error that there is no thread.
    fn poll_result(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Self { stage, at } = self;
        loop {
            match std::mem::replace(stage, Stage::Ended) {
                Stage::Made(f) => *stage = Stage::Waits(f, Acquire::new(at)),
                Stage::Waits(f, mut acquire) => match Pin::new(&mut acquire).poll(cx) {
                    Poll::Ready(permit) => match permit.thread_at(at) {
                        Ok(thread) => *stage = Stage::Begun(thread.begin(f)),
                        Err(error) => return Poll::Ready(Err(error)),
                    },
                    Poll::Pending => {
                        *stage = Stage::Waits(f, acquire);
                        return Poll::Pending;
                    }
                },
                Stage::Begun(mut work) => {
                    let polled = work.poll(cx);
                    if polled.is_pending() {
                        *stage = Stage::Begun(work);
                    }
                    return polled.map(Ok);
                }
                Stage::Ended => panic!("run_in_thread was polled after it had given its value"),
            }
        }
    }
}

/// [`run_in_thread`] for what may fail anyhow: that the system gives no thread is an error, too.
#[cfg(feature = "fs")]
#[track_caller]
pub(crate) fn try_in_thread<F, T>(f: F) -> impl Future<Output = io::Result<T>>
where
    F: FnOnce() -> io::Result<T> + Send + 'static,
    T: Send + 'static,
{
    let mut job = RunInThread {
        stage: Stage::Made(f),
        at: place::here(),
    };
    poll_fn(move |cx| {
        job.poll_result(cx)
            .map(|done| done.and_then(|result| result))
    })
}

/// Waits for a permit, for a job that may outlive the future which begins it: what `f` takes with it
/// can be got together when there is one.
#[cfg(feature = "fs")]
#[track_caller]
pub(crate) fn permit() -> Acquire {
    Acquire::new(place::here())
}

impl Permit {
    /// Makes sure that there is a thread, so that nothing is lent to a job which nobody would do.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it gives no thread.
    #[cfg(feature = "fs")]
    #[track_caller]
    pub(crate) fn thread(self) -> io::Result<Ready> {
        self.thread_at(place::here())
    }

    /// As `thread`, for a job that is asked for there.
    fn thread_at(self, at: &'static Location<'static>) -> io::Result<Ready> {
        Ok(Ready {
            permit: self,
            thread: pool::standby()?,
            at,
        })
    }
}

/// A thread that waits for a job, and the right to have it done.
pub(crate) struct Ready {
    /// The right.
    permit: Permit,
    /// The thread.
    thread: Standby,
    /// Where the job is asked for.
    at: &'static Location<'static>,
}

impl Ready {
    /// Has the thread do the job, for who polls its half of it.
    pub(crate) fn begin<F, T>(self, f: F) -> Work<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (job, work) = prepare(f, Some(self.permit), Link::new(), self.at);
        self.thread.start(job);
        work
    }
}

/// A job that calls `f`, and the task's half of it.
pub(super) fn prepare<F, T>(
    f: F,
    permit: Option<Permit>,
    link: Arc<Link>,
    at: &'static Location<'static>,
) -> (Job, Work<T>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (answer, reply) = reply::channel_at(at);
    let (loan, debt) = permit.map(Permit::lend).unzip();
    let inbox = match &loan {
        Some(loan) => Arc::clone(loan.home()),
        None => context::with(|core| Arc::clone(core.inbox())),
    };
    let work = Work {
        errands: Errands::new(Arc::clone(&link)),
        reply,
        debt,
        at,
    };
    let job = Box::new(move || {
        let done = catch_unwind(AssertUnwindSafe(|| do_job(f, loan, &link, answer)));
        if let Err(payload) = done {
            report_by(&inbox, Panicked::new(describe(at), payload));
        }
        // The answer has rung for what was left before, if anybody waits for it.
        inbox.ring_for_calls();
    });
    (job, work)
}

/// What the thread does. It panics with what nobody wants to know.
fn do_job<F, T>(f: F, loan: Option<Loan>, link: &Arc<Link>, answer: Answer<Done<T>>)
where
    F: FnOnce() -> T,
{
    // What has a permit is a job; a thread of its own begins in any case.
    if loan.is_some() && link.is_cancelled() {
        drop(f);
        return;
    }
    let done = link.within(|| catch_unwind(AssertUnwindSafe(f)));
    drop(loan);
    if let Err(Err(payload)) = answer.send(done) {
        resume_unwind(payload);
    }
}

/// What a job ends with.
type Done<T> = Result<T, Payload>;

/// A job as texts name it.
fn describe(at: &'static Location<'static>) -> String {
    format!("the thread of {at}")
}

/// Has an executor report a panic, or this thread if that has ended.
fn report_by(inbox: &Inbox, panicked: Panicked) {
    /// Reports when it is dropped: be it called, be it thrown away uncalled.
    struct Unseen(Option<Panicked>);
    impl Drop for Unseen {
        fn drop(&mut self) {
            if let Some(panicked) = self.0.take() {
                report::send_panic(panicked);
            }
        }
    }
    let unseen = Unseen(Some(panicked));
    drop(inbox.call(Box::new(move || drop(unseen))));
}

/// The task's half of a job that a thread has: runs its errands, and waits for the answer.
pub(crate) struct Work<T> {
    /// What the thread may ask for.
    errands: Errands,
    /// What it will say.
    reply: Reply<Done<T>>,
    /// The token for it, if it needed one, until it has ended.
    debt: Option<Debt>,
    /// Where the job was asked for.
    at: &'static Location<'static>,
}

impl<T> Work<T> {
    /// Waits for the value; panics as the job does.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        // While it runs an errand the thread is blocked, and is not what the task waits for.
        ready!(self.errands.poll(cx));
        let answer = ready!(Pin::new(&mut self.reply).poll(cx));
        drop(self.debt.take());
        match answer {
            Some(Ok(value)) => Poll::Ready(value),
            Some(Err(payload)) => resume_unwind(payload),
            None => unreachable!("a job answers, unless nobody waits for it any more"),
        }
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        let answer = self.reply.close();
        if let Some(debt) = self.debt.take()
            && answer.is_none()
        {
            debt.leave();
        }
        if let Some(Err(payload)) = answer {
            report::send_panic(Panicked::new(describe(self.at), payload));
        }
    }
}
