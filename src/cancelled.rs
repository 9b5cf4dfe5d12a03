//! [`cancelled`]: the leaf future by which a task notices that it is asked to end.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::executor::context;
use crate::place;
use crate::task::extras;
use crate::task::id::TaskId;
use crate::task::waits::Waits;
use crate::wait_queue::Ticket;
use crate::waker::{self, Token};

/// Waits until this task is asked to end by
/// [`JoinHandle::cancel_within`](crate::task::JoinHandle::cancel_within), so that it may do so by
/// itself. Returns at once if it was asked before.
///
/// A plain [`cancel`](crate::task::JoinHandle::cancel) is not noticed by it: the task is dropped where
/// it waits.
///
/// # Panics
///
/// Panics, when polled, outside of a task.
///
/// # Cancel safety
///
/// Nothing is lost: the request stands.
///
/// # Examples
///
/// ```
/// use bibelot::task;
/// use bibelot::time::{Duration, sleep};
///
/// bibelot::run(async {
///     let worker = bibelot::spawn(async {
///         let mut done = 0;
///         task::race(task::cancelled(), async {
///             loop {
///                 sleep(Duration::from_millis(1)).await;
///                 done += 1;
///             }
///         })
///         .await;
///         done
///     });
///     sleep(Duration::from_millis(5)).await;
///     worker.cancel_within(Duration::from_secs(1));
///     assert!(worker.await.unwrap() > 0);
/// });
/// ```
#[track_caller]
pub fn cancelled() -> impl Future<Output = ()> {
    Noticed {
        place: None,
        at: place::here(),
    }
}

/// The future of [`cancelled`].
struct Noticed {
    /// Whose request it waits for, and its place among those that do.
    place: Option<((Token, TaskId), Ticket)>,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl Noticed {
    /// Gives up its place.
    fn leave(&mut self) {
        if let Some((who, ticket)) = self.place.take() {
            drop(extras::stop_waiting(who, ticket));
        }
    }
}

impl Future for Noticed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let current = context::with(|core| {
            core.scheduler().note_extras();
            core.scheduler().current()
        });
        let current = current.expect("no task is running; await this inside a task");
        let who = (current.token, current.id);
        if self.place.is_some_and(|(before, _)| before != who) {
            self.leave();
        }
        let mut ticket = self.place.map(|(_, ticket)| ticket);
        let waker = waker::keep(cx.waker());
        let (is_asked, unused) = extras::poll_request(who, &mut ticket, waker);
        drop(unused);
        self.place = ticket.map(|ticket| (who, ticket));
        if is_asked {
            self.leave();
            return Poll::Ready(());
        }
        context::note(Waits::TASK, self.at);
        Poll::Pending
    }
}

impl Drop for Noticed {
    fn drop(&mut self) {
        self.leave();
    }
}
