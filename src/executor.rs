//! The executor: one thread, one loop.
//!
//! ```text
//!                  spawn(future)                       another thread: waker.wake()
//!                       │                                           │
//!                       ▼                    taken each turn        ▼
//!    ┌──────────── ready queue ◄──────────────────────────────── inbox ─── bell ─┐
//!    │ at most what was ready when the turn began                   ▲            │ only if asleep
//!    ▼                                                              │            ▼
//!  take the task out of its slot ─ poll ─┬─ ready ──► output ──► wake the joiner │
//!    (nothing borrowed)                  └─ pending: a leaf future has left      │
//!                                           the task's waker where it waits      │
//!    │ nothing ready: sleep in the reactor until the next deadline ◄─────────────┘
//!    └► ready sources and due timers ─► wakers collected ─► borrows ended ─► woken ─► ready queue
//! ```
//!
//! The laws, each with a test of that number in `tests/laws.rs`:
//!
//! 1. Take, poll, put back: no user code (poll, drop, wake, hook) runs while anything is borrowed.
//! 2. A leaf future registers in `poll` and deregisters in `Drop`.
//! 3. *queued* is cleared before the poll, so a wake during the poll is kept.
//! 4. To sleep: set `asleep`, fence, look at the inbox once more. To wake: push, fence, ring if
//!    `asleep`.
//! 5. A turn makes at most as many polls as tasks were ready when it began.
//! 6. Wakers are collected, the borrow ends, then they are woken.
//! 7. Tasks are polled and dropped on their own thread only.
//! 8. Same seed, same clock, same inputs: same trace.
//!
//! Read next: `scheduler.rs` (slots and ready queue), `inbox.rs` (the sleep), `executor/face.rs`
//! (what users see of all this).

pub(crate) mod builder;
pub(crate) mod context;
pub(crate) mod face;
pub(crate) mod host;
mod shutdown;
mod sleep;
pub(crate) mod spawn;
pub(crate) mod stats;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::{self, Clock, Instant};
use crate::error::JoinError;
use crate::inbox::{Inbox, Message};
use crate::reactor::Reactor;
use crate::report::{self, Hook, Report, SlowPoll};
use crate::scheduler::Scheduler;
use crate::task::cell::TaskRef;
use crate::task::extras;
use crate::timers::Timers;
use crate::waker::{self, Token};

/// How many polls there are at most between two looks at the world outside: sockets, timers, other
/// threads. A look costs a system call, some twenty polls' worth, so this adds a third of a poll to
/// each; and at a microsecond a poll nobody outside waits longer than 61 µs. A prime, so that it
/// falls in step with nothing; tokio's figure.
const POLLS_PER_LOOK: u64 = 61;

/// An executor, as its parts know it.
pub(crate) struct Core {
    /// The tasks.
    scheduler: Scheduler,
    /// The deadlines.
    timers: RefCell<Timers>,
    /// The descriptors.
    reactor: Rc<Reactor>,
    /// What other threads want.
    inbox: Arc<Inbox>,
    /// What it takes for the time.
    clock: Clock,
    /// What the clock said when timers were last looked at.
    reading: Cell<Instant>,
    /// The earliest deadline of the timeouts around what is being polled.
    enclosing: Cell<Instant>,
    /// Room for wakers between their collection and their wakes.
    wakers: Cell<Vec<Waker>>,
    /// How many tasks were spawned, of which the last has this number.
    spawned: Cell<u64>,
    /// The generation of the first task.
    first_generation: u16,
    /// Counters that nothing else needs.
    counters: stats::Counters,
    /// What the builder was told.
    options: builder::Options,
    /// Whether `shutdown` was called.
    is_shut_down: Cell<bool>,
}

/// A place in the source.
type Place = &'static Location<'static>;

/// Polls the future given to `run`, whose value goes where that wants it; or drops it, if there is
/// nothing to poll it with. Never panics.
type PollMain<'a> = dyn FnMut(Option<&mut Context<'_>>) -> Poll<()> + 'a;

/// The future given to `run`, and the task in whose name it is polled and dropped: it may borrow from
/// its caller, so it lies there and not in a task's cell.
struct Main<'a> {
    /// Whose main future it is.
    core: &'a Core,
    /// The future.
    poll: &'a mut PollMain<'a>,
    /// The task; `None` once it has ended.
    token: Option<Token>,
}

impl Drop for Main<'_> {
    /// Ends the task also when `run` unwinds.
    fn drop(&mut self) {
        if let Some(token) = self.token
            && let Some(task) = self.core.scheduler.take(token)
        {
            let _dropped = (self.poll)(None);
            self.core.end(token, task);
        }
    }
}

