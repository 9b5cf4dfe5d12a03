//! The executor as a guest in a loop that is not its own: a GUI's, a game's, another reactor's.
//!
//! ```text
//!   loop {                                        // the host's
//!       wait for: executor.as_fd() readable, or executor.next_deadline(), or the host's own events
//!       executor.turn(Some(Duration::ZERO))
//!   }
//! ```
//!
//! Between two turns the executor counts as asleep: whoever wakes one of its tasks rings its bell,
//! which makes the descriptor readable and calls the host's `on_wake`. (trio's guest mode, which
//! users of tokio have asked for since 2020.)

use std::fmt;
#[cfg(not(polling_test_poll_backend))]
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Instant;
use crate::executor::face::Executor;
use crate::executor::spawn::spawn_at;
use crate::executor::{Core, context};
use crate::inbox::Inbox;

impl Executor {
    /// Takes one turn: looks at sockets, timers and other threads, and polls every task that is
    /// ready then, once. If none is ready, waits first until one may be, but no longer than
    /// `timeout`; `None` is for ever, zero not at all.
    ///
    /// # Panics
    ///
    /// Panics if an executor is running on this thread already, or after a shutdown.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let executor = bibelot::Executor::new()?;
    /// let handle = executor.spawn(async { 6 * 7 });
    /// while !handle.is_finished() {
    ///     executor.turn(Some(Duration::ZERO)); // a game would draw its frame in between
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn turn(&self, timeout: Option<Duration>) {
        self.assert_may_turn();
        let core = &self.core;
        core.inbox.end_sleep();
        context::enter(core, &mut || {
            core.take_messages();
            if core.scheduler.ready_len() == 0 {
                core.sleep(timeout);
                core.take_messages();
            } else {
                core.look_outside();
                if core.reactor.is_empty() {
                    // That has not waited, but only a wait makes our descriptor unreadable again once
                    // the bell has rung. There are no sources, so no wakers.
                    core.reactor.wait(Some(Duration::ZERO), &mut Vec::new());
                }
            }
            core.poll_ready(core.scheduler.ready_len(), &mut None);
            core.end_poll();
        });
        core.leave_to_host();
    }

    /// The moment at which the executor wants a turn even if its descriptor is not readable: now
    /// if a task is ready (or waits for [the others to wait](crate::testing::settle())), the next deadline
    /// otherwise, `None` if there is none.
    ///
    /// It is on the executor's clock, so a host compares it with
    /// [`bibelot::time::Instant::now`](crate::time::Instant::now).
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::time::{Duration, Instant, sleep};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let executor = bibelot::Executor::new()?;
    /// let wait = || executor.next_deadline().map(|deadline| deadline - Instant::now());
    /// assert_eq!(wait(), None);
    /// executor.spawn(sleep(Duration::from_secs(1)));
    /// assert_eq!(wait(), Some(Duration::ZERO)); // the task is ready for its first poll
    /// executor.turn(wait());
    /// assert!(wait() > Some(Duration::ZERO));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let core = &self.core;
        let is_ready = core.scheduler.ready_len() > 0 || !core.inbox.is_empty();
        if is_ready || core.waiting_idlers().is_some() {
            return Some(core.clock.now());
        }
        let slack = core.options.timer_slack;
        let next = core.timers.borrow().next();
        let deadline = next?.saturating_add(slack);
        (deadline != Instant::NEVER).then_some(deadline)
    }

    /// Sets what to call when the executor should have a turn: from whatever thread wakes it, once
    /// per sleep. For hosts that can be posted an event but cannot wait for a descriptor.
    ///
    /// Whoever wakes calls it: [`spawn`](Self::spawn), the end of a [`turn`](Self::turn) that leaves work,
    /// a worker's thread. So it should do no more than tell the host, and what it panics with ends there: a
    /// line on standard error says so.
    ///
    /// It is called for neither deadlines nor sockets, since nobody wakes the executor for those:
    /// [`next_deadline`](Self::next_deadline) tells of the ones and [`as_fd`](Self::as_fd) of the others.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let executor = bibelot::Executor::new()?;
    /// let (events, host) = mpsc::channel();
    /// executor.on_wake(move || events.send("turn, please").unwrap());
    /// executor.turn(Some(std::time::Duration::ZERO));
    /// executor.spawn(async {});
    /// assert_eq!(host.recv().unwrap(), "turn, please");
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_wake(&self, f: impl Fn() + Send + Sync + 'static) {
        self.core.inbox.set_on_wake(Arc::new(f));
    }

    /// Returns a handle by which other threads start tasks in this executor.
    #[must_use]
    pub fn remote(&self) -> Remote {
        self.core.remote()
    }

    /// The descriptor that is readable when the executor should have a turn: an event has come, or
    /// somebody has woken a task. Wait for it, do not read it, and wait no longer than until
    /// [`next_deadline`](Self::next_deadline): a deadline does not make it readable.
    ///
    /// # Examples
    ///
    /// A host that waits for the executor and for a descriptor of its own:
    ///
    /// ```
    /// use bibelot::time::{Duration, Instant, sleep};
    /// use rustix::event::{PollFd, PollFlags, Timespec, poll};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let executor = bibelot::Executor::new()?;
    /// let handle = executor.spawn(sleep(Duration::from_millis(2)));
    /// let (ours, _theirs) = std::os::unix::net::UnixStream::pair()?;
    /// while !handle.is_finished() {
    ///     let wait = executor.next_deadline().map(|deadline| deadline - Instant::now());
    ///     let wait = wait.map(|wait| Timespec::try_from(wait).unwrap());
    ///     let mut fds = [
    ///         PollFd::new(&executor, PollFlags::IN),
    ///         PollFd::new(&ours, PollFlags::IN),
    ///     ];
    ///     poll(&mut fds, wait.as_ref())?;
    ///     if fds[1].revents().contains(PollFlags::IN) {
    ///         // the host's own business
    ///     }
    ///     executor.turn(Some(Duration::ZERO));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(not(polling_test_poll_backend))]
    #[must_use]
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.core.reactor.as_fd()
    }
}

