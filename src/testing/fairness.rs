//! [`fairness()`]: puts a policy through loads that starve somebody if it lets them.
//!
//! ```text
//!   self-waker      one that is always ready       and two patient ones
//!   ping-pong       two that keep waking each other            "
//!   sockets         eight that write to each other             "
//!   mixed           all of these, with priorities, deadlines, weights and long polls
//! ```
//!
//! Every task counts its own polls on one counter for all; a task that is always ready and is passed
//! over for a thousand polls has starved. Time is virtual, so a verdict is the same on every machine.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::executor::face::Executor;
use crate::net::UnixStream;
use crate::sched::Policy;
use crate::task::{Builder, consume, yield_now};
use crate::testing::Sim;
use crate::time::{Duration, Instant};

/// How many polls a load has.
const POLLS: u64 = 10_000;

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
        Sim::from_builder(Executor::builder().policy(policy)).run(async {
            load.always_ready("patient 0", Builder::new(), Duration::ZERO);
            load.always_ready("patient 1", Builder::new(), Duration::ZERO);
            start(&load);
        });
        let worst = load.worst.take();
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

/// What the tasks of one load share.
#[derive(Clone, Default)]
struct Load {
    /// How many polls they have had together.
    polls: Rc<Cell<u64>>,
    /// How long each of those takes.
    cost: Rc<Cell<Duration>>,
    /// The task that was passed over for longest, and for how many polls.
    worst: Rc<RefCell<Option<(String, u64)>>>,
}

impl Load {
    /// Counts a poll. `false` says that the load is over.
    fn count(&self) -> bool {
        consume(self.cost.get());
        self.polls.set(self.polls.get() + 1);
        self.polls.get() < POLLS
    }

    /// Notes that a task was ready, and passed over for so many polls of others.
    fn note(&self, task: &str, polls: u64) {
        let mut worst = self.worst.borrow_mut();
        if worst.as_ref().is_none_or(|(_, most)| polls > *most) {
            *worst = Some((task.to_owned(), polls));
        }
    }

    /// Starts a task that is always ready, and whose polls take longer by so much.
    fn always_ready(&self, name: &'static str, builder: Builder, longer: Duration) {
        let load = self.clone();
        let mut last = load.polls.get();
        drop(builder.name(name).spawn(async move {
            loop {
                load.note(name, load.polls.get() - last);
                consume(longer);
                if !load.count() {
                    return;
                }
                last = load.polls.get();
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
        for me in [false, true] {
            let (load, turn, wakers) = (self.clone(), Rc::clone(&turn), Rc::clone(&wakers));
            drop(Builder::new().name("player").spawn(async move {
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
        for _ in 0..4 {
            let (one, other) = UnixStream::pair().expect("a pair of sockets");
            for (socket, begins) in [(one, true), (other, false)] {
                let load = self.clone();
                drop(Builder::new().name("socket").spawn(async move {
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
                }));
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
