//! The executor: one thread, one loop.
//!
//! ```text
//!                  spawn(future)                       another thread: waker.wake()
//!                       │                                           │
//!                       ▼                    taken each turn        ▼
//!    ┌──────────── ready queue ◄──────────────────────────────── inbox ─── bell ─┐
//!    │ at most what was ready when the turn began                   ▲            │ only if asleep
//!    ▼                                                              │            ▼
//!  the turn of the next task ─ poll ─┬─ ready ──► output ──► wake the joiner     │
//!    (nothing borrowed)              └─ pending: a leaf future has left          │
//!                                       the task's waker where it waits          │
//!    │ nothing ready: sleep in the reactor until the next deadline ◄─────────────┘
//!    └► ready sources and due timers ─► wakers collected ─► borrows ended ─► woken ─► ready queue
//! ```
//!
//! The laws, each with a test of that number in `tests/laws.rs`:
//!
//! 1. Take the turn, poll, park: no user code (poll, drop, wake, hook) runs while anything is borrowed.
//! 2. A leaf future registers in `poll` and deregisters in `Drop`.
//! 3. *queued* is cleared before the poll, so a wake during the poll is kept.
//! 4. To sleep: set `asleep`, fence, look at the inbox once more. To wake: push, fence, ring if
//!    `asleep`.
//! 5. A turn makes at most as many polls as tasks were ready when it began.
//! 6. Wakers are collected, the borrow ends, then they are woken.
//! 7. Tasks are polled and dropped on their own thread only.
//! 8. Same seed, same clock, same inputs: same trace.
//!
//! Read next: `waker.rs` (what a wake does), `scheduler.rs` (slots and ready queue), `inbox.rs` (the
//! sleep), `executor/face.rs` (what users see of all this).

pub(crate) mod builder;
pub(crate) mod context;
mod deadlock;
pub(crate) mod face;
pub(crate) mod host;
pub(crate) mod idle;
pub(crate) mod ledger;
mod main_future;
mod shutdown;
mod sleep;
pub(crate) mod spawn;
mod special;
pub(crate) mod stats;

#[cfg(feature = "worker")]
use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::{self, Clock, Instant};
use crate::error::JoinError;
use crate::executor::idle::Idles;
use crate::executor::ledger::Pays;
use crate::executor::main_future::Main;
use crate::inbox::{Inbox, Message};
use crate::reactor::Reactor;
use crate::reactor::simulated::Network;
use crate::report::{self, Hook, Report, SlowPoll};
use crate::scheduler::Scheduler;
use crate::task::cell::Turn;
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
    /// What tasks still have to do for futures that were dropped.
    ledger: OnceCell<Box<dyn Pays>>,
    /// Who waits for it to have nothing to do.
    idlers: OnceCell<Box<dyn Idles>>,
    /// What limits its jobs in threads; made with the first.
    #[cfg(feature = "worker")]
    limiter: OnceCell<Rc<dyn Any>>,
    /// When a shutdown gives up what is still owed.
    limit: Cell<Instant>,
    /// Room for wakers between their collection and their wakes.
    wakers: Cell<Vec<Waker>>,
    /// How many polls there are to have been at the next look outside.
    next_look: Cell<u64>,
    /// Counters that nothing else needs.
    counters: stats::Counters,
    /// What the builder was told.
    options: builder::Options,
    /// Whether each step is looked at: by an observer, for slow polls, or since the executor shuts down.
    is_watched: Cell<bool>,
    /// The last turn that observers were told of.
    noted_turn: Cell<u64>,
    /// Whether `shutdown` was called.
    is_shut_down: Cell<bool>,
    /// Whether it runs somewhere down the stack, be another one above it.
    is_entered: Cell<bool>,
}

/// A place in the source.
pub(crate) type Place = &'static Location<'static>;

impl Core {
    /// Turns until the main future has ended; without one, until no task is left, or, while the
    /// executor shuts down, until nothing is owed.
    fn run(&self, main: &mut Option<Main<'_>>) {
        while !self.is_over(main) {
            self.take_messages();
            match self.scheduler.ready_len() {
                0 => self.sleep(None),
                count => self.poll_ready(count, main),
            }
        }
        self.end_poll();
    }

    /// Whether there is nothing left to run for.
    #[inline]
    fn is_over(&self, main: &Option<Main<'_>>) -> bool {
        match main {
            Some(main) => main.token.is_none(),
            None if self.is_shut_down.get() => !self.scheduler.is_owing(),
            None => self.scheduler.len() == 0,
        }
    }

    /// Makes at most `count` polls, as many as there were ready tasks when the turn began, and looks
    /// outside now and then. The turn ends with the main future.
    #[inline]
    fn poll_ready(&self, count: usize, main: &mut Option<Main<'_>>) {
        self.counters.turns.add(1);
        for _ in 0..count {
            let next = match self.scheduler.tells() {
                false => self.scheduler.next(),
                true => self.next_told(),
            };
            let Some((token, turn)) = next else {
                return;
            };
            if self.step(token, turn, main) {
                return;
            }
            self.look_if_due();
        }
    }

