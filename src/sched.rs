//! Who is polled next: policies, the usual ones and one's own.
//!
//! ```text
//!   woken ──► push(task) ──► ┌────────┐
//!                            │ policy │ ──► pop() ──► polled ──┬─► waits
//!   spawned ─► push(task) ─► └────────┘                        └─► woken again …
//! ```
//!
//! An executor does what is ready first come, first served ([`Fifo`]). A [`Policy`] says otherwise. It
//! is given each task that has become ready, with what is known of it, keeps it, and gives one back
//! whenever there is a poll to be made. Ten lines are enough:
//!
//! ```
//! use bibelot::Executor;
//! use bibelot::sched::{Policy, ReadyTask};
//!
//! /// The task that has had the fewest polls comes first.
//! #[derive(Default)]
//! struct Shy(Vec<ReadyTask>);
//!
//! impl Policy for Shy {
//!     fn push(&mut self, task: ReadyTask) {
//!         self.0.push(task);
//!     }
//!
//!     fn pop(&mut self) -> Option<ReadyTask> {
//!         let fewest = (0..self.0.len()).min_by_key(|&nth| self.0[nth].polls())?;
//!         Some(self.0.remove(fewest))
//!     }
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let executor = Executor::builder().policy(Shy::default()).build()?;
//! executor.run(async { /* … */ });
//! # Ok(())
//! # }
//! ```
//!
//! # What a policy can do, and what not
//!
//! It chooses an order, at each poll anew. It cannot interrupt a poll, nor add polls: a turn of the
//! executor makes as many as there were ready tasks when it began, whoever gets them, and then the
//! world outside is looked at, so that no policy keeps timers and sockets from their tasks' queue. But
//! it can starve a task, by always giving another one.
//!
//! What a policy wants to remember of a task goes with it, as a [mark](ReadyTask::set_mark). One that does
//! not go by time [says so](Policy::is_timed), and saves each poll a reading of the clock.
//!
//! A [`ReadyTask`] cannot be copied: so a policy cannot give one twice. One that drops a task, gives none
//! though it keeps some, or gives one of another executor makes `run` panic with its name and the task's,
//! at once; one that panics is named in a [`Report`](crate::Report). Such a policy is not asked again: what
//! is left to do, as cleanups of the tasks that are dropped then, is done first come, first served.
//!
//! The children of a scope are polled by their scope, first come, first served, in the turn of the task
//! that polls that. A policy runs on the executor's thread between two polls, when nothing is borrowed.
//!
//! # In the box
//!
//! | policy | next is | starves |
//! | --- | --- | --- |
//! | [`Fifo`] | who was ready first | nobody |
//! | [`Lifo`] | who was ready last | those before, while somebody wakes |
//! | [`Priority`] | the highest priority, with aging | nobody |
//! | [`EarliestDeadline`] | the earliest deadline | later ones, under overload |
//! | [`FairShare`] | who has had the least of its share | nobody |
//! | [`ShortestJob`] | whose polls were shortest so far | those with long polls |
//! | [`Shuffle`] | anybody, by a seed | nobody, as far as chance goes |
//!
//! Read next: `sched/fair_share.rs`, and `sched/rising.rs`, the order that lies under it;
//! `sched/shortest_job.rs`, which has another; `scheduler/choice.rs`, which asks them; `testing/explore.rs`,
//! which looks for the order that breaks a program.

mod deadline;
mod fair_share;
mod order;
mod priority;
mod rising;
mod shortest_job;
mod shuffle;
mod stack;
mod urgency;
mod used;

use std::any::type_name;
use std::fmt;
use std::time::Duration;

pub use deadline::EarliestDeadline;
pub use fair_share::FairShare;
pub use order::{Fifo, Lifo};
pub use priority::Priority;
pub use shortest_job::ShortestJob;
pub use shuffle::Shuffle;
pub(crate) use stack::Stack;

use crate::clock::Instant;
use crate::task::{Task, TaskId};
use crate::waker::Token;

/// Chooses which of the ready tasks is polled next; see the [module](self).
///
/// A closure cannot be one, as there are two questions; a struct around a `Vec` can.
pub trait Policy {
    /// A task has become ready.
    fn push(&mut self, task: ReadyTask);

    /// The task that is to be polled next. `None` only if there is none.
    fn pop(&mut self) -> Option<ReadyTask>;

    /// Whether it goes by time: asks tasks since when they are ready, or how long they ran. One that does
    /// not may say so, and saves each poll a reading of the clock; then those times are not kept, but on a
    /// virtual clock. It is asked once, when an executor is told of it.
    fn is_timed(&self) -> bool {
        true
    }

    /// What panics and [reports](crate::Report) call it: its type, unless it says otherwise.
    fn name(&self) -> &'static str {
        type_name::<Self>()
    }
}

impl<P: Policy + ?Sized> Policy for Box<P> {
    fn push(&mut self, task: ReadyTask) {
        (**self).push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        (**self).pop()
    }

    fn is_timed(&self) -> bool {
        (**self).is_timed()
    }

    fn name(&self) -> &'static str {
        (**self).name()
    }
}

/// Why a task became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It was spawned.
    Spawned,
    /// It has given way, or woken itself in another way.
    Itself,
    /// Another task has woken it.
    Task(TaskId),
    /// A deadline, a descriptor, a thread, or a task of another executor has.
    Outside,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawned => f.write_str("its birth"),
            Self::Itself => f.write_str("itself"),
            Self::Task(task) => write!(f, "task {task}"),
            Self::Outside => f.write_str("the world outside"),
        }
    }
}

/// What a task was given by [`task::Builder`](crate::task::Builder) for policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rank {
    /// Higher ones first.
    pub(crate) priority: i32,
    /// When it should have been polled.
    pub(crate) deadline: Option<Instant>,
    /// Its share.
    pub(crate) weight: u32,
}

