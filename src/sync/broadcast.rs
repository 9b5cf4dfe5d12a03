//! Every receiver receives every value, or is told how many it has missed.
//!
//! ```text
//!   send ─► [ 7 │ 8 │ 9 ]        as many as the capacity; one that all have received is let go
//!             ▲       ▲
//!             slow    quick      each receiver knows what comes next for it
//!   send, and it is full: 7 is dropped, and the slow one is told that it has missed 1
//! ```
//!
//! So a slow receiver holds up nobody. Each value is kept once, and cloned for all but the last who
//! receives it. tokio's `broadcast`, for one thread.
//!
//! ```
//! use bibelot::sync::broadcast::{self, RecvError};
//!
//! # bibelot::run(async {
//! let (sender, receiver) = broadcast::channel(2);
//! for value in 1..=3 {
//!     sender.send(value).unwrap();
//! }
//! assert_eq!(receiver.recv().await, Err(RecvError::Lagged(1)));
//! assert_eq!(receiver.recv().await, Ok(2));
//! assert_eq!(receiver.recv().await, Ok(3));
//! drop(sender);
//! assert_eq!(receiver.recv().await, Err(RecvError::Closed));
//! # });
//! ```

mod error;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
#[cfg(feature = "stream")]
use std::pin::Pin;
use std::rc::Rc;
#[cfg(feature = "stream")]
use std::task::Context;
use std::task::{Poll, ready};

#[cfg(feature = "stream")]
use crate::place;
use crate::sync::handles::Handles;
#[cfg(feature = "stream")]
use crate::sync::line::Seat;
use crate::sync::line::{Line, Place};
use crate::sync::mpsc::SendError;
use crate::sync::statistics::ChannelStatistics;
use crate::task::waits::Thing;

pub use error::{RecvError, TryRecvError};

/// Makes a channel that keeps up to `capacity` values for who is slow.
///
/// # Panics
///
/// Panics if `capacity` is zero.
#[must_use]
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a channel without room could carry nothing");
    let shared = Rc::new(Shared {
        slots: RefCell::default(),
        capacity,
        first: Cell::new(0),
        senders: Handles::new(1),
        receivers: Handles::new(0),
        line: Line::new(Thing::Broadcast),
    });
    let receiver = shared.subscribe();
    (Sender { shared }, receiver)
}

/// A value that some have yet to receive. Who has not received one has none of those behind it, so
/// the first are always the first to be let go.
struct Slot<T> {
    /// The value.
    value: Rc<T>,
    /// How many have yet to receive it.
    left: usize,
}

/// What both sides share.
struct Shared<T> {
    /// The values that somebody has yet to receive.
    slots: RefCell<VecDeque<Slot<T>>>,
    /// How many there may be.
    capacity: usize,
    /// The number of the first.
    first: Cell<u64>,
    /// How many can send.
    senders: Handles,
    /// How many receive.
    receivers: Handles,
    /// Who waits for a value.
    line: Line,
}

impl<T> Shared<T> {
    /// The number that the next value will have.
    fn end(&self) -> u64 {
        self.first.get() + self.slots.borrow().len() as u64
    }

    /// Whether there is something to say to the receiver for whom this value comes next.
    fn has_news(&self, next: u64) -> bool {
        self.end() != next || self.senders.count() == 0
    }

    /// How it stands.
    fn statistics(&self) -> ChannelStatistics {
        ChannelStatistics {
            len: self.slots.borrow().len(),
            capacity: Some(self.capacity),
            senders: self.senders.count(),
            receivers: self.receivers.count(),
            senders_waiting: 0,
            receivers_waiting: self.line.len(),
        }
    }

    /// Another one receives, from the next value on.
    fn subscribe(self: &Rc<Self>) -> Receiver<T> {
        self.receivers.add();
        Receiver {
            shared: Rc::clone(self),
            next: Cell::new(self.end()),
            #[cfg(feature = "stream")]
            seat: Seat::default(),
        }
    }

    /// Takes the first value out, if `is_done` with it.
    fn let_go(&self, is_done: impl FnOnce(&VecDeque<Slot<T>>) -> bool) -> Option<Rc<T>> {
        let mut slots = self.slots.borrow_mut();
        let first = is_done(&slots).then(|| slots.pop_front())??;
        self.first.set(self.first.get() + 1);
        Some(first.value)
    }

    /// Takes out the first value if all have received it.
    fn let_go_received(&self) -> Option<Rc<T>> {
        self.let_go(|slots| slots.front().is_some_and(|first| first.left == 0))
    }
}

