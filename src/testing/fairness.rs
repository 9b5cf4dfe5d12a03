//! [`fairness()`]: puts a policy through loads that starve somebody if it lets them.
//!
//! ```text
//!   self-waker      one that is always ready       and two patient ones
//!   ping-pong       two that keep waking each other            "
//!   sockets         eight that write to each other             "
//!   mixed           all of these, with priorities, deadlines, weights and long polls
//! ```
//!
//! The policy is asked by another one, which is told of every task that becomes ready: by its birth, by
//! itself, by another task or from outside. It counts the polls from there until the policy gives that task,
//! and a task that is passed over for a thousand of them has starved, whoever it is. Time is virtual, so a
//! verdict is the same on every machine.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::executor::face::Executor;
use crate::net::UnixStream;
use crate::sched::{Policy, ReadyTask};
use crate::task::{Builder, TaskId, consume, yield_now};
use crate::testing::Sim;
use crate::time::{Duration, Instant};

/// How often the tasks of a load do their work, together.
const ROUNDS: u64 = 10_000;

/// For how many polls of others a ready task may be passed over.
const PATIENCE: u64 = 1_000;

/// The error of [`fairness()`]: a policy has starved a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starved {
    /// The policy's name.
    policy: &'static str,
    /// Under which load.
    load: &'static str,
    /// The task.
    task: String,
    /// How many polls others had meanwhile.
    polls: u64,
}

impl Starved {
    /// The name of the task that was starved.
    #[must_use]
    pub fn task(&self) -> &str {
        &self.task
    }

    /// The load: `self-waker`, `ping-pong`, `sockets` or `mixed`.
    #[must_use]
    pub fn load(&self) -> &str {
        self.load
    }
}

impl fmt::Display for Starved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            policy,
            load,
            task,
            polls,
        } = self;
        write!(
            f,
            "{policy} starves task {task:?} under the load {load:?}: ready, and passed over for {polls} polls"
        )
    }
}

impl Error for Starved {}

/// Puts a policy through loads that starve somebody if it lets them: a task that wakes itself, two that
/// wake each other, a flood of ready sockets, and all of these with priorities, deadlines, weights and long
/// polls. `make` makes the policy anew for each.
///
/// All tasks of a load are held to the same: it does not matter whether one was spawned, woke itself, or was
/// woken by another task or by its socket.
///
/// # Errors
///
/// Returns an error if a task was ready and was passed over for a thousand polls of others; it names the
/// one that waited longest, under the first load in which there is one.
///
/// # Panics
///
/// Panics if the system gives no sockets.
///
/// # Examples
///
/// ```
/// use bibelot::sched::{Fifo, Lifo};
/// use bibelot::testing::fairness;
///
/// fairness(Fifo::default).unwrap();
/// let starved = fairness(Lifo::default).unwrap_err();
/// assert_eq!((starved.load(), starved.task()), ("self-waker", "patient 0"));
/// ```
pub fn fairness<P: Policy + 'static>(make: impl Fn() -> P) -> Result<(), Starved> {
    let loads: [Named; 4] = [
        ("self-waker", Load::self_waker),
        ("ping-pong", Load::ping_pong),
        ("sockets", Load::sockets),
        ("mixed", Load::mixed),
    ];
    for (name, start) in loads {
        let load = Load::default();
        let policy = make();
        let policy_name = policy.name();
        let worst = Rc::default();
        let watched = Watched {
            policy,
            polls: 0,
            ready: BTreeMap::new(),
            worst: Rc::clone(&worst),
        };
        Sim::from_builder(Executor::builder().policy(watched)).run(async {
            load.always_ready("patient 0", Builder::new(), Duration::ZERO);
            load.always_ready("patient 1", Builder::new(), Duration::ZERO);
            start(&load);
        });
        let worst = worst.take();
        if let Some((task, polls)) = worst.filter(|(_, polls)| *polls > PATIENCE) {
            return Err(Starved {
                policy: policy_name,
                load: name,
                task,
                polls,
            });
        }
    }
    Ok(())
}

