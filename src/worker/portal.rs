//! [`Portal`]: the way into an executor from threads that it knows nothing of, with a way back.
//!
//! ```text
//!   any thread                                     the executor's thread
//!   spawn(make) ──► inbox ────────────────────────► task: make(), poll …
//!      PortalHandle ── cancel: where, wake ───────► drops the future, pays what that owes
//!         │ join (blocks), wait_timeout, .await
//!         ◄────────── value, panic, cancelled, or nothing: the executor has ended
//! ```
//!
//! Only `make` and the value cross threads. A thread that waits for the executor it stands in the way
//! of would wait for ever, so whatever blocks here panics on an executor's thread, and says so.
//!
//! A portal keeps nothing alive: an executor ends when its owner says so, and what is asked of it then
//! is an error. Only that of [`start_portal`] ends with its portals, as they are its owner. (anyio's
//! `BlockingPortal` and `start_blocking_portal`.)
//!
//! Read next: `reply.rs` and `block.rs`, which wait for each other here; `worker/portal/models.rs`
//! tries every interleaving of them.

mod handle;
#[cfg(all(test, loom))]
mod models;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::ready;
use std::thread::{self, ThreadId};

use crate::block;
use crate::canceller::Enclosed;
use crate::clock::Instant;
use crate::error::{Cancelled, JoinError, Panicked, Payload};
use crate::executor::context;
use crate::executor::face::Executor;
use crate::executor::host::Remote;
use crate::primitive::Mutex;
use crate::reply::{self, Answer};
use crate::task;
use crate::task::id::{Called, Spawned};
use crate::waker;
use crate::worker::link::caught;
use crate::worker::portal::handle::{Ended, Request};

pub use handle::{PortalError, PortalHandle};

/// The way into an executor from any thread: starts tasks there, and brings back what they end with.
///
/// Made by [`Executor::portal`], by [`Portal::current`] inside a task, or, with an executor of its own,
/// by [`start_portal`]. It is cloned, sent and shared. As long as there is one, something outside may
/// happen: a simulation's clock does not jump, and no deadlock is seen.
///
/// # Examples
///
/// ```
/// use bibelot::worker::Portal;
///
/// # bibelot::run(async {
/// let portal = Portal::current();
/// let thread = std::thread::spawn(move || portal.call(|| async { bibelot::task::current().id() }));
/// # let thread = bibelot::worker::run_in_thread(move || thread.join().unwrap());
/// assert!(thread.await.is_ok());
/// # });
/// ```
#[derive(Clone)]
pub struct Portal {
    /// Shared by all clones, which are stopped together.
    inner: Arc<Inner>,
}

/// What the clones share.
struct Inner {
    /// The way in.
    remote: Remote,
    /// The executor's thread.
    home: ThreadId,
    /// Whether it was stopped.
    is_stopped: AtomicBool,
    /// The thread of a portal that has one of its own.
    own: Option<Own>,
}

/// The thread that runs a portal's own executor.
struct Own {
    /// Ends the executor's main task, be it by being dropped.
    stop: Mutex<Option<Answer<()>>>,
    /// The thread, until somebody has joined it. Held while that is done.
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Executor {
    /// Returns a portal into this executor. What is asked of it is done when the executor runs or is
    /// given turns.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let executor = bibelot::Executor::new()?;
    /// let portal = executor.portal();
    /// let thread = std::thread::spawn(move || portal.call(|| async { 42 }));
    /// while !thread.is_finished() {
    ///     executor.turn(Some(std::time::Duration::from_millis(1)));
    /// }
    /// assert_eq!(thread.join().unwrap().unwrap(), 42);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn portal(&self) -> Portal {
        Portal::new(self.remote(), None)
    }
}

impl Portal {
    /// A portal into the executor of this thread.
    fn new(remote: Remote, own: Option<Own>) -> Self {
        Self::at(thread::current().id(), remote, own)
    }

    /// A portal into the executor of a thread.
    fn at(home: ThreadId, remote: Remote, own: Option<Own>) -> Self {
        Self {
            inner: Arc::new(Inner {
                remote,
                home,
                is_stopped: AtomicBool::new(false),
                own,
            }),
        }
    }

    /// Returns a portal into the executor that runs on this thread.
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    #[track_caller]
    #[must_use]
    pub fn current() -> Self {
        Self::new(context::with(|core| core.remote()), None)
    }

