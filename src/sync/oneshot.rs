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

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::place;
use crate::sync::line::{Line, Place, Seat};
use crate::sync::mpsc::{RecvError, SendError, TryRecvError};
use crate::sync::statistics::ChannelStatistics;

/// Makes a channel for one value.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        value: Cell::new(None),
        has_sender: Cell::new(true),
        is_closed: Cell::new(false),
        line: Line::new(),
        for_close: Line::new(),
    });
    let receiver = Receiver {
        shared: Rc::clone(&shared),
        seat: Seat::default(),
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
    /// The receiver, while it waits for the value.
    line: Line,
    /// The sender, while it waits for the receiver to go.
    for_close: Line,
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
        let value = self.value.take();
        let has_value = value.is_some();
        self.value.set(value);
        ChannelStatistics {
            len: usize::from(has_value),
            capacity: Some(1),
            senders: usize::from(self.has_sender.get()),
            receivers: usize::from(!self.is_closed.get()),
            senders_waiting: self.for_close.len(),
            receivers_waiting: self.line.len(),
        }
    }

    /// Nothing can be sent any more.
    fn close(&self) {
        if !self.is_closed.replace(true) {
            self.for_close.grant_all();
        }
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
        let mut place = Place::new(&self.shared.for_close);
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
        self.shared.line.grant_all();
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
    /// The seat in its line.
    seat: Seat,
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
        let Self { shared, seat } = self.get_mut();
        // Who sends leaves with it. One that is closed may still be sent to no more.
        let is_over = |_| !shared.has_sender.get() || shared.is_closed.get();
        ready!(seat.poll(&shared.line, place::here(), cx, (), is_over));
        seat.leave(&shared.line);
        Poll::Ready(shared.try_recv().map_err(|_| RecvError))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.seat.leave(&self.shared.line);
        self.shared.close();
        drop(self.shared.value.take());
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