/// A load, and its name.
type Named = (&'static str, fn(&Load));

/// The task that was passed over for longest, and for how many polls.
type Worst = Rc<RefCell<Option<(String, u64)>>>;

/// A policy, and somebody who counts how long it keeps whom.
struct Watched<P> {
    /// The policy.
    policy: P,
    /// How many polls there were.
    polls: u64,
    /// How many there had been when a task became ready, of each that is.
    ready: BTreeMap<TaskId, u64>,
    /// Whom it has kept for longest.
    worst: Worst,
}

impl<P: Policy> Policy for Watched<P> {
    fn push(&mut self, task: ReadyTask) {
        self.ready.insert(task.id(), self.polls);
        self.policy.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        let task = self.policy.pop()?;
        let since = self.ready.remove(&task.id());
        let passed_over = self.polls - since.unwrap_or(self.polls);
        self.polls += 1;
        // The main task has no name, and is over when the load begins.
        let mut worst = self.worst.borrow_mut();
        if let Some(name) = task.name()
            && worst.as_ref().is_none_or(|(_, most)| passed_over > *most)
        {
            *worst = Some((name.to_owned(), passed_over));
        }
        drop(worst);
        Some(task)
    }

    fn is_timed(&self) -> bool {
        self.policy.is_timed()
    }

    fn name(&self) -> &'static str {
        self.policy.name()
    }
}

/// What the tasks of one load share.
#[derive(Clone, Default)]
struct Load {
    /// How often they have done their work together.
    rounds: Rc<Cell<u64>>,
    /// How long each of those takes.
    cost: Rc<Cell<Duration>>,
}

impl Load {
    /// Counts a round. `false` says that the load is over.
    fn count(&self) -> bool {
        consume(self.cost.get());
        self.rounds.set(self.rounds.get() + 1);
        self.rounds.get() < ROUNDS
    }

    /// Starts a task that is always ready, and whose polls take longer by so much.
    fn always_ready(&self, name: &'static str, builder: Builder, longer: Duration) {
        let load = self.clone();
        drop(builder.name(name).spawn(async move {
            loop {
                consume(longer);
                if !load.count() {
                    return;
                }
                yield_now().await;
            }
        }));
    }

    /// One that wakes itself.
    fn self_waker(&self) {
        self.always_ready("self-waker", Builder::new(), Duration::ZERO);
    }

    /// Two that wake each other.
    fn ping_pong(&self) {
        let turn = Rc::new(Cell::new(false));
        let wakers: Rc<[Cell<Option<Waker>>; 2]> = Rc::default();
        for (name, me) in [("player 0", false), ("player 1", true)] {
            let (load, turn, wakers) = (self.clone(), Rc::clone(&turn), Rc::clone(&wakers));
            drop(Builder::new().name(name).spawn(async move {
                while load.count() {
                    poll_fn(|cx| match turn.get() == me {
                        true => Poll::Ready(()),
                        false => {
                            wakers[usize::from(me)].set(Some(cx.waker().clone()));
                            Poll::Pending
                        }
                    })
                    .await;
                    turn.set(!me);
                    if let Some(other) = wakers[usize::from(!me)].take() {
                        other.wake();
                    }
                }
            }));
        }
    }

    /// Eight that keep writing to each other.
    fn sockets(&self) {
        for pair in 0..4 {
            let (one, other) = UnixStream::pair().expect("a pair of sockets");
            for (nth, socket) in [(2 * pair, one), (2 * pair + 1, other)] {
                let load = self.clone();
                let begins = nth % 2 == 0;
                drop(
                    Builder::new()
                        .name(format!("socket {nth}"))
                        .spawn(async move {
                            let mut is_writing = begins;
                            // The other one hangs up when the load is over.
                            while load.count() {
                                let done = match is_writing {
                                    true => socket.write(&[0]).await,
                                    false => socket.read(&mut [0]).await,
                                };
                                if !matches!(done, Ok(1)) {
                                    return;
                                }
                                is_writing = !is_writing;
                            }
                        }),
                );
            }
        }
    }

    /// All of these, and some that want to be first.
    fn mixed(&self) {
        let ms = Duration::from_millis(1);
        self.cost.set(ms);
        self.ping_pong();
        self.sockets();
        self.always_ready("important", Builder::new().priority(3), Duration::ZERO);
        self.always_ready(
            "urgent",
            Builder::new().deadline(Instant::now() + ms),
            Duration::ZERO,
        );
        self.always_ready("heavy", Builder::new().weight(4), Duration::ZERO);
        self.always_ready("slow", Builder::new(), 3 * ms);
    }
}
