//! What a job's thread and the task that waits for it share beside the answer: whether anybody still
//! waits, and the errand that the thread sends the task on.
//!
//! ```text
//!   thread                                              task
//!   is_cancelled? ◄── flag ◄──────────────────────────── dropped, or asked to end
//!   call(make): errand, wake ──► [ lock: errand, waker ] ◄── poll: takes it, makes the future,
//!      │ blocks                                               polls it in its own polls
//!      ◄───────────── answer, panic, or nothing ─────────── done, or dropped
//! ```
//!
//! An errand is a closure that makes a future, since futures do not cross threads. The task polls
//! that in its own polls, so whatever encloses these encloses it: deadlines, groups, locals. If the
//! task is dropped, so is the errand, with the half of the answer that lies in it: by that the thread
//! learns that there is none. Nothing is called or dropped while the lock is held.
//!
//! Read next: `worker/job.rs`.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use crate::block;
use crate::canceller::Enclosed;
use crate::clock::Instant;
use crate::error::Payload;
use crate::primitive::{AtomicBool, Mutex, Ordering};
use crate::reply;
use crate::report::discard;
use crate::waker;

/// The future of an errand.
pub(super) type Running = Pin<Box<dyn Future<Output = ()>>>;

/// What a thread wants its task to do: to make a future and run it.
pub(super) type Errand = Box<dyn FnOnce() -> Running + Send>;

thread_local! {
    /// That of the job which this thread does.
    static CURRENT: RefCell<Option<Arc<Link>>> = const { RefCell::new(None) };
}

/// Whether nobody waits any more for what this thread does: the task that called
/// [`run_in_thread`](crate::worker::run_in_thread) was dropped, or whoever spawned the thread has
/// cancelled it. A long job looks now and then, and ends. `false` outside of such a thread.
///
/// # Examples
///
/// ```
/// use bibelot::sync::universal::Event;
/// use bibelot::worker;
/// use std::sync::{Arc, mpsc};
///
/// let (ended, wait) = mpsc::channel();
/// bibelot::run(async {
///     let begun = Arc::new(Event::new());
///     let has_begun = Arc::clone(&begun);
///     let search = bibelot::spawn(worker::run_in_thread(move || {
///         has_begun.set();
///         while !worker::is_cancelled() {
///             std::thread::yield_now(); // one more step of a long search
///         }
///         ended.send(()).unwrap();
///     }));
///     begun.wait().await;
///     search.cancel();
/// });
/// wait.recv().unwrap();
/// ```
#[must_use]
pub fn is_cancelled() -> bool {
    let current =
        CURRENT.try_with(|current| current.borrow().as_ref().map(|link| link.is_cancelled()));
    current.ok().flatten().unwrap_or(false)
}

/// Runs a future as a part of the task that waits for this thread, and blocks the thread for its
/// value; curio's `AWAIT`.
///
/// `make` is sent to the executor and called there, so only it and the value need be `Send`. The
/// future is polled by the waiting task itself: [`task::current`](crate::task::current) is that task,
/// its locals are seen, and its timeouts and groups hold. A panic of the future is raised again here.
///
/// # Errors
///
/// Returns an error if that task was dropped, or the thread was cancelled, before there was a value.
/// The future is dropped then, on the executor's thread.
///
/// # Panics
///
/// Panics outside of a thread started by [`run_in_thread`](crate::worker::run_in_thread) or
/// [`spawn_thread`](crate::worker::spawn_thread), and inside an executor that runs on this thread.
///
/// # Examples
///
/// ```
/// use bibelot::sync::Queue;
/// use bibelot::worker;
///
/// # bibelot::run(async {
/// let sum = worker::run_in_thread(|| {
///     // Blocking code, which at some point wants something async.
///     let queued = worker::call(|| async {
///         let queue = Queue::new(); // need not be `Send`
///         queue.put(40).await.unwrap();
///         queue.get().await.unwrap()
///     });
///     queued.map(|item| item + 2)
/// });
/// assert_eq!(sum.await, Ok(42));
/// # });
/// ```
///
/// It is a part of a task, so it has whatever tasks share, in its turn as they do: the locks, queues and
/// groups of [`sync`](crate::sync) and [`task`](crate::task), though none of them may leave their
/// thread. What is made inside `make` is there; what was there before is reached through a
/// thread-local, or a [`Local`](crate::task::Local) of the task.
///
/// ```
/// use bibelot::sync::Mutex;
/// use bibelot::worker;
/// use std::rc::Rc;
///
/// thread_local! {
///     static LOG: Rc<Mutex<Vec<&'static str>>> = Rc::default();
/// }
///
/// # bibelot::run(async {
/// let job = worker::run_in_thread(|| {
///     worker::call(|| async {
///         let log = LOG.with(Rc::clone); // that of the executor's thread
///         log.lock().await.push("from the thread");
///     })
/// });
/// job.await.unwrap();
/// assert_eq!(*LOG.with(Rc::clone).lock().await, ["from the thread"]);
/// # });
/// ```
#[track_caller]
pub fn call<M, F>(make: M) -> Result<F::Output, CallerCancelled>
where
    M: FnOnce() -> F + Send + 'static,
    F: Future + 'static,
    F::Output: Send + 'static,
{
    block::assert_may_block();
    let current = CURRENT.try_with(|current| current.borrow().clone());
    let Some(link) = current.ok().flatten() else {
        panic!(
            "no task waits for this thread; call this inside what worker::run_in_thread() or \
             worker::spawn_thread() runs, or use a worker::Portal"
        );
    };
    let (answer, reply) = reply::channel();
    let errand: Errand = Box::new(move || {
        Box::pin(async move {
            let answered = caught(async move { make().await }).await;
            // The thread wants it: it is blocked until then.
            drop(answer.send(answered));
        })
    });
    if let Err(errand) = link.send(errand) {
        drop(errand);
        return Err(CallerCancelled);
    }
    match block::block_on(reply, None).flatten() {
        Some(Ok(value)) => Ok(value),
        Some(Err(payload)) => resume_unwind(payload),
        None => Err(CallerCancelled),
    }
}

