//! `Builder::spawn_scoped`: children with names, in both kinds of scopes.
//!
//! A child has no cell and no entry among the tasks' extras, so its name lies in the packet that it
//! shares with its handle, and is there for the texts alone: of failures, cancels and panics.

use std::panic::Location;

use crate::executor::spawn::Builder;
use crate::scope::Scope;
use crate::scope::child::Origin;
use crate::scope::handle::ScopedJoinHandle;
use crate::scope::try_scope::{Outcome, TryScope};

/// A scope of either kind, in which [`Builder::spawn_scoped`] starts children with the future `F`.
///
/// It is sealed: no other types can have it.
pub trait AnyScope<'scope, F: Future>: sealed::Sealed {
    /// Starts a child of this name that comes from there.
    #[doc(hidden)]
    fn spawn_named(
        &'scope self,
        name: Option<String>,
        at: &'static Location<'static>,
        future: F,
    ) -> ScopedJoinHandle<'scope, F::Output>;
}

/// Keeps [`AnyScope`] to the types that are here.
mod sealed {
    use super::{Scope, TryScope};

    /// A type that is a scope.
    pub trait Sealed {}
    impl Sealed for Scope<'_, '_> {}
    impl<E> Sealed for TryScope<'_, '_, E> {}
}

impl<'scope, F> AnyScope<'scope, F> for Scope<'scope, '_>
where
    F: Future + 'scope,
{
    fn spawn_named(
        &'scope self,
        name: Option<String>,
        at: &'static Location<'static>,
        future: F,
    ) -> ScopedJoinHandle<'scope, F::Output> {
        self.spawn_from(Origin::new(name, at), future)
    }
}

impl<'scope, F, E> AnyScope<'scope, F> for TryScope<'scope, '_, E>
where
    F: Future + 'scope,
    F::Output: Outcome<E>,
{
    fn spawn_named(
        &'scope self,
        name: Option<String>,
        at: &'static Location<'static>,
        future: F,
    ) -> ScopedJoinHandle<'scope, F::Output> {
        self.spawn_from(Origin::new(name, at), future)
    }
}

impl Builder {
    /// Starts the task as a child of a scope; [`std::thread::Builder::spawn_scoped`]. See
    /// [`Scope::spawn`] and [`TryScope::spawn`].
    ///
    /// The name is for what is told of the child. What was said for [policies](crate::sched) is not
    /// heeded: they choose among tasks, and a child is polled in the turns of the task around it.
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::task::{self, Builder};
    /// use std::io;
    ///
    /// async fn fetch(page: &str) -> io::Result<()> {
    ///     Err(io::Error::other(format!("no page {page}")))
    /// }
    ///
    /// bibelot::run(async {
    ///     let pages = [String::from("index")];
    ///     let fetched = task::try_scope(async |s| {
    ///         for page in &pages {
    ///             let named = Builder::new().name(format!("fetch {page}"));
    ///             named.spawn_scoped(s, fetch(page));
    ///         }
    ///         Ok(())
    ///     });
    ///     let error = fetched.await.unwrap_err().to_string();
    ///     assert!(error.starts_with("task \"fetch index\" (spawned at "));
    ///     assert!(error.ends_with("): no page index"));
    /// });
    /// ```
    ///
    /// It may borrow no more than other children, in neither kind of scope:
    ///
    /// ```compile_fail,E0597
    /// # use bibelot::task::{self, Builder};
    /// # bibelot::run(async {
    /// task::scope(async |s| {
    ///     let local = String::from("gone with the body");
    ///     let borrowed = &local;
    ///     Builder::new().spawn_scoped(s, async move { println!("{borrowed}") });
    /// })
    /// .await;
    /// # });
    /// ```
    ///
    /// ```compile_fail,E0597
    /// # use bibelot::task::{self, Builder};
    /// # bibelot::run(async {
    /// let ended: Result<(), task::GroupError<()>> = task::try_scope(async |s| {
    ///     let local = String::from("gone with the body");
    ///     let borrowed = &local;
    ///     Builder::new().spawn_scoped(s, async move { println!("{borrowed}") });
    ///     Ok(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_scoped<'scope, S, F>(
        self,
        scope: &'scope S,
        future: F,
    ) -> ScopedJoinHandle<'scope, F::Output>
    where
        F: Future,
        S: AnyScope<'scope, F>,
    {
        scope.spawn_named(self.into_name(), Location::caller(), future)
    }
}