impl Core {
    /// Turns until the main future has ended.
    fn run_main<'a>(self: &'a Rc<Self>, poll: &'a mut PollMain<'a>, at: Place) {
        // The task in whose name the future is polled; its own future never is.
        let name = Some(String::from("main"));
        let (token, _) = self.admit(std::future::pending::<()>(), name, at);
        let mut main = Main {
            core: self,
            poll,
            token: Some(token),
        };
        while main.token.is_some() {
            self.turn(Some(&mut main));
        }
    }

    /// Turns until no task is left.
    fn run_rest(self: &Rc<Self>) {
        while self.scheduler.len() > 0 {
            self.turn(None);
        }
    }

    /// One turn: every task that is ready is polled once; if then none is, sleeps until one may be.
    fn turn(self: &Rc<Self>, mut main: Option<&mut Main<'_>>) {
        self.take_messages();
        self.poll_ready(main.as_deref_mut());
        let is_main_done = main.is_some_and(|main| main.token.is_none());
        if self.scheduler.ready_len() == 0 && self.scheduler.len() > 0 && !is_main_done {
            self.sleep(None);
        }
    }

    /// Makes as many polls as there are ready tasks now, and ends with that of a main future that
    /// has its value. Looks outside now and then.
    fn poll_ready(&self, mut main: Option<&mut Main<'_>>) {
        self.counters.turns.add(1);
        for _ in 0..self.scheduler.ready_len() {
            let Some((token, task)) = self.scheduler.next() else {
                return;
            };
            let polls = self.counters.polls.add(1);
            match &mut main {
                Some(main) if main.token == Some(token) => {
                    self.step(token, task, Some(main));
                    if main.token.is_none() {
                        return;
                    }
                }
                _ => self.step(token, task, None),
            }
            if polls.is_multiple_of(POLLS_PER_LOOK) {
                self.look_outside();
            }
        }
    }

    /// Polls a task that was taken out of its slot, and puts it back or ends it.
    fn step(&self, token: Token, mut task: TaskRef, main: Option<&mut Main<'_>>) {
        let started = self
            .options
            .slow_poll
            .map(|limit| (limit, clock::real_now()));
        let waker = ManuallyDrop::new(token.waker());
        let cx = &mut Context::from_waker(&waker);
        let polled = match main {
            Some(main) => {
                let polled = (main.poll)(Some(cx));
                if polled.is_ready() {
                    main.token = None;
                }
                polled
            }
            None if task.is_cancelled() => {
                task.cancel(extras::cancellation(&task));
                Poll::Ready(())
            }
            None => task.poll(cx),
        };
        if self.scheduler.take_has_extras() {
            task.set_extras();
        }
        if let Some((limit, started)) = started {
            self.report_if_slow(&task, limit, started);
        }
        match polled {
            Poll::Ready(()) => self.end(token, task),
            Poll::Pending => self.scheduler.put_back(token, task),
        }
    }

    /// Ends a task whose future has ended or was dropped.
    fn end(&self, token: Token, mut task: TaskRef) {
        let joiner = task.take_joiner();
        if let Some(JoinError::Panicked(panicked)) = task.take_error() {
            report::send_panic(panicked);
        }
        // The destructor of an output that nobody wants is user code of this task, so it is still
        // the current one; what it asks of `extras` is forgotten with the task.
        task.drop_unwanted();
        if self.scheduler.take_has_extras() {
            task.set_extras();
        }
        drop(task);
        self.scheduler.remove(token);
        if let Some(joiner) = joiner {
            waker::wake_kept(joiner);
        }
    }

    /// Does what other threads have asked for.
    fn take_messages(&self) {
        self.inbox.take(|message| match message {
            Message::Wake(token) => self.scheduler.wake(token),
            Message::Call(call) => call(),
        });
    }

    /// Looks at the world outside without waiting for it.
    fn look_outside(&self) {
        self.take_messages();
        self.wake_all(|wakers| {
            if !self.reactor.is_empty() {
                self.reactor.wait(Some(Duration::ZERO), wakers);
            }
            self.expire(wakers);
        });
    }

    /// Has wakers collected, and wakes them when nothing is borrowed any more.
    fn wake_all(&self, collect: impl FnOnce(&mut Vec<Waker>)) {
        let mut wakers = self.wakers.take();
        collect(&mut wakers);
        for waker in wakers.drain(..) {
            waker::wake_kept(waker);
        }
        self.wakers.set(wakers);
    }

    /// Collects the wakers of the timers that are due, by a fresh reading of the clock.
    fn expire(&self, wakers: &mut Vec<Waker>) {
        let mut timers = self.timers.borrow_mut();
        if timers.len() > 0 {
            self.reading.set(self.clock.now());
            timers.expire(self.reading.get(), wakers);
        }
    }

    /// Reports a poll that held the thread too long.
    fn report_if_slow(&self, task: &TaskRef, limit: Duration, started: Instant) {
        let took = clock::real_now() - started;
        if took > limit {
            report::send(&Report::SlowPoll(SlowPoll {
                task: extras::describe(task),
                took,
                waits_at: self.scheduler.waits_at(),
            }));
        }
    }

    /// The tasks.
    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// The deadlines.
    pub(crate) fn timers(&self) -> &RefCell<Timers> {
        &self.timers
    }

    /// The descriptors.
    pub(crate) fn reactor(&self) -> &Rc<Reactor> {
        &self.reactor
    }

    /// What it takes for the time.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the clock said when timers were last looked at. Expiry is judged by this reading alone,
    /// so that deadlines which pass together are seen to pass together.
    pub(crate) fn reading(&self) -> Instant {
        self.reading.get()
    }

    /// The earliest deadline of the timeouts around what is being polled.
    pub(crate) fn enclosing(&self) -> &Cell<Instant> {
        &self.enclosing
    }

    /// Where reports go.
    pub(crate) fn hook(&self) -> Option<Hook> {
        self.options.hook.clone()
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("id", &self.scheduler.id())
            .field("tasks", &self.scheduler.len())
            .field("ready", &self.scheduler.ready_len())
            .finish_non_exhaustive()
    }
}
