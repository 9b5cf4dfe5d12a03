//! [`scope`]: children that borrow, as those of [`std::thread::scope`] do.
//!
//! ```text
//!   task ──► poll ──► … ──► scope ──► body
//!                             ├─────► child          each has a token of its own: it is polled when it
//!                             └─────► child          is woken, but only from here
//! ```
//!
//! Why are children not tasks, polled straight from the ready queue? Because a future can be
//! forgotten: `mem::forget`, a cycle of `Rc`s. No destructor runs then, the borrow ends all the same,
//! and a child that is still in some queue would touch what is gone. (Threads are safe from that only
//! since `thread::scope` does not return.) So a child that borrows may be polled only by who holds the
//! borrow: inside the scope's own poll. A forgotten scope is inert, and its children with it. The price
//! is the way down from the task, one step for each scope on it; the wakes skip all children that are
//! not meant (`scheduler/children.rs`). There is no unsafe code in here: the compiler checks every
//! lifetime, and each test of `tests/scope.rs` that forgets, leaks and drops tells that it was right.
//!
//! A group (`TaskGroup`) has members that own what they use, and costs nothing on the way.
//!
//! Leaving is always waiting: for every child, and for what dropped ones owe. Each child is an
//! [`Enclosed`](crate::canceller::Enclosed) future, a canceller of its own, so that one which is
//! cancelled by hand has ended when it has paid. (moro's `async_scope!` is where the shape comes from,
//! trio's nursery the rest.)
//!
//! Read next: `scope/nursery.rs`, `scope/child.rs`.

pub(crate) mod child;
pub(crate) mod handle;
pub(crate) mod named;
mod nursery;
pub(crate) mod try_scope;

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::Location;

use crate::error::JoinError;
use crate::group_error::{Failure, FailureKind};
use crate::place;
use crate::scope::child::{Lenient, Origin, Request};
use crate::scope::handle::ScopedJoinHandle;
use crate::scope::nursery::{Guard, Nursery, raise};

/// Runs `body` and the children it spawns, which may borrow what is around, mutably too;
/// [`std::thread::scope`] for tasks.
///
/// When body and children have ended, and have paid what they owe
/// ([`task::finally`](crate::task::finally)), the body's value comes back. Children advance only while
/// the scope is awaited, since what they borrow is lent for that time: in a `select!` that does not
/// poll it, they stand still. To them [`task::current`](crate::task::current) is the task that runs the
/// scope.
///
/// A child is polled when it was woken itself, in the order of the wakes, and no more often than each
/// that was ready; waking it costs one step for each scope around it. Two allocations a child.
///
/// # Panics
///
/// If a child has panicked and nobody has joined it, the scope panics with what it panicked with,
/// when all have ended. A panic of the body has the children cancelled, newest first, before it is
/// raised again. Panics, when polled, if no executor is running on this thread.
///
/// # Cancel safety
///
/// When it is dropped, so are its children, newest first, and the body after them. What they owe
/// is done by the task, and waited for by the timeout, race or scope around.
///
/// # Examples
///
/// ```
/// use bibelot::task;
/// use bibelot::time::{Duration, sleep};
///
/// bibelot::run(async {
///     let words = vec!["a", "bibelot"];
///     let mut count = 0;
///     let longest = task::scope(async |s| {
///         s.spawn(async {
///             sleep(Duration::from_millis(1)).await;
///             count += words.len(); // borrows both
///         });
///         let longest = s.spawn(async { words.iter().max_by_key(|word| word.len()) });
///         longest.await.unwrap()
///     })
///     .await;
///     assert_eq!((longest, count), (Some(&"bibelot"), 2));
/// });
/// ```
///
/// A child may borrow only what outlives the scope, so nothing of the body's:
///
/// ```compile_fail,E0373
/// # use bibelot::task;
/// # bibelot::run(async {
/// task::scope(async |s| {
///     let local = String::from("gone with the body");
///     s.spawn(async { println!("{local}") });
/// })
/// .await;
/// # });
/// ```
///
/// ```compile_fail,E0597
/// # use bibelot::task;
/// # bibelot::run(async {
/// task::scope(async |s| {
///     let local = String::from("gone with the body");
///     let borrowed = &local;
///     s.spawn(async move { println!("{borrowed}") });
/// })
/// .await;
/// # });
/// ```
///
/// Two children do not share what one of them changes:
///
/// ```compile_fail,E0499
/// # use bibelot::task;
/// # bibelot::run(async {
/// let mut count = 0;
/// task::scope(async |s| {
///     s.spawn(async { count += 1 });
///     s.spawn(async { count += 1 });
/// })
/// .await;
/// # });
/// ```
///
/// ```compile_fail,E0502
/// # use bibelot::task;
/// # bibelot::run(async {
/// let mut count = 0;
/// task::scope(async |s| {
///     s.spawn(async { count += 1 });
///     println!("{count}");
/// })
/// .await;
/// # });
/// ```
///
/// And the scope stays where it is:
///
/// ```compile_fail
/// # use bibelot::task;
/// # bibelot::run(async {
/// let mut kept = None;
/// task::scope(async |s| kept = Some(s)).await;
/// drop(kept);
/// # });
/// ```
///
/// ```compile_fail,E0521
/// # use bibelot::task;
/// # bibelot::run(async {
/// task::scope(async |s| {
///     bibelot::spawn(async move { drop(s.spawn(async {})) });
/// })
/// .await;
/// # });
/// ```
#[track_caller]
pub fn scope<'env, T, F>(body: F) -> impl Future<Output = T>
where
    F: for<'scope> AsyncFnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let at = place::here();
    async move {
        let scope = Scope {
            nursery: Nursery::new(at),
            scope: PhantomData,
            env: PhantomData,
        };
        let nursery = &scope.nursery;
        let _guard = Guard(nursery);
        let body = nursery.add_body::<_, Lenient>(body(&scope));
        poll_fn(|cx| nursery.poll(cx)).await;
        let mut failures = nursery.take_failures().into_iter();
        let value = match body.take().expect("nobody else takes it") {
            Ok(value) => value,
            Err(error) => {
                failures.for_each(Failure::report_if_panic);
                raise(error)
            }
        };
        let first = failures.next().map(Failure::into_kind);
        failures.for_each(Failure::report_if_panic);
        match first {
            Some(FailureKind::Panicked(panicked)) => raise(JoinError::Panicked(panicked)),
            _ => value,
        }
    }
}

