//! What the handles of a channel share.

use std::collections::VecDeque;
#[cfg(feature = "stream")]
use std::panic::Location;
use std::task::{Context, Poll, ready};

use crate::sync::handles::Handles;
#[cfg(feature = "stream")]
use crate::sync::line::Seat;
use crate::sync::line::{Line, Place};
use crate::sync::mpsc::{RecvError, SendError, TryRecvError, TrySendError};
use crate::sync::queue::{Closed, TryGetError, TryPutError};
use crate::sync::statistics::ChannelStatistics;
use crate::sync::stock::{Get, Put, Stock};
use crate::task::waits::Thing;

/// The items, and how many handles there are.
pub(super) struct Channel<T> {
    /// The items; closed by the last handle of either side.
    stock: Stock<VecDeque<T>>,
    /// Whether senders wait until their items are received.
    is_rendezvous: bool,
    /// Senders beside their items, by number.
    beside: Line<u64>,
    /// How many can send.
    pub(super) senders: Handles,
    /// How many can receive.
    pub(super) receivers: Handles,
}

impl<T> Channel<T> {
    /// A channel for up to so many, with one handle on each side.
    pub(super) fn new(bound: Option<usize>) -> Self {
        Self {
            stock: Stock::new(
                bound.map(|bound| bound.max(1)),
                Thing::ChannelItem,
                Thing::ChannelRoom,
            ),
            is_rendezvous: bound == Some(0),
            beside: Line::new(Thing::ChannelReceiver),
            senders: Handles::new(1),
            receivers: Handles::new(1),
        }
    }

    /// Sends, waiting as long as it must.
    #[track_caller]
    pub(super) fn send(&self, item: T) -> Sending<'_, T> {
        Sending {
            channel: self,
            put: Some(self.stock.put(item)),
            beside: None,
            place: Place::new(&self.beside),
        }
    }

    /// Sends if that needs no waiting.
    pub(super) fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        if self.is_rendezvous && !self.stock.is_closed() && self.stock.getters() == 0 {
            return Err(TrySendError::Full(item));
        }
        self.stock.try_put(item).map_err(|error| match error {
            TryPutError::Full(item) => TrySendError::Full(item),
            TryPutError::Closed(item) => TrySendError::Disconnected(item),
        })
    }

    /// Receives, waiting as long as it must.
    #[track_caller]
    pub(super) fn recv(&self) -> Receiving<'_, T> {
        Receiving {
            channel: self,
            get: self.stock.get(),
        }
    }

    /// Receives in the turn of a seat, whose owner [leaves](Self::leave) it when it is dropped.
    #[cfg(feature = "stream")]
    pub(super) fn poll_recv(
        &self,
        seat: &mut Seat,
        at: &'static Location<'static>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<T>> {
        let item = ready!(self.stock.poll_get(seat, at, cx));
        self.go();
        Poll::Ready(item)
    }

    /// Gives up a seat.
    #[cfg(feature = "stream")]
    pub(super) fn leave(&self, seat: &mut Seat) {
        self.stock.leave(seat);
    }

    /// Receives if there is something.
    pub(super) fn try_recv(&self) -> Result<T, TryRecvError> {
        let item = self.stock.try_get().map_err(|error| match error {
            TryGetError::Empty => TryRecvError::Empty,
            TryGetError::Closed => TryRecvError::Disconnected,
        })?;
        self.go();
        Ok(item)
    }

    /// How it stands.
    pub(super) fn statistics(&self) -> ChannelStatistics {
        let stock = self.stock.statistics();
        ChannelStatistics {
            len: stock.len,
            capacity: if self.is_rendezvous {
                Some(0)
            } else {
                stock.capacity
            },
            senders: self.senders.count(),
            receivers: self.receivers.count(),
            senders_waiting: stock.putters_waiting + self.beside.len(),
            receivers_waiting: stock.getters_waiting,
        }
    }

    /// One side has left.
    pub(super) fn close(&self) {
        self.stock.close();
    }

    /// The receivers have left: drops what nobody will receive, and sends those home who wait for it.
    pub(super) fn discard(&self) {
        self.close();
        // What lies there in a rendezvous is taken back by who stands beside it, if somebody does.
        if !self.beside.is_empty() {
            return self.beside.wake_all(|_| true);
        }
        while let Ok(item) = self.try_recv() {
            drop(item);
        }
    }

    /// An item has left; its sender goes on.
    #[inline]
    fn go(&self) {
        if self.is_rendezvous {
            while self.beside.grant_first(|_, &number| self.is_gone(number)) {}
        }
    }

    /// Whether the item of this number has left.
    fn is_gone(&self, number: u64) -> bool {
        number < self.stock.taken()
    }

    /// Whether nobody will ever receive.
    fn is_deserted(&self) -> bool {
        self.receivers.count() == 0
    }
}

/// One item on its way; if it is dropped before the item was sent, the item is dropped with it.
pub(super) struct Sending<'a, T> {
    /// Where.
    channel: &'a Channel<T>,
    /// The wait for room, as long as there was none.
    put: Option<Put<'a, VecDeque<T>>>,
    /// The number of the item beside which it waits, in a rendezvous.
    beside: Option<u64>,
    /// Its place there.
    place: Place<'a, u64>,
}

impl<T> Sending<'_, T> {
    /// Sends, or gives the item back if nobody will receive it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        if let Some(put) = &mut self.put {
            let put = ready!(put.poll(cx));
            self.put = None;
            match put {
                Err(Closed(item)) => return Poll::Ready(Err(SendError(item))),
                Ok(_) if !self.channel.is_rendezvous => return Poll::Ready(Ok(())),
                Ok(number) => self.beside = Some(number),
            }
        }
        let number = self.beside.expect("it is not polled after it was ready");
        let is_over = |_| self.channel.is_gone(number) || self.channel.is_deserted();
        ready!(self.place.poll(cx, number, is_over));
        Poll::Ready(self.take_back().map_or(Ok(()), |item| Err(SendError(item))))
    }

    /// Gives the item back, unless it was sent: then, nothing.
    pub(super) fn take_back(&mut self) -> Option<T> {
        if let Some(mut put) = self.put.take() {
            return put.take_back();
        }
        self.place.leave();
        let number = self.beside.take()?;
        if self.channel.is_gone(number) {
            return None;
        }
        // It lies there alone. If it was granted to a receiver it cannot be had back.
        self.channel.stock.try_get().ok()
    }
}

impl<T> Drop for Sending<'_, T> {
    fn drop(&mut self) {
        drop(self.take_back());
    }
}

/// The wait for an item.
pub(super) struct Receiving<'a, T> {
    /// Where.
    channel: &'a Channel<T>,
    /// The wait.
    get: Get<'a, VecDeque<T>>,
}

impl<T> Receiving<'_, T> {
    /// Receives; an error if nothing will come any more.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        let item = ready!(self.get.poll(cx));
        self.channel.go();
        Poll::Ready(item.map_err(|_| RecvError))
    }
}
