//! One value, sent once: what one task promises and another awaits.
//!
//! ```
//! use bibelot::sync::oneshot;
//!
//! # bibelot::run(async {
//! let (sender, receiver) = oneshot::channel();
//! bibelot::spawn(async move { sender.send(42) });
//! assert_eq!(receiver.await, Ok(42));
//! # });
//! ```

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use crate::executor::context;
use crate::place;
use crate::sync::line::{Line, Place};
use crate::sync::mpsc::{RecvError, SendError, TryRecvError};
use crate::sync::statistics::ChannelStatistics;
use crate::task::waits::{Thing, Waits};
use crate::task::yields;
use crate::waker;

/// Makes a channel for one value.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        value: Cell::new(None),
        has_sender: Cell::new(true),
        is_closed: Cell::new(false),
        waiter: Cell::new(None),
        for_close: OnceCell::new(),
    });
    let receiver = Receiver {
        shared: Rc::clone(&shared),
    };
    (Sender { shared }, receiver)
}

/// What both share.
struct Shared<T> {
    /// The value, from when it is sent until it is received.
    value: Cell<Option<T>>,
    /// Whether one may still be sent.
    has_sender: Cell<bool>,
    /// Whether nobody will receive any more.
    is_closed: Cell<bool>,
    /// The receiver's waker, while it waits: there is but one, and so no line.
    waiter: Cell<Option<Waker>>,
    /// Who waits until nobody will receive, which hardly anybody does.
    for_close: OnceCell<Box<Line>>,
}

impl<T> Shared<T> {
    /// Takes the value, if it is there.
    fn try_recv(&self) -> Result<T, TryRecvError> {
        match self.value.take() {
            Some(value) => Ok(value),
            None if self.has_sender.get() => Err(TryRecvError::Empty),
            None => Err(TryRecvError::Disconnected),
        }
    }

    /// How it stands.
    fn statistics(&self) -> ChannelStatistics {
        /// Whether there is something in the cell.
        fn is_full<T>(cell: &Cell<Option<T>>) -> bool {
            let content = cell.take();
            let is_full = content.is_some();
            cell.set(content);
            is_full
        }
        ChannelStatistics {
            len: usize::from(is_full(&self.value)),
            capacity: Some(1),
            senders: usize::from(self.has_sender.get()),
            receivers: usize::from(!self.is_closed.get()),
            senders_waiting: self.for_close.get().map_or(0, |line| line.len()),
            receivers_waiting: usize::from(is_full(&self.waiter)),
        }
    }

    /// Whether there is nothing to wait for: who sends leaves with it, and one that is closed may be
    /// sent to no more.
    fn is_over(&self) -> bool {
        !self.has_sender.get() || self.is_closed.get()
    }

    /// Nothing can be sent any more.
    fn close(&self) {
        let waker = self.waiter.take();
        if !self.is_closed.replace(true)
            && let Some(line) = self.for_close.get()
        {
            line.grant_all();
        }
        drop(waker);
    }
}

/// The right to send the value.
pub struct Sender<T> {
    /// What is shared.
    shared: Rc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Sends the value, at once.
    ///
    /// # Errors
    ///
    /// Gives it back if the receiver has been dropped or closed.
    pub fn send(self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        self.shared.value.set(Some(value));
        Ok(())
    }

    /// Returns whether nobody will receive the value: it need not be made.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed.get()
    }

    /// Waits until the receiver has been dropped or closed.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> {
        let line = self
            .shared
            .for_close
            .get_or_init(|| Box::new(Line::new(Thing::Closing)));
        let mut place = Place::new(line);
        poll_fn(move |cx| {
            ready!(place.poll(cx, (), |_| self.is_closed()));
            place.leave();
            Poll::Ready(())
        })
    }

    /// Returns how things stand: whether the receiver waits already, say. Who waits in
    /// [`closed`](Self::closed) counts as a sender that waits.
    #[must_use]
    pub fn statistics(&self) -> ChannelStatistics {
        self.shared.statistics()
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.has_sender.set(false);
        if let Some(waker) = self.shared.waiter.take() {
            waker::wake_kept(waker);
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// The wait for the value: a future. Its output is an error if the sender was dropped without sending,
/// or if the value was received before.
///
/// # Cancel safety
///
/// Polled by `&mut`, nothing is lost. Dropped, it drops a value that was sent.
#[must_use = "futures do nothing unless awaited"]
pub struct Receiver<T> {
    /// What is shared.
    shared: Rc<Shared<T>>,
}

impl<T> Receiver<T> {
    /// Receives the value, if it has been sent.
    ///
    /// # Errors
    ///
    /// Returns an error if it has not, which says whether it still may be.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.shared.try_recv()
    }

    /// Lets nothing be sent any more. What was sent can still be received.
    pub fn close(&mut self) {
        self.shared.close();
    }

    /// Returns how things stand: whether the value has come, say.
    #[must_use]
    pub fn statistics(&self) -> ChannelStatistics {
        self.shared.statistics()
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (shared, at) = (&*self.shared, place::here());
        if !shared.is_over() {
            // The clone of a foreign waker may do anything, even send: after it, this is looked at again.
            let waker = waker::keep(cx.waker());
            if !shared.is_over() {
                let replaced = shared.waiter.replace(Some(waker));
                drop(replaced);
                context::note(Waits::TASK.by_name(Thing::OneshotValue), at);
                return Poll::Pending;
            }
        }
        ready!(yields::spend(cx, at));
        Poll::Ready(shared.try_recv().map_err(|_| RecvError))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // With the sender gone all goes here, and a value that was not received.
        if self.shared.has_sender.get() {
            self.shared.close();
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