#[cfg(not(polling_test_poll_backend))]
impl AsFd for Executor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        Executor::as_fd(self)
    }
}

impl Core {
    /// A handle by which other threads start tasks.
    pub(crate) fn remote(&self) -> Remote {
        self.inbox.add_remote();
        Remote {
            inbox: Arc::clone(&self.inbox),
        }
    }

    /// Counts as asleep until the host gives the next turn.
    pub(super) fn leave_to_host(&self) {
        self.wake_all(&mut |wakers| self.reactor.ask(wakers));
        self.reactor.prepare(false);
        self.inbox.leave_to_host(self.scheduler.ready_len() > 0);
    }
}

/// The way into an executor from other threads; made by [`Executor::remote`].
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let executor = bibelot::Executor::new()?;
/// let remote = executor.remote();
/// let (done, wait) = std::sync::mpsc::channel();
/// let thread = std::thread::spawn(move || {
///     remote.spawn(move || async move { done.send("made here, run there").unwrap() })
/// });
/// thread.join().unwrap().expect("the executor is alive");
/// executor.run(bibelot::task::yield_now());
/// assert_eq!(wait.recv().unwrap(), "made here, run there");
/// # Ok(())
/// # }
/// ```
pub struct Remote {
    /// The executor's door.
    inbox: Arc<Inbox>,
}

/// The error of [`Remote::spawn`] when the executor has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutorEnded;

impl fmt::Display for ExecutorEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spawning in an executor that has ended")
    }
}

impl std::error::Error for ExecutorEnded {}

impl Remote {
    /// Has the executor call `make` on its own thread and run the future that it returns as a task.
    /// Only the closure crosses threads, so the future needs not be `Send`.
    ///
    /// # Errors
    ///
    /// Returns an error if the executor has ended; `make` is dropped then. If it ends before it
    /// comes to the call, `make` is dropped too.
    #[track_caller]
    pub fn spawn<M, F>(&self, make: M) -> Result<(), ExecutorEnded>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future<Output = ()> + 'static,
    {
        let at = Location::caller();
        self.spawn_at(make, at)
    }

    /// [`spawn`](Self::spawn), in the name of a place.
    pub(crate) fn spawn_at<M, F>(
        &self,
        make: M,
        at: &'static Location<'static>,
    ) -> Result<(), ExecutorEnded>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future<Output = ()> + 'static,
    {
        let call = Box::new(move || {
            // `make` is called in the task's first poll, so that its panic is the task's.
            drop(spawn_at(async move { make().await }, at));
        });
        self.inbox.call(call).map_err(|_| ExecutorEnded)
    }

    /// Whether the executor has ended, so that it lets nobody in any more.
    #[cfg(feature = "worker")]
    pub(crate) fn has_ended(&self) -> bool {
        self.inbox.is_closed()
    }
}

impl Clone for Remote {
    fn clone(&self) -> Self {
        self.inbox.add_remote();
        Self {
            inbox: Arc::clone(&self.inbox),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.inbox.remove_remote();
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}
