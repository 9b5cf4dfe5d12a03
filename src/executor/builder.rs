//! [`ExecutorBuilder`]: how an executor is to be, before it is.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::io;
use std::mem::{replace, take};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Instant};
use crate::executor::face::Executor;
use crate::executor::{Core, POLLS_PER_LOOK, stats};
use crate::inbox::Inbox;
#[cfg(feature = "trace")]
use crate::observer::Gallery;
use crate::observer::{Observer, Seat};
use crate::reactor::Reactor;
use crate::reactor::simulated::Network;
use crate::registry;
use crate::report::{self, Hook, Report};
use crate::sched::{Fifo, Policy};
use crate::scheduler::Scheduler;
use crate::scheduler::choice::{Choice, Chooses};
use crate::scheduler::roster::{Lists, Roster};
use crate::task::cell::Turn;
use crate::timers::Timers;

/// How long cleanups may take after a cancel, unless the builder is told.
const GRACE: Duration = Duration::from_secs(5);

/// How many jobs may be in threads at once, unless the builder is told; curio's figure.
#[cfg(feature = "worker")]
const THREADS_MAX: usize = 64;

/// What an executor is told by its builder. What few ask for is a pointer, so that a program which does
/// not ask for it has none of its code.
pub(crate) struct Options {
    /// How long a poll may take before it is reported.
    pub(crate) slow_poll: Duration,
    /// What to call after each poll, if it is to be timed.
    pub(crate) on_slow_poll: Option<fn(&Core, &Turn, Instant)>,
    /// How much later than its deadline a timer may fire.
    pub(crate) timer_slack: Duration,
    /// How long cleanups may take after a cancel.
    pub(crate) grace: Duration,
    /// How many jobs may be in threads at once.
    #[cfg(feature = "worker")]
    pub(crate) thread_limit: usize,
    /// What to call at a deadlock, if it is to be looked for.
    pub(crate) on_deadlock: Option<fn(&Core)>,
    /// Where reports go.
    pub(crate) hook: Option<Hook>,
    /// What time is, until the executor is made: then it has the clock.
    pub(crate) clock: Clock,
    /// Who keeps a list of the children of scopes, if somebody may ask for it.
    pub(crate) roster: Option<Box<dyn Lists>>,
    /// The seed of the simulation, for its reports.
    pub(crate) seed: Option<u64>,
    /// Who chooses among ready tasks, if they do not come first in, first out.
    pub(crate) choice: Option<Box<dyn Chooses>>,
    /// Who is told what happens.
    pub(crate) observers: Vec<Box<dyn Observer>>,
    /// What makes an audience of them, if there are some.
    pub(crate) seat: Option<Seat>,
    /// Where sockets are made, if not in the kernel.
    pub(crate) network: Option<Rc<dyn Network>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            slow_poll: Duration::MAX,
            on_slow_poll: None,
            timer_slack: Duration::ZERO,
            grace: GRACE,
            #[cfg(feature = "worker")]
            thread_limit: THREADS_MAX,
            on_deadlock: None,
            hook: None,
            clock: Clock::Real,
            roster: None,
            seed: None,
            choice: None,
            observers: Vec::new(),
            seat: None,
            network: None,
        }
    }
}

/// Makes an [`Executor`] that is not like all others; see [`Executor::builder`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # fn main() -> std::io::Result<()> {
/// let executor = bibelot::Executor::builder()
///     .slow_poll(Duration::from_millis(50))
///     .timer_slack(Duration::from_micros(50))
///     .build()?;
/// assert_eq!(executor.run(async { 6 * 7 }), 42);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use = "nothing is made until build() is called"]
pub struct ExecutorBuilder {
    /// What it was told so far.
    options: Options,
    /// Whether it was told a policy, of which first in, first out may be one.
    #[cfg(feature = "testing")]
    has_policy: bool,
}

impl ExecutorBuilder {
    /// Reports every poll that holds the thread for longer than `limit`: with the task's name, where it
    /// was spawned, and where it waits since (curio's `longblock`). Costs two readings of the clock a poll.
    pub fn slow_poll(mut self, limit: Duration) -> Self {
        self.options.slow_poll = limit;
        self.options.on_slow_poll = Some(Core::report_if_slow);
        self
    }

    /// Lets timers fire up to `slack` late, so that many that are due close together cost one wake
    /// of the thread. Zero, the default, is exact to the nanosecond, as far as the machine is.
    pub fn timer_slack(mut self, slack: Duration) -> Self {
        self.options.timer_slack = slack;
        self
    }

