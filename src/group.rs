//! [`TaskGroup`]: tasks with an owner, who does not leave before they have ended.
//!
//! ```text
//!   group.spawn(a) ─► task ─┐
//!   group.spawn(b) ─► task ─┼─► join: all values, in order      first failure: the rest is cancelled
//!   spawner.spawn  ─► task ─┘   next: one after another
//!                               join_any, join_first_ok: one value, and the rest is cancelled
//!   dropped: all are cancelled, and the task of the owner does not end before they have
//! ```
//!
//! The laws:
//!
//! 1. A member is a task like any other: it is polled on its own, whatever its owner does, and a wake
//!    costs it what it costs any task, at any depth.
//! 2. No member outlives its group unseen: whoever leaves a group, by a join or by dropping it, has all
//!    members end; a join waits for that, and the owner's task does not end before.
//! 3. A member's value or failure is somebody's, once: the owner's, or theirs who joined it alone.
//! 4. A failure does nothing before the owner asks.
//!
//! Why the fourth? It is the way in which the owner asks that says what a failure means: to
//! [`join`](TaskGroup::join) the end of all, to [`join_first_ok`](TaskGroup::join_first_ok) one less to
//! wait for, to [`next`](TaskGroup::next) a result like others. (curio's `TaskGroup`; trio's nursery is
//! [`try_scope`](crate::task::try_scope).)
//!
//! Read next: `group/members.rs`.

mod claims;
mod ended;
mod line;
mod member;
mod members;
mod owner;
mod spawner;
mod start;
mod watched;

use std::fmt;
use std::future::poll_fn;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll};

pub use member::{JoinMember, Member};
pub use spawner::{GroupEnded, Spawner};
pub use start::{Ready, StartError};

use crate::executor::ledger::{self, Terms};
use crate::group_error::{Failure, GroupError};
use crate::place::{self, placed};
use crate::task::try_current;
use ended::Ended;
use members::{Keeps, Members, Place};

/// Tasks that belong together: joined together, and cancelled together when the group is dropped.
///
/// A member's future gives a `Result<T, E>`. A member that gives an error or panics has failed; one
/// that was cancelled by hand has not, and has no value.
///
/// Dropping a group cancels its members. The task that drops it does not end before they have, all but
/// itself, with all that they owe ([`task::finally`](crate::task::finally)); nor does a timeout or scope
/// return whose doing it was. A group may be moved to another task, and be joined there.
///
/// # Examples
///
/// ```
/// use bibelot::task::TaskGroup;
///
/// bibelot::run(async {
///     let group = TaskGroup::new();
///     for n in 1..=3 {
///         group.spawn(async move { Ok::<_, std::io::Error>(n * n) });
///     }
///     assert_eq!(group.join().await.unwrap(), [1, 4, 9]);
/// });
/// ```
#[must_use = "a group that is dropped cancels its members; join it"]
pub struct TaskGroup<T: 'static, E: 'static> {
    /// What it shares with its members.
    members: Rc<Members<T, E>>,
    /// Where it was made.
    at: Place,
}

impl<T: 'static, E: 'static> TaskGroup<T, E> {
    /// A group without members.
    #[track_caller]
    pub fn new() -> Self {
        Self::keeping(Keeps::Values)
    }

