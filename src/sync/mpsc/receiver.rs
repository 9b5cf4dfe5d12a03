//! The receiving side.

use std::fmt;
use std::future::poll_fn;
#[cfg(feature = "stream")]
use std::pin::Pin;
use std::rc::Rc;
#[cfg(feature = "stream")]
use std::task::{Context, Poll};
use std::time::Duration;

#[cfg(feature = "stream")]
use crate::place;
use crate::place::placed;
#[cfg(feature = "stream")]
use crate::sync::line::Seat;
use crate::sync::mpsc::channel::Channel;
use crate::sync::mpsc::{RecvError, RecvTimeoutError, TryRecvError};
use crate::sync::statistics::ChannelStatistics;
use crate::time::{Instant, timeout_at};

/// The receiving side of a channel.
///
/// Can be cloned, unlike std's: each item is received once, by whoever has waited longest. When all
/// receivers have been dropped, so is what was not received, and senders get their items back.
pub struct Receiver<T> {
    /// What is shared.
    channel: Rc<Channel<T>>,
}

impl<T> Receiver<T> {
    /// One of the channel, which has counted it.
    pub(super) fn new(channel: Rc<Channel<T>>) -> Self {
        Self { channel }
    }

    /// Receives the item that was sent first; waits while there is none.
    ///
    /// # Errors
    ///
    /// Returns an error if all senders have been dropped and there is nothing left.
    ///
    /// # Cancel safety
    ///
    /// The place in line is lost, and nothing else: an item that was granted meanwhile stays at the
    /// head of the channel, for the next.
    #[track_caller]
    pub fn recv(&self) -> impl Future<Output = Result<T, RecvError>> {
        let mut receiving = self.channel.recv();
        poll_fn(move |cx| receiving.poll(cx))
    }

    /// Receives the item that was sent first, if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none, which says whether one may still come.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.channel.try_recv()
    }

    /// Receives as [`recv`](Self::recv) does, but waits no longer than `duration`, counted from the
    /// call.
    ///
    /// # Errors
    ///
    /// Returns an error if the time is up, or if all senders have been dropped and there is nothing
    /// left.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if no executor is running on this thread.
    ///
    /// # Cancel safety
    ///
    /// That of [`recv`](Self::recv).
    #[track_caller]
    pub fn recv_timeout(
        &self,
        duration: Duration,
    ) -> impl Future<Output = Result<T, RecvTimeoutError>> {
        let deadline = Instant::now().saturating_add(duration);
        let received = timeout_at(deadline, self.recv());
        placed(async move {
            match received.await {
                Ok(received) => received.map_err(|RecvError| RecvTimeoutError::Disconnected),
                Err(_) => Err(RecvTimeoutError::Timeout),
            }
        })
    }

    /// Returns how much is in the channel, how many handles it has, and how many wait.
    #[must_use]
    pub fn statistics(&self) -> ChannelStatistics {
        self.channel.statistics()
    }

    /// Returns what receives until there is nothing more to come.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Returns an iterator over what is there; it ends where it would have to wait.
    #[must_use]
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// Returns what receives until there is nothing more to come, and keeps the receiver.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "std's name; its trait gives an iterator, which could not wait"
    )]
    pub fn into_iter(self) -> IntoIter<T> {
        IntoIter {
            #[cfg(feature = "stream")]
            seat: Seat::default(),
            receiver: self,
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.channel.receivers.add();
        Self {
            channel: Rc::clone(&self.channel),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self.channel.receivers.remove() {
            self.channel.discard();
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// Receives one after the other; made by [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T> {
    /// From where.
    receiver: &'a Receiver<T>,
}

impl<T> Iter<'_, T> {
    /// Receives the next item; `None` if all senders have been dropped and there is nothing left.
    ///
    /// # Cancel safety
    ///
    /// That of [`Receiver::recv`].
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator's next does not wait"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<T>> {
        next(self.receiver)
    }
}

/// Receives one after the other, and keeps the receiver; made by [`Receiver::into_iter`]. With the
/// feature `stream` it is a `Stream`.
pub struct IntoIter<T> {
    /// Where it waits as a stream.
    #[cfg(feature = "stream")]
    seat: Seat,
    /// From where.
    receiver: Receiver<T>,
}

impl<T> IntoIter<T> {
    /// Receives the next item; `None` if all senders have been dropped and there is nothing left.
    ///
    /// # Cancel safety
    ///
    /// That of [`Receiver::recv`].
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator's next does not wait"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<T>> {
        // What was begun as a stream would stand before it in line, and nobody would poll it.
        #[cfg(feature = "stream")]
        self.receiver.channel.leave(&mut self.seat);
        next(&self.receiver)
    }
}

impl<T> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.receiver).finish()
    }
}

/// What a stream was granted and did not take stays for the next.
#[cfg(feature = "stream")]
impl<T> futures_core::Stream for IntoIter<T> {
    type Item = T;

    #[track_caller]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { receiver, seat } = self.get_mut();
        receiver.channel.poll_recv(seat, place::here(), cx)
    }
}

#[cfg(feature = "stream")]
impl<T> Drop for IntoIter<T> {
    fn drop(&mut self) {
        self.receiver.channel.leave(&mut self.seat);
    }
}

/// The next item, if one comes.
#[track_caller]
fn next<T>(receiver: &Receiver<T>) -> impl Future<Output = Option<T>> {
    let mut receiving = receiver.channel.recv();
    poll_fn(move |cx| receiving.poll(cx).map(Result::ok))
}

/// Receives what is there; made by [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T> {
    /// From where.
    receiver: &'a Receiver<T>,
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}
