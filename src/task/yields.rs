//! The leaf future that only gives way.

use std::future::poll_fn;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::place;
use crate::task::waits::Waits;
use crate::waker;

/// Lets every other ready task have its turn once, then goes on; std's `thread::yield_now`.
///
/// Costs no system call: the task goes to the end of the ready queue. Sockets and timers are looked
/// at meanwhile, at least once every 61 polls.
///
/// # Cancel safety
///
/// Nothing is lost.
///
/// # Examples
///
/// ```
/// use bibelot::task::{spawn, yield_now};
///
/// bibelot::run(async {
///     spawn(async { println!("second") });
///     println!("first");
///     yield_now().await;
///     println!("third");
/// });
/// ```
#[track_caller]
pub fn yield_now() -> YieldNow {
    YieldNow::new(place::here())
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    /// Where the task gives way.
    at: &'static Location<'static>,
    /// Whether it has.
    has_yielded: bool,
}

impl YieldNow {
    /// Gives way in the name of a place.
    pub(crate) fn new(at: &'static Location<'static>) -> Self {
        Self {
            at,
            has_yielded: false,
        }
    }
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_yielded {
            return Poll::Ready(());
        }
        self.has_yielded = true;
        give_way(cx, self.at)
    }
}

/// Answers pending for a task that is ready again at once.
fn give_way<T>(cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<T> {
    waker::with_current(|scheduler| scheduler.note(Waits::TURN, at));
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Takes one from what the running task may do in this poll; pending when it is used up, which lets
/// the others have their turn. Outside of a task there is no limit.
///
/// The leaf futures of bytes, sockets and signals ask this before they answer ready (see
/// `scheduler.rs`). A join, a park and a deadline that has passed are no operations, and are free.
pub(crate) fn spend(cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<()> {
    match waker::with_current(|scheduler| scheduler.current_token().is_none() || scheduler.spend())
    {
        Some(false) => give_way(cx, at),
        _ => Poll::Ready(()),
    }
}

/// The leaf future of an operation that is always ready: spends, and only then does it, so that
/// nothing has happened to one that is dropped while it gives way.
#[track_caller]
pub(crate) fn at_once<T>(op: impl FnOnce() -> T) -> impl Future<Output = T> {
    let at = place::here();
    let mut op = Some(op);
    poll_fn(move |cx| {
        spend(cx, at).map(|()| op.take().expect("it is not polled after it was ready")())
    })
}