/// What a [`scope`] lends to its body: the place to spawn children in.
///
/// `'scope` is how long the scope lasts, `'env` how long what is borrowed from around it, as with
/// [`std::thread::Scope`].
pub struct Scope<'scope, 'env: 'scope> {
    /// The children.
    nursery: Nursery<'scope, Infallible>,
    /// Neither longer nor shorter.
    scope: PhantomData<&'scope mut &'scope ()>,
    /// Neither longer nor shorter.
    env: PhantomData<&'env mut &'env ()>,
}

impl<'scope> Scope<'scope, '_> {
    /// Starts a child, which may borrow what outlives the scope, and the scope itself: so it may
    /// start others.
    ///
    /// It is polled for the first time when the caller gives way. If the scope was cancelled, it is
    /// dropped unpolled. [`Builder::spawn_scoped`](crate::task::Builder::spawn_scoped) gives it a name.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::task;
    /// use std::cell::Cell;
    ///
    /// bibelot::run(async {
    ///     let count = Cell::new(0);
    ///     task::scope(async |s| {
    ///         s.spawn(async {
    ///             s.spawn(async { count.set(count.get() + 1) });
    ///         });
    ///     })
    ///     .await;
    ///     assert_eq!(count.get(), 1);
    /// });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&'scope self, future: F) -> ScopedJoinHandle<'scope, F::Output>
    where
        F: Future + 'scope,
    {
        self.spawn_from(Origin::at(Location::caller()), future)
    }

    /// Starts a child that comes from there.
    fn spawn_from<F>(&'scope self, origin: Origin, future: F) -> ScopedJoinHandle<'scope, F::Output>
    where
        F: Future + 'scope,
    {
        let packet = self.nursery.spawn::<F, Lenient>(future, origin);
        ScopedJoinHandle::new(packet, &self.nursery.orders)
    }

    /// Cancels all children, newest first, and those that are spawned from now on.
    ///
    /// The body goes on, as the scope owes its value: it sees its children end, and may leave.
    /// (trio's nursery cancels its body too, and has no value then;
    /// [`CancelScope::run`](crate::task::CancelScope::run) around the scope does that.) Called by a
    /// child, it takes effect on that child when its poll is pending.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::task;
    /// use std::future::pending;
    ///
    /// bibelot::run(async {
    ///     let found = task::scope(async |s| {
    ///         s.spawn(pending::<()>());
    ///         let found = s.spawn(async { 42 }).await.unwrap();
    ///         s.cancel(); // the others search in vain
    ///         found
    ///     });
    ///     assert_eq!(found.await, 42);
    /// });
    /// ```
    #[track_caller]
    pub fn cancel(&self) {
        let at = Location::caller();
        self.nursery.orders.cancel(Request { at, reason: None });
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("at", &self.nursery.at)
            .finish_non_exhaustive()
    }
}