/// A future whose panic is a value.
pub(super) async fn caught<F: Future>(future: F) -> Result<F::Output, Payload> {
    let mut future = pin!(Some(future));
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let running = future.as_mut().as_pin_mut();
            let output = ready!(running.expect("there until it has ended").poll(cx));
            // Its destructor belongs to it.
            future.set(None);
            Poll::Ready(output)
        }));
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(payload) => {
                if let Err(another) = catch_unwind(AssertUnwindSafe(|| future.set(None))) {
                    discard(another);
                }
                Poll::Ready(Err(payload))
            }
        }
    })
    .await
}

/// The error of [`call`]: the task that waited for this thread was dropped, or the thread cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerCancelled;

impl fmt::Display for CallerCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("calling from a thread that nobody waits for any more: it was cancelled")
    }
}

impl Error for CallerCancelled {}

/// What thread and task share.
pub(super) struct Link {
    /// Whether the thread is asked to end.
    is_cancelled: AtomicBool,
    /// What they pass to each other.
    state: Mutex<State>,
}

/// What is behind the lock.
struct State {
    /// What the task is to do.
    errand: Option<Errand>,
    /// Who is to be told of an errand, or of a cancel.
    waker: Option<Waker>,
}

impl Link {
    /// One over which nothing was said yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            is_cancelled: AtomicBool::new(false),
            state: Mutex::new(State {
                errand: None,
                waker: None,
            }),
        })
    }

    /// Whether the thread is asked to end.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// Asks the thread to end: no errand is taken from it any more. Whoever is to be told comes back.
    #[must_use]
    pub(super) fn cancel(&self) -> Option<Waker> {
        let mut state = self.state.lock();
        self.is_cancelled.store(true, Ordering::Release);
        let (errand, waker) = (state.errand.take(), state.waker.take());
        drop(state);
        drop(errand);
        waker
    }

    /// Sends the task on an errand.
    pub(super) fn send(&self, errand: Errand) -> Result<(), Errand> {
        let mut state = self.state.lock();
        if self.is_cancelled() {
            return Err(errand);
        }
        state.errand = Some(errand);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker::wake_kept(waker);
        }
        Ok(())
    }

    /// Takes the errand, if there is one. The waker is woken when there is another, or a cancel; the
    /// one before comes back.
    pub(super) fn take_errand(&self, waker: Waker) -> (Option<Errand>, Option<Waker>) {
        let mut state = self.state.lock();
        let before = state.waker.replace(waker);
        (state.errand.take(), before)
    }

    /// Calls `f` as the job of this thread.
    pub(super) fn within<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        /// Puts the one before back, also when `f` unwinds.
        struct Restore(Option<Arc<Link>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                drop(replace(self.0.take()));
            }
        }
        let _restore = Restore(replace(Some(Arc::clone(self))));
        f()
    }
}

/// Sets whose job this thread does; returns whose it did before.
fn replace(link: Option<Arc<Link>>) -> Option<Arc<Link>> {
    let replaced = CURRENT.try_with(|current| mem::replace(&mut *current.borrow_mut(), link));
    replaced.ok().flatten()
}

/// The task's end of a link: runs the errands. When it is dropped the thread is asked to end.
pub(super) struct Errands {
    /// What is shared with the thread.
    link: Arc<Link>,
    /// The one that is under way.
    running: Option<Enclosed<Running>>,
}

impl Errands {
    /// The task's end.
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self {
            link,
            running: None,
        }
    }

    /// Runs what the thread asks for; ready says that the thread goes on by itself. One that is asked
    /// to end has its errand dropped, and what that owes is paid.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let (errand, before) = self.link.take_errand(waker::keep(cx.waker()));
            drop(before);
            if let Some(make) = errand {
                self.running = Some(Enclosed::new(make()));
            }
            let Some(running) = &mut self.running else {
                return Poll::Ready(());
            };
            let mut running = Pin::new(running);
            if self.link.is_cancelled() && running.is_running() {
                running.as_mut().cancel();
            }
            ready!(running.as_mut().poll_inside(Instant::NEVER, cx));
            ready!(running.poll_end(cx));
            self.running = None;
        }
    }
}

impl Drop for Errands {
    fn drop(&mut self) {
        // Before the errand is dropped: a thread that sees that fail sees why.
        drop(self.link.cancel());
    }
}
