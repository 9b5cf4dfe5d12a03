//! Where a wait was asked for, in the program and not in this library.
//!
//! A leaf notes the place it was made at, so that a report can say *waits to read at
//! `src/main.rs:41`*. `#[track_caller]` gives it that place as long as plain functions call each
//! other. It does nothing on an `async fn`, and a body that is built of other waits is one: such
//! a body would report its own line.
//!
//! ```text
//!   main.rs:41   reader.read_line(&mut line)      plain and tracked: notes main.rs:41
//!                   └─ placed(async { … })        says so for as long as it is polled
//!                         └─ inner.read(…)        the leaf asks here(): main.rs:41
//! ```
//!
//! The outermost place stands: it is the one nearest to the program. One thread-local cell holds
//! it during a poll and no longer, so that two tasks never see each other's.

use std::cell::Cell;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

thread_local! {
    /// The place of the outermost [`Placed`] that is being polled on this thread.
    static PLACE: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

/// Lets the leaves inside `future` answer with the caller's place.
#[track_caller]
pub(crate) fn placed<F: Future>(future: F) -> Placed<F> {
    Placed {
        future,
        place: Location::caller(),
    }
}

/// Returns the place a leaf made now is waited for at.
#[track_caller]
pub(crate) fn here() -> &'static Location<'static> {
    PLACE.get().unwrap_or(Location::caller())
}

pin_project! {
    /// The future of [`placed`].
    pub(crate) struct Placed<F> {
        // What is waited for.
        #[pin]
        future: F,
        // Where.
        place: &'static Location<'static>,
    }
}

impl<F: Future> Future for Placed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outer = PLACE.get();
        PLACE.set(Some(outer.unwrap_or(this.place)));
        let _restore = Restore(outer);
        this.future.poll(cx)
    }
}

/// Gives the cell its old value back, also when the poll panics.
struct Restore(Option<&'static Location<'static>>);

impl Drop for Restore {
    fn drop(&mut self) {
        PLACE.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[track_caller]
    fn inner() -> impl Future<Output = u32> {
        placed(async { here().line() })
    }

    #[track_caller]
    fn outer() -> impl Future<Output = u32> {
        placed(async { inner().await })
    }

    #[test]
    fn a_leaf_sees_the_outermost_place() {
        let expected = line!() + 1;
        assert_eq!(poll_once(outer()), Poll::Ready(expected));
    }

    #[test]
    fn a_leaf_outside_sees_its_own_caller() {
        assert_eq!(here().line(), line!());
    }

    #[test]
    fn a_place_ends_with_the_poll_also_when_that_panics() {
        let broken = placed(async { panic!("on purpose") });
        let poll = catch_unwind(AssertUnwindSafe(|| poll_once::<()>(broken)));
        assert!(poll.is_err());
        assert_eq!(here().line(), line!());
    }
}