    /// Sets how long the cleanups of a cancelled future may take together, from the cancel on, and
    /// how long a shutdown waits for those of all tasks: 5 seconds, unless this says otherwise. What
    /// is left then is dropped and reported. [`Duration::MAX`] is no limit: then a cleanup that waits for
    /// ever keeps its task, and a shutdown, for ever.
    ///
    /// See [`task::finally`](crate::task::finally).
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.grace = grace;
        self
    }

    /// Sets how many jobs [`worker::run_in_thread`](crate::worker::run_in_thread) does at once: 64,
    /// unless this says otherwise. Those that are too many wait, first come, first served. So many are
    /// the tokens of [`worker::limiter`](crate::worker::limiter) at first, which can be changed there.
    ///
    /// # Panics
    ///
    /// Panics if it is zero: no job would ever be done.
    #[cfg(feature = "worker")]
    #[track_caller]
    pub fn thread_limit(mut self, limit: usize) -> Self {
        assert!(limit > 0, "without a thread no job would ever be done");
        self.options.thread_limit = limit;
        self
    }

    /// Has a policy choose which of the ready tasks is polled next; see [`sched`](crate::sched). Without one,
    /// and with [`Fifo`], they come first in, first out, at no cost.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::Executor;
    /// use bibelot::sched::Priority;
    /// use bibelot::task::Builder;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let executor = Executor::builder().policy(Priority::new()).build()?;
    /// executor.run(async {
    ///     let usual = bibelot::spawn(async { println!("comes second") });
    ///     let urgent = Builder::new().priority(1).spawn(async { println!("comes first") });
    ///     urgent.await.unwrap();
    ///     usual.await.unwrap();
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn policy(mut self, policy: impl Policy + 'static) -> Self {
        let is_fifo = (&policy as &dyn Any).is::<Fifo>();
        let name = Some(policy.name());
        self.options.choice = match is_fifo {
            true => None,
            false => Some(Box::new(Choice::new(policy, name))),
        };
        #[cfg(feature = "testing")]
        {
            self.has_policy = true;
        }
        self
    }

    /// Whether it was told a policy.
    #[cfg(feature = "testing")]
    pub(crate) fn has_policy(&self) -> bool {
        self.has_policy
    }

    /// Has a policy of ours choose, which may panic to end the run, and is asked again after that.
    #[cfg(feature = "testing")]
    pub(crate) fn directed(mut self, policy: impl Policy + 'static) -> Self {
        self.options.choice = Some(Box::new(Choice::new(policy, None)));
        self
    }

    /// Panics out of `run` when every task waits for another: none is ready, no deadline is set, no
    /// descriptor, thread or foreign waker is awaited. The text is a tree of the tasks and of the children of
    /// scopes, each below the one that spawned it, with what it waits for, and where.
    ///
    /// So that it can tell of them, the executor keeps a list of the children of scopes.
    pub fn detect_deadlock(mut self) -> Self {
        self.options.on_deadlock = Some(Core::report_deadlock);
        self.options.roster = Some(Box::<Roster>::default());
        self
    }

    /// Sends every [`Report`] to `hook` instead of standard error: panics that nobody joins, slow
    /// polls, clients that could not be accepted or served, cleanups that were given up, bytes that were
    /// not written, child processes that had to be killed, policies that panic. The hook is called between
    /// two polls or during one; a hook that panics is told about on standard error.
    pub fn on_report(mut self, hook: impl Fn(&Report) + 'static) -> Self {
        self.options.hook = Some(report::hook(hook));
        self
    }

    /// Has an observer told what happens: spawns, wakes, polls, waits, ends, deadlines, descriptors, turns.
    /// Of several, each is told; see [`trace`](crate::trace). An executor without one notes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::Executor;
    /// use bibelot::time::Instant;
    /// use bibelot::trace::Event;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let executor = Executor::builder()
    ///     .observer(|at: Instant, event: &Event| println!("{at:?} {event}"))
    ///     .build()?;
    /// executor.run(bibelot::task::yield_now());
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "trace")]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.options.observers.push(Box::new(observer));
        self.options.seat = Some(Gallery::seat);
        self
    }

    /// Gives the executor a clock that jumps, or one that is moved by hand, and detects deadlocks. Reports
    /// name the seed, if there is one.
    #[cfg(feature = "testing")]
    pub(crate) fn simulated(mut self, is_manual: bool, seed: Option<u64>) -> Self {
        self.options.clock = match is_manual {
            true => Clock::new_manual(),
            false => Clock::new_virtual(),
        };
        self.options.seed = seed;
        self.detect_deadlock()
    }

    /// Has sockets made in a simulated network.
    #[cfg(feature = "testing")]
    pub(crate) fn network(mut self, network: Rc<dyn Network>) -> Self {
        self.options.network = Some(network);
        self
    }

    /// Makes the executor.
    ///
    /// # Errors
    ///
    /// Returns an error if the system gives no poll instance, for want of descriptors say.
    pub fn build(self) -> io::Result<Executor> {
        let mut options = self.options;
        let mut choice = options.choice.take();
        let clock = replace(&mut options.clock, Clock::Real);
        if let Some(choice) = &mut choice {
            choice.set_clock(clock.clone());
        }
        let roster = options.roster.take();
        let observers = take(&mut options.observers);
        let watched = options.seat.map(|seat| seat(clock.clone(), observers));
        let is_watched = options.on_slow_poll.is_some() || watched.is_some();
        let (reactor, bell) = Reactor::new(watched.clone())?;
        let inbox = Arc::new(Inbox::new(bell));
        let (id, first_generation) = registry::enlist(Arc::clone(&inbox))?;
        let core = Core {
            timers: RefCell::new(Timers::new(watched.clone())),
            scheduler: Scheduler::new(id, first_generation, choice, roster, watched),
            reactor: Rc::new(reactor),
            inbox,
            reading: Cell::new(clock.now()),
            clock,
            ledger: OnceCell::new(),
            idlers: OnceCell::new(),
            #[cfg(feature = "worker")]
            limiter: OnceCell::new(),
            limit: Cell::new(Instant::NEVER),
            wakers: Cell::default(),
            next_look: Cell::new(POLLS_PER_LOOK),
            counters: stats::Counters::default(),
            is_watched: Cell::new(is_watched),
            noted_turn: Cell::new(0),
            options,
            is_shut_down: Cell::new(false),
            is_entered: Cell::new(false),
        };
        Ok(Executor::new_from(Rc::new(core)))
    }
}

impl fmt::Debug for ExecutorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slow_poll = self.options.on_slow_poll.map(|_| self.options.slow_poll);
        f.debug_struct("ExecutorBuilder")
            .field("slow_poll", &slow_poll)
            .field("timer_slack", &self.options.timer_slack)
            .field("detect_deadlock", &self.options.on_deadlock.is_some())
            .finish_non_exhaustive()
    }
}
