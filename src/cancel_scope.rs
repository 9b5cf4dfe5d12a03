//! [`CancelScope`]: a part of a task that can be ended from anywhere.
//!
//! A timeout is ended by the clock alone. A scope has a handle as well, that cancels it or moves its
//! deadline from wherever it is held: another task, a hook, the very future that runs inside. Both
//! are [`Enclosed`] futures (`canceller.rs`), and to what is inside a scope that was cancelled is one
//! whose deadline has always passed, so the two settle between themselves who owns an expiry
//! (`time/timeout.rs`). (trio's `CancelScope`, which is where the name comes from.)

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use crate::canceller::{self, Enclosed};
use crate::clock::Instant;
use crate::executor::context;
use crate::place;
use crate::task::waits::Waits;
use crate::time::Sleep;
use crate::wait_queue::{Ticket, WaitQueue};
use crate::waker;

/// A handle that can end a future where it waits: by [`cancel`](Self::cancel), from anywhere on this
/// thread, or at a deadline that can be moved.
///
/// Clones are handles to the same scope.
///
/// # Examples
///
/// ```
/// use bibelot::task::CancelScope;
/// use bibelot::time::{Duration, sleep};
///
/// bibelot::run(async {
///     let scope = CancelScope::new();
///     bibelot::spawn({
///         let scope = scope.clone();
///         async move {
///             sleep(Duration::from_millis(1)).await;
///             scope.cancel();
///         }
///     });
///     assert_eq!(scope.run(std::future::pending::<()>()).await, None);
///     assert!(scope.is_cancelled());
/// });
/// ```
#[derive(Clone)]
pub struct CancelScope {
    /// What the handles share with the futures that run.
    shared: Rc<Shared>,
}

/// What the handles share.
struct Shared {
    /// When it ends by itself.
    deadline: Cell<Instant>,
    /// Where it was cancelled, and why if that was said.
    cancelled: OnceCell<Cancellation>,
    /// The futures that wait inside.
    runs: RefCell<WaitQueue>,
}

/// How a scope came to be cancelled.
struct Cancellation {
    /// Where.
    at: &'static Location<'static>,
    /// Why, if that was said.
    reason: Option<Cow<'static, str>>,
}

impl CancelScope {
    /// A scope without a deadline.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared {
            deadline: Cell::new(Instant::NEVER),
            cancelled: OnceCell::new(),
            runs: RefCell::default(),
        };
        Self {
            shared: Rc::new(shared),
        }
    }

    /// Sets the deadline, and returns the scope.
    #[must_use]
    pub fn deadline(self, deadline: Instant) -> Self {
        self.set_deadline(deadline);
        self
    }

    /// Moves the deadline, also while a future runs inside. A scope that has been cancelled stays so.
    pub fn set_deadline(&self, deadline: Instant) {
        self.shared.deadline.set(deadline);
        self.shared.wake();
    }

    /// Ends what runs inside, at its next suspension, and what is run inside from now on at its
    /// first. A second cancel changes nothing.
    #[track_caller]
    pub fn cancel(&self) {
        self.shared.cancel(Location::caller(), None);
    }

    /// [`cancel`](Self::cancel), and says why; [`reason`](Self::reason) tells it.
    #[track_caller]
    pub fn cancel_because(&self, reason: impl Into<Cow<'static, str>>) {
        self.shared.cancel(Location::caller(), Some(reason.into()));
    }

    /// Whether it was cancelled, or its deadline has ended what ran inside.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.get().is_some()
    }

    /// Where it was cancelled, or where the future waited that its deadline has ended; `None` before.
    #[must_use]
    pub fn cancelled_at(&self) -> Option<&'static Location<'static>> {
        Some(self.shared.cancelled.get()?.at)
    }

    /// Why it was cancelled, if that was said.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.shared.cancelled.get()?.reason.as_deref()
    }

    /// Runs a future inside: its value comes back, or `None` if the scope was cancelled before it had
    /// one. A value that it has come to stands, however late.
    ///
    /// What a future owes that is dropped ([`task::finally`](crate::task::finally)) is done before
    /// this returns. A scope inside another, or inside a timeout, cannot outlast it; if both end at
    /// once, the outer one does.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if no executor is running on this thread.
    ///
    /// # Cancel safety
    ///
    /// That of `future`.
    #[track_caller]
    pub fn run<F: Future>(&self, future: F) -> Run<F> {
        let at = place::here();
        Run {
            inside: Enclosed::new(future),
            sleep: Sleep::at(self.shared.deadline.get(), at),
            place: Place {
                shared: Rc::clone(&self.shared),
                ticket: None,
            },
            at,
        }
    }
}

impl Default for CancelScope {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScope")
            .field("is_cancelled", &self.is_cancelled())
            .field("deadline", &self.shared.deadline.get())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Notes a cancel, the first time, and has what runs inside see it.
    fn cancel(&self, at: &'static Location<'static>, reason: Option<Cow<'static, str>>) {
        if self.cancelled.set(Cancellation { at, reason }).is_ok() {
            self.wake();
        }
    }

    /// Wakes what runs inside.
    fn wake(&self) {
        let wakers = self.runs.borrow_mut().wake_all(|()| true);
        for waker in wakers {
            waker::wake_kept(waker);
        }
    }

    /// The deadline for what is inside.
    fn effective(&self) -> Instant {
        match self.cancelled.get() {
            Some(_) => Instant::PAST,
            None => self.deadline.get(),
        }
    }
}

/// A place among those that run in a scope, once the future has waited.
struct Place {
    /// The scope.
    shared: Rc<Shared>,
    /// The place.
    ticket: Option<Ticket>,
}

impl Place {
    /// Waits to be woken by the handle.
    fn wait(&mut self, waker: Waker) {
        let mut runs = self.shared.runs.borrow_mut();
        let replaced = runs.wait(&mut self.ticket, waker, ());
        drop(runs);
        drop(replaced);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waker = self.shared.runs.borrow_mut().leave(ticket);
            drop(waker);
        }
    }
}

pin_project! {
    /// The future of [`CancelScope::run`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Run<F: Future> {
        #[pin]
        inside: Enclosed<F>,
        sleep: Sleep,
        place: Place,
        at: &'static Location<'static>,
    }
}

impl<F: Future> Future for Run<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let shared = Rc::clone(&this.place.shared);
        let inside = this.inside.as_mut();
        if inside.poll_inside(shared.effective(), cx).is_pending() {
            this.place.wait(waker::keep(cx.waker()));
            if shared.cancelled.get().is_none() {
                let deadline = shared.deadline.get();
                if this.sleep.deadline() != deadline {
                    this.sleep.reset(deadline);
                }
                context::note(Waits::TASK, this.at);
                ready!(Pin::new(this.sleep).poll(cx));
            }
            if canceller::leaves_it_to_outer(cx) {
                return Poll::Pending;
            }
            shared.cancel(this.at, None);
            this.inside.as_mut().cancel();
        }
        this.inside.poll_end(cx)
    }
}

impl<F: Future> fmt::Debug for Run<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
