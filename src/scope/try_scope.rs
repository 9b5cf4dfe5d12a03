//! [`try_scope`]: a scope that ends with the first failure, and tells of all.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::Location;

use crate::group_error::{Failure, GroupError};
use crate::place;
use crate::scope::child::{Manner, Origin, Request};
use crate::scope::handle::ScopedJoinHandle;
use crate::scope::nursery::{Guard, Nursery, raise};

/// What a child of [`try_scope`] may come to: `()`, which is never a failure, or a [`Result`].
///
/// It is sealed: no other types can have it.
pub trait Outcome<E>: sealed::Sealed {
    /// Whether it is a failure.
    #[doc(hidden)]
    fn is_failure(&self) -> bool;
    /// The error, if it is a failure.
    #[doc(hidden)]
    fn into_error(self) -> Option<E>;
}

/// Keeps [`Outcome`] to the types that are here.
mod sealed {
    /// A type that may be an outcome.
    pub trait Sealed {}
    impl Sealed for () {}
    impl<T, E> Sealed for Result<T, E> {}
}

impl<E> Outcome<E> for () {
    fn is_failure(&self) -> bool {
        false
    }

    fn into_error(self) -> Option<E> {
        None
    }
}

impl<T, E> Outcome<E> for Result<T, E> {
    fn is_failure(&self) -> bool {
        self.is_err()
    }

    fn into_error(self) -> Option<E> {
        self.err()
    }
}

/// The manner of `try_scope`: an error fails as well, and whoever fails ends all.
struct Strict<E>(PhantomData<E>);

impl<T: Outcome<E>, E> Manner<T> for Strict<E> {
    type Error = E;
    const IS_STRICT: bool = true;

    fn is_failure(value: &T) -> bool {
        value.is_failure()
    }

    fn into_error(value: T) -> Option<E> {
        value.into_error()
    }
}

/// Runs `body` and the children it spawns, which may borrow from around as those of
/// [`scope`](crate::task::scope) may; the first failure cancels the others.
///
/// A failure is an error that a child or the body comes to, or a panic of a child. At once all
/// children, newest first, and then the body are dropped; when what they owe
/// ([`task::finally`](crate::task::finally)) is done, this returns all failures there were, each with
/// the name of its child, if [`Builder::spawn_scoped`](crate::task::Builder::spawn_scoped) gave it one,
/// and with where that was spawned. A child that was cancelled by hand has not failed.
///
/// Whoever waits for a child by its handle when it fails takes the failure instead, and may go on. One
/// that is dropped without having taken it leaves it to the scope.
///
/// # Errors
///
/// Returns all failures, if there is one.
///
/// # Panics
///
/// A panic of the body is raised again, when the children have been cancelled. Panics, when polled, if
/// no executor is running on this thread.
///
/// # Cancel safety
///
/// As [`scope`](crate::task::scope).
///
/// # Examples
///
/// ```
/// use bibelot::task;
/// use std::io;
///
/// async fn fetch(page: usize) -> io::Result<String> {
///     match page {
///         13 => Err(io::Error::other("no such page")),
///         _ => Ok(format!("page {page}")),
///     }
/// }
///
/// async fn fetch_all(pages: &mut [String]) -> io::Result<()> {
///     task::try_scope(async |s| {
///         for (nth, page) in pages.iter_mut().enumerate() {
///             s.spawn(async move {
///                 *page = fetch(nth).await?;
///                 Ok(())
///             });
///         }
///         Ok(())
///     })
///     .await?; // a GroupError becomes an io::Error
///     Ok(())
/// }
///
/// bibelot::run(async {
///     let mut pages = vec![String::new(); 3];
///     fetch_all(&mut pages).await?;
///     assert_eq!(pages[2], "page 2");
///
///     let error = fetch_all(&mut vec![String::new(); 14]).await.unwrap_err();
///     assert!(error.to_string().ends_with("no such page"));
///     # Ok::<(), io::Error>(())
/// })?;
/// # Ok::<(), io::Error>(())
/// ```
///
/// What does not compile with [`scope`](crate::task::scope) does not here: to borrow from the body,
///
/// ```compile_fail,E0597
/// # use bibelot::task;
/// # bibelot::run(async {
/// task::try_scope(async |s| {
///     let local = String::from("gone with the body");
///     let borrowed = &local;
///     s.spawn(async move { println!("{borrowed}") });
///     Ok::<_, ()>(())
/// })
/// .await
/// # });
/// ```
///
/// to share what a child changes,
///
/// ```compile_fail,E0499
/// # use bibelot::task;
/// # bibelot::run(async {
/// let mut count = 0;
/// task::try_scope(async |s| {
///     s.spawn(async { count += 1 });
///     s.spawn(async { count += 1 });
///     Ok::<_, ()>(())
/// })
/// .await
/// # });
/// ```
///
/// to take the scope elsewhere,
///
/// ```compile_fail,E0521
/// # use bibelot::task;
/// # bibelot::run(async {
/// task::try_scope(async |s| {
///     bibelot::spawn(async move { drop(s.spawn(async {})) });
///     Ok::<_, ()>(())
/// })
/// .await
/// # });
/// ```
///
/// nor, here alone, a child that comes to neither `()` nor a [`Result`] with the error of the scope:
///
/// ```compile_fail,E0277
/// # use bibelot::task;
/// # bibelot::run(async {
/// task::try_scope(async |s| {
///     s.spawn(async { 42 });
///     Ok::<_, ()>(())
/// })
/// .await
/// # });
/// ```
#[track_caller]
pub fn try_scope<'env, T, E, F>(body: F) -> impl Future<Output = Result<T, GroupError<E>>>
where
    F: for<'scope> AsyncFnOnce(&'scope TryScope<'scope, 'env, E>) -> Result<T, E>,
{
    let at = place::here();
    async move {
        let scope = TryScope {
            nursery: Nursery::new(at),
            scope: PhantomData,
            env: PhantomData,
        };
        let nursery = &scope.nursery;
        let _guard = Guard(nursery);
        let body = nursery.add_body::<_, Strict<E>>(body(&scope));
        poll_fn(|cx| nursery.poll(cx)).await;
        let failures = nursery.take_failures();
        match body.take() {
            Some(Ok(Ok(value))) if failures.is_empty() => Ok(value),
            Some(Err(error)) if error.is_panic() => {
                failures.into_iter().for_each(Failure::report_if_panic);
                raise(error)
            }
            unwanted => {
                // Here: a destructor that panics behind a value that is returned leaks that one.
                drop(unwanted);
                Err(GroupError::new(failures))
            }
        }
    }
}