    /// Runs a future as a task of the executor, and blocks this thread for its value.
    ///
    /// `make` is called on the executor's thread, so the future needs not be `Send`.
    ///
    /// # Errors
    ///
    /// Returns an error if the task panicked, or if the executor has ended or the portal was stopped.
    ///
    /// # Panics
    ///
    /// Panics on the thread of an executor that has not ended, which it would block for ever, and
    /// inside any other executor; [`spawn`](Self::spawn) does not block.
    #[track_caller]
    pub fn call<M, F>(&self, make: M) -> Result<F::Output, PortalError>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        assert_may_wait(self.inner.home, || self.has_ended());
        self.spawn_at(make, Location::caller()).join()
    }

    /// Has the executor run a future as a task, and returns at once. From any thread, also its own.
    ///
    /// If the executor has ended, or the portal was stopped, `make` is dropped, and joining says so.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::time::{Duration, sleep};
    /// use bibelot::worker::start_portal;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let portal = start_portal()?;
    /// let mut slow = portal.spawn(|| sleep(Duration::from_secs(3600)));
    /// assert!(slow.wait_timeout(Duration::from_millis(1)).is_none());
    /// slow.cancel();
    /// assert!(slow.join().unwrap_err().is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn<M, F>(&self, make: M) -> PortalHandle<F::Output>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_at(make, Location::caller())
    }

    /// Whether what is asked for from now on is refused.
    fn has_ended(&self) -> bool {
        self.inner.is_stopped.load(Ordering::Acquire) || self.inner.remote.has_ended()
    }

    /// Has the executor run a future, in the name of a place.
    fn spawn_at<M, F>(&self, make: M, at: &'static Location<'static>) -> PortalHandle<F::Output>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        let (answer, reply) = reply::channel_at(at);
        let request = Arc::new(Request::new());
        let handle = PortalHandle {
            reply: Some(reply),
            request: Arc::clone(&request),
            home: self.inner.home,
        };
        if !self.inner.is_stopped.load(Ordering::Acquire) {
            // One that is refused is dropped, with the answer in it, and the handle knows.
            let _ = self
                .inner
                .remote
                .spawn_at(move || serve(make, request, answer), at);
        }
        handle
    }

    /// Lets no more calls through this portal and its clones. Tasks that were started go on to their
    /// end.
    ///
    /// That of [`start_portal`] ends its thread then, and this blocks until that has ended, except
    /// inside an executor, which it would block: there it only asks. So do not call it in a thread
    /// that one of those tasks waits for.
    pub fn stop(&self) {
        self.inner.is_stopped.store(true, Ordering::Release);
        let Some(own) = &self.inner.own else {
            return;
        };
        let stop = own.stop.lock().take();
        drop(stop);
        if !block::is_executors() {
            let mut thread = own.thread.lock();
            if let Some(thread) = thread.take() {
                // What it panicked with was told by std.
                let _ = thread.join();
            }
        }
    }
}

impl fmt::Debug for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portal")
            .field("is_stopped", &self.inner.is_stopped.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

/// # Panics
///
/// Panics if a wait on this thread would keep an executor from running, above all the one that lives
/// on `home`; for that it is a wait only unless `is_answered`.
#[track_caller]
fn assert_may_wait(home: ThreadId, is_answered: impl FnOnce() -> bool) {
    block::assert_may_block();
    assert!(
        thread::current().id() != home || is_answered(),
        "this would wait for the executor of this very thread, which cannot run meanwhile; use \
         Executor::run() instead"
    );
}

/// Runs an executor in a thread of its own, and returns the portal into it when it is there.
///
/// The thread ends, when all its tasks have, after [`Portal::stop`] or when the last clone of the
/// portal is dropped.
///
/// # Errors
///
/// Returns the system's error if it gives no thread or no poll instance.
///
/// # Examples
///
/// A program that is not async, and uses what is:
///
/// ```
/// use bibelot::time::{Duration, sleep};
/// use bibelot::worker::start_portal;
///
/// # fn main() -> std::io::Result<()> {
/// let portal = start_portal()?;
/// let answer = portal.call(|| async {
///     sleep(Duration::from_millis(1)).await;
///     42
/// });
/// assert_eq!(answer.unwrap(), 42);
/// portal.stop();
/// assert!(portal.call(|| async {}).unwrap_err().has_ended());
/// # Ok(())
/// # }
/// ```
pub fn start_portal() -> io::Result<Portal> {
    let (stop, stopped) = reply::channel();
    let (say, made) = mpsc::channel();
    let builder = thread::Builder::new().name(String::from("bibelot-portal"));
    let thread = builder.spawn(move || match Executor::new() {
        // Whoever starts it waits for what is said.
        Ok(executor) => {
            let _ = say.send(Ok(executor.remote()));
            executor.run_all(stopped);
        }
        Err(error) => {
            let _ = say.send(Err(error));
        }
    })?;
    let remote = made
        .recv()
        .unwrap_or_else(|_| Err(io::Error::other("the portal's thread panicked")))?;
    let home = thread.thread().id();
    let own = Own {
        stop: Mutex::new(Some(stop)),
        thread: Mutex::new(Some(thread)),
    };
    Ok(Portal::at(home, remote, Some(own)))
}

/// What the task does: runs the future that `make` returns, and answers.
async fn serve<M, F>(make: M, request: Arc<Request>, answer: Answer<Ended<F::Output>>)
where
    M: FnOnce() -> F,
    F: Future,
    F::Output: Send,
{
    let mut inside = pin!(Enclosed::new(caught(async move { make().await })));
    let mut cancelled_at = None;
    let mut died_of = None;
    let ended = poll_fn(|cx| {
        let wished_at = request.poll(waker::keep(cx.waker()));
        if wished_at.is_some() && inside.is_running() {
            cancelled_at = wished_at;
            let dropped = catch_unwind(AssertUnwindSafe(|| inside.as_mut().cancel()));
            died_of = dropped.err();
        }
        ready!(inside.as_mut().poll_inside(Instant::NEVER, cx));
        inside.as_mut().poll_end(cx)
    });
    let ended = match (ended.await, died_of) {
        (Some(Ok(value)), _) => Ok(value),
        (Some(Err(payload)), _) | (None, Some(payload)) => Err(panicked(payload)),
        (None, None) => Err(cancelled(cancelled_at)),
    };
    if let Err(Err(error)) = answer.send(ended) {
        error.report();
    }
}

/// The running task as texts name it.
fn describe() -> String {
    let task = task::current();
    Spawned(Called(task.name(), task.id()), task.spawned_at()).to_string()
}

/// The error of the running task, which has panicked.
fn panicked(payload: Payload) -> PortalError {
    PortalError::Failed(JoinError::Panicked(Panicked::new(describe(), payload)))
}

/// The error of the running task, which was cancelled.
fn cancelled(at: Option<&'static Location<'static>>) -> PortalError {
    let at = at.unwrap_or_else(|| task::current().spawned_at());
    PortalError::Failed(JoinError::Cancelled(Cancelled::new(describe(), at, None)))
}