    /// Polls a task in its turn, which ends with the task parked or ended. `true` says that it was
    /// the main one, and has ended.
    #[inline]
    fn step(&self, token: Token, mut turn: Turn, main: &mut Option<Main<'_>>) -> bool {
        self.counters.polls.add(1);
        let waker = ManuallyDrop::new(token.waker());
        let cx = &mut Context::from_waker(&waker);
        let polled = if self.is_watched.get() {
            self.poll_watched(&mut turn, main, cx)
        } else {
            self.poll_and_pay(&mut turn, main, cx)
        };
        if polled.is_pending() {
            self.scheduler.park(turn);
            return false;
        }
        self.end(token, turn, main)
    }

    /// Polls the future, and pays what the task owes: in its turns, too, and before it has ended.
    #[inline]
    fn poll_and_pay(
        &self,
        turn: &mut Turn,
        main: &mut Option<Main<'_>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let polled = self.poll(turn, main, cx);
        if turn.owes() && self.pay(turn).is_pending() {
            return Poll::Pending;
        }
        polled
    }

    /// Polls the future, or has what is special looked up before.
    #[inline]
    fn poll(&self, turn: &mut Turn, main: &mut Option<Main<'_>>, cx: &mut Context<'_>) -> Poll<()> {
        if turn.is_to_poll() {
            turn.poll(cx)
        } else {
            self.poll_special(turn, main, cx)
        }
    }

    /// Ends a task whose future has ended or was dropped. `true` says that it was the main one.
    fn end(&self, token: Token, mut turn: Turn, main: &mut Option<Main<'_>>) -> bool {
        let joiner = turn.take_joiner();
        let is_main = turn.has_ties() && self.cut_ties(&mut turn, main);
        if self.scheduler.waits().has_extras() {
            turn.set_extras();
        }
        self.scheduler.remove(token);
        drop(turn);
        if let Some(joiner) = joiner {
            waker::wake_kept(joiner);
        }
        self.scheduler.leave();
        is_main
    }

    /// Ends what few tasks have. `true` says that it was the main one.
    fn cut_ties(&self, turn: &mut Turn, main: &mut Option<Main<'_>>) -> bool {
        if turn.is_over() {
            return false;
        }
        if turn.has_left_overs() {
            self.end_unseen(turn);
        }
        if turn.is_plain() {
            return false;
        }
        self.end_special(turn);
        Main::of(turn, main).map(|main| main.token = None).is_some()
    }

    /// Drops the value of a task that nobody is left to join, and reports its panic.
    #[cold]
    fn end_unseen(&self, turn: &mut Turn) {
        // The destructor is user code of this task, which is therefore still the current one.
        if let Some(JoinError::Panicked(panicked)) = turn.take_error() {
            report::send_panic(panicked);
        }
        turn.drop_value();
    }

    /// Does what other threads have asked for.
    #[inline]
    fn take_messages(&self) {
        if !self.inbox.is_empty() {
            self.end_poll();
            self.inbox.take(|message| match message {
                Message::Wake(token) => self.scheduler.wake(token),
                Message::Call(call) => call(),
            });
        }
    }

    /// Looks outside if there were enough polls since the last look.
    #[inline]
    fn look_if_due(&self) {
        if self.is_look_due() {
            self.look_outside();
        }
    }

    /// Whether there were enough polls since the last look.
    #[inline]
    fn is_look_due(&self) -> bool {
        self.counters.polls.get() >= self.next_look.get()
    }

    /// Brings the next look outside nearer, as a poll does.
    fn count_towards_look(&self) {
        self.next_look.set(self.next_look.get().saturating_sub(1));
        self.look_if_due();
    }

    /// Looks at the world outside without waiting for it.
    #[cold]
    fn look_outside(&self) {
        self.end_poll();
        self.next_look
            .set(self.counters.polls.get() + POLLS_PER_LOOK);
        self.take_messages();
        self.wake_all(&mut |wakers| {
            if !self.reactor.is_empty() {
                self.reactor.wait(Some(Duration::ZERO), wakers);
            }
            self.expire(wakers);
        });
    }

    /// Has wakers collected, once, and wakes them when nothing is borrowed any more.
    fn wake_all(&self, collect: &mut dyn FnMut(&mut Vec<Waker>)) {
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
    #[cold]
    fn report_if_slow(&self, turn: &Turn, started: Instant) {
        let took = clock::real_now() - started;
        if took > self.options.slow_poll {
            report::send(&Report::SlowPoll(SlowPoll {
                task: extras::describe(turn),
                spawned_at: turn.spawned_at(),
                took,
                waits: self.scheduler.waits().to_string(),
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

    /// What tasks still have to do for futures that were dropped, if there ever was something.
    #[inline]
    pub(crate) fn ledger(&self) -> Option<&dyn Pays> {
        self.ledger.get().map(|ledger| &**ledger)
    }

    /// What limits its jobs in threads. What that is, a floor above knows, which makes it of how many
    /// there may be at first.
    #[cfg(feature = "worker")]
    pub(crate) fn limiter<L: Any>(&self, make: fn(usize) -> L) -> Rc<L> {
        let make = || Rc::new(make(self.options.thread_limit)) as Rc<dyn Any>;
        let limiter = Rc::clone(self.limiter.get_or_init(make));
        limiter.downcast().expect("there is one kind of it")
    }

    /// Where sockets are made, if not in the kernel.
    pub(crate) fn network(&self) -> Option<&Rc<dyn Network>> {
        self.options.network.as_ref()
    }

    /// What other threads want.
    #[cfg(feature = "worker")]
    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
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