/// What a [`try_scope`] lends to its body: the place to spawn children in.
///
/// `'scope` is how long the scope lasts, `'env` how long what is borrowed from around it, as with
/// [`std::thread::Scope`].
pub struct TryScope<'scope, 'env: 'scope, E> {
    /// The children.
    nursery: Nursery<'scope, E>,
    /// Neither longer nor shorter.
    scope: PhantomData<&'scope mut &'scope ()>,
    /// Neither longer nor shorter.
    env: PhantomData<&'env mut &'env ()>,
}

impl<'scope, E> TryScope<'scope, '_, E> {
    /// Starts a child, as [`Scope::spawn`](crate::task::Scope::spawn) does; it comes to `()` or to a
    /// [`Result`], whose error cancels the others.
    #[track_caller]
    pub fn spawn<F>(&'scope self, future: F) -> ScopedJoinHandle<'scope, F::Output>
    where
        F: Future + 'scope,
        F::Output: Outcome<E>,
    {
        self.spawn_from(Origin::at(Location::caller()), future)
    }

    /// Starts a child that comes from there.
    pub(super) fn spawn_from<F>(
        &'scope self,
        origin: Origin,
        future: F,
    ) -> ScopedJoinHandle<'scope, F::Output>
    where
        F: Future + 'scope,
        F::Output: Outcome<E>,
    {
        let packet = self.nursery.spawn::<F, Strict<E>>(future, origin);
        ScopedJoinHandle::new(packet, &self.nursery.orders)
    }

    /// Cancels all children, and those that come from now on; the body goes on. See
    /// [`Scope::cancel`](crate::task::Scope::cancel).
    #[track_caller]
    pub fn cancel(&self) {
        let at = Location::caller();
        self.nursery.orders.cancel(Request { at, reason: None });
    }
}

impl<E> fmt::Debug for TryScope<'_, '_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryScope")
            .field("at", &self.nursery.at)
            .finish_non_exhaustive()
    }
}