    /// A group that drops its members' values as they come, for servers that run for months: what
    /// it needs does not grow with the number of members that have ended. Failures are kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::task::TaskGroup;
    ///
    /// bibelot::run(async {
    ///     let group = TaskGroup::discarding();
    ///     for _ in 0..1000 {
    ///         group.spawn(async { Ok::<_, std::io::Error>([0; 1000]) });
    ///         bibelot::task::yield_now().await;
    ///     }
    ///     assert!(group.len() < 10);
    ///     group.join().await.unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn discarding() -> Self {
        Self::keeping(Keeps::Failures)
    }

    /// A group that keeps nothing, and reports panics.
    #[track_caller]
    pub(crate) fn forgetful() -> Self {
        Self::keeping(Keeps::Nothing)
    }

    /// A group that keeps so much.
    #[track_caller]
    fn keeping(keeps: Keeps) -> Self {
        Self {
            members: Members::new(keeps),
            at: place::here(),
        }
    }

    /// Starts a member; see [`task::spawn`](crate::spawn). Its handle need not be kept: it can join
    /// or cancel this member alone. [`Builder::spawn_in`](crate::task::Builder::spawn_in) gives it a
    /// name.
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Member<T, E>
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        let which = self.members.spawn(future, Location::caller());
        Member::new(Rc::clone(&self.members), which)
    }

    /// Starts a member where the group was made, for who needs no handle to it.
    pub(crate) fn spawn_here<F>(&self, future: F)
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        self.members.spawn(future, self.at);
    }

    /// Starts a daemon: nobody waits for it, and it is cancelled when the members have ended. A
    /// daemon that panics has failed, as a member would.
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    #[track_caller]
    pub fn spawn_daemon<F>(&self, future: F)
    where
        F: Future<Output = ()> + 'static,
    {
        self.members.spawn_daemon(future, Location::caller());
    }

    /// Returns a handle that starts members, also while the group is joined: for members that start
    /// others, say. It does not keep the group.
    #[must_use]
    pub fn spawner(&self) -> Spawner<T, E> {
        Spawner::new(&self.members)
    }

    /// How many members there are that have not ended, or whose values nobody has taken. Daemons are
    /// not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members but daemons.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Asks that all members and daemons be cancelled, and returns at once; see
    /// [`JoinHandle::cancel`](crate::task::JoinHandle::cancel). Those that are started later are not.
    #[track_caller]
    pub fn cancel_all(&self) {
        self.members.cancel_all(Location::caller(), None);
    }

    /// Waits for all members, also those that are started meanwhile, and returns their values in the
    /// order in which they were started. Those that were cancelled have none.
    ///
    /// # Errors
    ///
    /// At the first failure the others are cancelled. When they have ended, the error has all
    /// failures.
    ///
    /// # Cancel safety
    ///
    /// The group is dropped, and with it its members are cancelled.
    #[track_caller]
    pub fn join(self) -> impl Future<Output = Result<Vec<T>, GroupError<E>>> {
        let at = place::here();
        placed(async move {
            let (mut late, mut failures) = (Vec::new(), Vec::new());
            let mut tell = |ended| match ended {
                Ended::Value(id, value) => late.push((id, value)),
                Ended::Failure(failure) => {
                    if failures.is_empty() {
                        let reason = format!("{} failed", failure.task());
                        self.members.cancel_all(at, Some(reason.into()));
                    }
                    failures.push(failure);
                }
                Ended::Silent(_) => {}
            };
            poll_fn(|cx| self.members.poll_each(false, at, cx, &mut tell)).await;
            self.end_all(at, "its group was joined", &mut failures)
                .await;
            if !failures.is_empty() {
                // Here: a destructor that panics behind a value that is returned leaks that one.
                drop((late, self));
                return Err(GroupError::new(failures));
            }
            let mut values = self.members.take_values();
            values.append(&mut late);
            values.sort_unstable_by_key(|(id, _)| *id);
            Ok(values.into_iter().map(|(_, value)| value).collect())
        })
    }

    /// Waits for the next member to end, in the order in which they do; `None` when there are no
    /// more. Those that were cancelled are passed over.
    ///
    /// # Errors
    ///
    /// A failure is given to the caller like a value, and changes nothing for the others.
    ///
    /// # Cancel safety
    ///
    /// No result is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::task::TaskGroup;
    /// use bibelot::time::{Duration, sleep};
    ///
    /// bibelot::run(async {
    ///     let mut group = TaskGroup::new();
    ///     for ms in [3, 1, 2] {
    ///         group.spawn(async move {
    ///             sleep(Duration::from_millis(ms)).await;
    ///             Ok::<_, std::io::Error>(ms)
    ///         });
    ///     }
    ///     while let Some(ms) = group.next().await {
    ///         println!("{}", ms.unwrap()); // 1, 2, 3
    ///     }
    /// });
    /// ```
    #[track_caller]
    #[expect(clippy::should_implement_trait, reason = "it is awaited")]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<T, Failure<E>>>> {
        placed(async {
            loop {
                match self.ended().await? {
                    Ended::Value(_, value) => return Some(Ok(value)),
                    Ended::Failure(failure) => return Some(Err(failure)),
                    Ended::Silent(_) => {}
                }
            }
        })
    }

    /// Waits for the first member that ends, by value or by failure; then cancels the others and
    /// waits for them.
    ///
    /// # Errors
    ///
    /// Returns the failures, if a failure came first; those of the others as they ended are among
    /// them. If there was nobody to wait for, the error has none.
    ///
    /// # Cancel safety
    ///
    /// The group is dropped, and with it its members are cancelled.
    #[track_caller]
    pub fn join_any(self) -> impl Future<Output = Result<T, GroupError<E>>> {
        self.join_one(true)
    }

    /// Waits for the first member that ends with a value; then cancels the others and waits for
    /// them. Failures before that are borne.
    ///
    /// # Errors
    ///
    /// Returns all failures, if no member came to a value; none, if there was nobody to wait for.
    ///
    /// # Cancel safety
    ///
    /// The group is dropped, and with it its members are cancelled.
    #[track_caller]
    pub fn join_first_ok(self) -> impl Future<Output = Result<T, GroupError<E>>> {
        self.join_one(false)
    }

    /// Waits for a value, or, if failures count, for a failure, and ends the rest.
    #[track_caller]
    fn join_one(self, failures_count: bool) -> impl Future<Output = Result<T, GroupError<E>>> {
        let at = place::here();
        placed(async move {
            let (mut first, mut failures) = (None, Vec::new());
            while first.is_none() && (failures.is_empty() || !failures_count) {
                match self.ended().await {
                    Some(Ended::Value(_, value)) => first = Some(value),
                    Some(Ended::Failure(failure)) => failures.push(failure),
                    Some(Ended::Silent(_)) => {}
                    None => break,
                }
            }
            self.end_all(at, "another member was first", &mut failures)
                .await;
            let Some(first) = first else {
                return Err(GroupError::new(failures));
            };
            failures.into_iter().for_each(Failure::report_if_panic);
            drop(self);
            Ok(first)
        })
    }

    /// Waits for the next one to end.
    async fn ended(&self) -> Option<Ended<T, E>> {
        let at = place::here();
        poll_fn(|cx| self.members.poll_next(at, cx)).await
    }

    /// Lets nobody in any more, cancels those that are left, and waits for them.
    async fn end_all(&self, at: Place, reason: &'static str, failures: &mut Vec<Failure<E>>) {
        self.members.close();
        self.members.cancel_all(at, Some(reason.into()));
        let mut tell = |ended: Ended<T, E>| failures.extend(ended.into_failure());
        poll_fn(|cx| self.members.poll_each(true, at, cx, &mut tell)).await;
    }

    /// Ready when at most `count` members are left; for groups that keep nothing.
    pub(crate) fn poll_at_most(&self, count: usize, cx: &mut Context<'_>) -> Poll<()> {
        self.members.poll_at_most(count, self.at, cx)
    }
}

impl<T: 'static, E: 'static> Default for TaskGroup<T, E> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl<T: 'static, E: 'static> Drop for TaskGroup<T, E> {
    fn drop(&mut self) {
        let (members, at) = (Rc::clone(&self.members), self.at);
        members.close();
        members.cancel_all(at, Some("its group was dropped".into()));
        // Whose task drops it has to see them end; itself, if it is one of them, it cannot.
        if let Some(task) = members.is_alive().then(try_current).flatten() {
            members.leave(task.id());
            let all_ended = poll_fn(move |cx| {
                members.poll_each(true, at, cx, |ended| {
                    if let Ended::Failure(failure) = ended {
                        failure.report_if_panic();
                    }
                })
            });
            ledger::owe(Box::pin(all_ended), Terms::Limited, at);
        }
    }
}

impl<T: 'static, E: 'static> fmt::Debug for TaskGroup<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("len", &self.len())
            .field("at", &format_args!("{}", self.at))
            .finish_non_exhaustive()
    }
}