/// The sending side. Can be cloned.
pub struct Sender<T> {
    /// What is shared.
    shared: Rc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Sends to all who receive now, at once, and returns how many they are. If there is no room, the
    /// oldest value goes.
    ///
    /// # Errors
    ///
    /// Gives the value back if nobody receives.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let receivers = self.receiver_count();
        if receivers == 0 {
            return Err(SendError(value));
        }
        let shared = &*self.shared;
        let slot = Slot {
            value: Rc::new(value),
            left: receivers,
        };
        shared.slots.borrow_mut().push_back(slot);
        // Its destructor finds all as it should be.
        let oldest = shared.let_go(|slots| slots.len() > shared.capacity);
        shared.line.grant_all();
        drop(oldest);
        Ok(receivers)
    }

    /// Makes another receiver, of what is sent from now on.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        self.shared.subscribe()
    }

    /// Returns how many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers.count()
    }

    /// Returns how much is in the channel, how many handles it has, and how many wait.
    #[must_use]
    pub fn statistics(&self) -> ChannelStatistics {
        self.shared.statistics()
    }

    /// Returns how many values somebody has yet to receive.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.slots.borrow().len()
    }

    /// Returns whether all have received all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.senders.add();
        Self {
            shared: Rc::clone(&self.shared),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.shared.senders.remove() {
            self.shared.line.grant_all();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("receivers", &self.receiver_count())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// The receiving side. With the feature `stream` it is a `Stream`, of values and of the errors that say
/// what was missed.
pub struct Receiver<T> {
    /// What is shared.
    shared: Rc<Shared<T>>,
    /// The number of the value that comes next for it.
    next: Cell<u64>,
    /// Where it waits as a stream.
    #[cfg(feature = "stream")]
    seat: Seat,
}

impl<T: Clone> Receiver<T> {
    /// Receives the next value; waits while there is none.
    ///
    /// # Errors
    ///
    /// Returns [`RecvError::Lagged`] once if values were missed, and the oldest that is left the next
    /// time; [`RecvError::Closed`] if all were received and all senders have been dropped.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn recv(&self) -> impl Future<Output = Result<T, RecvError>> {
        let mut place = Place::new(&self.shared.line);
        poll_fn(move |cx| {
            loop {
                ready!(place.poll(cx, (), |_| self.shared.has_news(self.next.get())));
                place.leave();
                if let Some(received) = self.received() {
                    return Poll::Ready(received);
                }
                // Somebody else has received it by this very receiver.
            }
        })
    }

    /// Receives the next value, if there is one.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`recv`](Self::recv), and [`TryRecvError::Empty`] where that waits.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let (first, next) = (self.shared.first.get(), self.next.get());
        if let Some(missed @ 1..) = first.checked_sub(next) {
            self.next.set(first);
            return Err(TryRecvError::Lagged(missed));
        }
        let value = {
            let mut slots = self.shared.slots.borrow_mut();
            slots.get_mut((next - first) as usize).map(|slot| {
                slot.left -= 1;
                Rc::clone(&slot.value)
            })
        };
        let Some(value) = value else {
            return Err(if self.is_over() {
                TryRecvError::Closed
            } else {
                TryRecvError::Empty
            });
        };
        self.next.set(next + 1);
        drop(self.shared.let_go_received());
        Ok(Rc::unwrap_or_clone(value))
    }
}

impl<T: Clone> Receiver<T> {
    /// What is to be said now; `None` if there is nothing.
    fn received(&self) -> Option<Result<T, RecvError>> {
        match self.try_recv() {
            Ok(value) => Some(Ok(value)),
            Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
            Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
            Err(TryRecvError::Empty) => None,
        }
    }
}

impl<T> Receiver<T> {
    /// Makes another receiver, of what is sent from now on.
    #[must_use]
    pub fn resubscribe(&self) -> Self {
        self.shared.subscribe()
    }

    /// Returns how much is in the channel, how many handles it has, and how many wait.
    #[must_use]
    pub fn statistics(&self) -> ChannelStatistics {
        self.shared.statistics()
    }

    /// Returns how many values it has yet to receive, or has missed.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.shared.end() - self.next.get()) as usize
    }

    /// Returns whether it has received all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nobody will send any more.
    fn is_over(&self) -> bool {
        self.shared.senders.count() == 0
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let shared = &*self.shared;
        #[cfg(feature = "stream")]
        self.seat.leave(&shared.line);
        shared.receivers.remove();
        let received = self.next.get().saturating_sub(shared.first.get());
        for slot in shared.slots.borrow_mut().range_mut(received as usize..) {
            slot.left -= 1;
        }
        while let Some(value) = shared.let_go_received() {
            drop(value);
        }
    }
}

#[cfg(feature = "stream")]
impl<T: Clone> futures_core::Stream for Receiver<T> {
    type Item = Result<T, RecvError>;

    #[track_caller]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let at = place::here();
        loop {
            let Self { shared, next, seat } = &mut *this;
            let is_over = |_| shared.has_news(next.get());
            ready!(seat.poll(&shared.line, at, cx, (), is_over));
            seat.leave(&shared.line);
            match this.received() {
                Some(Err(RecvError::Closed)) => return Poll::Ready(None),
                Some(received) => return Poll::Ready(Some(received)),
                // Somebody else has received it by this very receiver.
                None => {}
            }
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