impl Rank {
    /// That of a task which was given none.
    pub(crate) const USUAL: Self = Self {
        priority: 0,
        deadline: None,
        weight: 1,
    };
}

/// What the polls of a task have taken so far; times are in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Account {
    /// How many there were.
    pub(crate) polls: u64,
    /// How long they took together.
    pub(crate) ran: u64,
    /// How long the last one took.
    pub(crate) last: u64,
}

/// A task that is ready, and what a policy may know of it. Giving it back says that it is polled next.
///
/// It is as small as a pointer: policies may move it about as they like.
pub struct ReadyTask {
    /// What is known of it.
    pub(crate) known: Box<Known>,
}

/// What a policy may know of a task. It is made when the task is ready for the first time, and goes to and
/// fro between the executor and the policy until the task has ended.
pub(crate) struct Known {
    /// Its name for wakers.
    pub(crate) token: Token,
    /// Its number.
    pub(crate) id: TaskId,
    /// Its public handle, if it has one: that has the name.
    pub(crate) task: Option<Task>,
    /// What it was given.
    pub(crate) rank: Rank,
    /// Why it is ready.
    pub(crate) reason: Reason,
    /// Since when.
    pub(crate) since: Instant,
    /// What its polls have taken.
    pub(crate) account: Account,
    /// What the policy has noted.
    pub(crate) mark: u128,
    /// How fast virtual time goes while it is polled; zero until that is asked (`sched/fair_share.rs`).
    pub(crate) pace: u64,
    /// Its number, while it lies in order of that (`sched/rising.rs`).
    pub(crate) number: u64,
    /// Those that lie under it, while it lies on others (`sched/stack.rs`).
    pub(crate) under: Stack,
}

impl Known {
    /// What is known of a task that was never polled.
    pub(crate) fn unpolled(token: Token, id: TaskId, task: Option<Task>, rank: Rank) -> Self {
        Self {
            token,
            id,
            task,
            rank,
            reason: Reason::Spawned,
            since: Instant::PAST,
            account: Account::default(),
            mark: 0,
            pace: 0,
            number: 0,
            under: Stack::EMPTY,
        }
    }
}

#[cfg(test)]
impl ReadyTask {
    /// One of this number, of which nothing else is known.
    fn nth(nth: u64) -> Self {
        let known = Known::unpolled(Token::new(0, 0, 0), TaskId::new(nth), None, Rank::USUAL);
        Self {
            known: Box::new(known),
        }
    }
}

impl ReadyTask {
    /// Its number: they go up in the order in which tasks are spawned.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.known.id
    }

    /// Its name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.known.task.as_ref()?.name()
    }

    /// The priority given by [`Builder::priority`](crate::task::Builder::priority): higher ones are to
    /// come first; 0 if none was given.
    #[must_use]
    pub fn priority(&self) -> i32 {
        self.known.rank.priority
    }

    /// The deadline given by [`Builder::deadline`](crate::task::Builder::deadline).
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.known.rank.deadline
    }

    /// The weight given by [`Builder::weight`](crate::task::Builder::weight): a task of weight 2 is to
    /// have twice the time of one of weight 1, which is that of all that were given none.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.known.rank.weight
    }

    /// Why it became ready.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.known.reason
    }

    /// Since when it is ready, as seen at the end of the poll in which it was woken.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.known.since
    }

    /// How often it was polled.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.known.account.polls
    }

    /// How long its polls took together, on the executor's clock: on a virtual one that is what
    /// [`task::consume`](crate::task::consume) was told.
    #[must_use]
    pub fn ran(&self) -> Duration {
        Duration::from_nanos(self.known.account.ran)
    }

    /// How long its last poll took; zero before the first.
    #[must_use]
    pub fn last(&self) -> Duration {
        Duration::from_nanos(self.known.account.last)
    }

    /// What the policy has [noted](Self::set_mark) with this task; zero at first.
    #[must_use]
    pub fn mark(&self) -> u128 {
        self.known.mark
    }

    /// Notes a number with the task, which is still there when it is ready again: so a policy needs no table
    /// of tasks, which would have to be told of their ends. A policy inside another one shares the mark.
    ///
    /// # Examples
    ///
    /// Stride scheduling (Waldspurger and Weihl 1995) in ten lines: the task with the lowest pass is next,
    /// which goes up by a stride for each turn.
    ///
    /// ```
    /// use bibelot::sched::{Policy, ReadyTask};
    ///
    /// #[derive(Default)]
    /// struct Stride(Vec<ReadyTask>);
    ///
    /// impl Policy for Stride {
    ///     fn push(&mut self, task: ReadyTask) {
    ///         self.0.push(task);
    ///     }
    ///
    ///     fn pop(&mut self) -> Option<ReadyTask> {
    ///         let least = (0..self.0.len()).min_by_key(|&nth| self.0[nth].mark())?;
    ///         let mut task = self.0.remove(least);
    ///         task.set_mark(task.mark() + (1 << 20) / u128::from(task.weight()));
    ///         Some(task)
    ///     }
    /// }
    /// # bibelot::Executor::builder().policy(Stride::default()).build().unwrap().run(bibelot::task::yield_now());
    /// ```
    pub fn set_mark(&mut self, mark: u128) {
        self.known.mark = mark;
    }
}

impl fmt::Debug for ReadyTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = &self.known;
        f.debug_struct("ReadyTask")
            .field("id", &known.id)
            .field("name", &self.name())
            .field("rank", &known.rank)
            .field("reason", &known.reason)
            .field("since", &known.since)
            .field("account", &known.account)
            .finish()
    }
}
