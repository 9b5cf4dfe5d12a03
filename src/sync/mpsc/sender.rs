//! The sending side.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use crate::place::placed;
use crate::sync::mpsc::channel::Channel;
use crate::sync::mpsc::{SendError, TrySendError};
use crate::sync::statistics::ChannelStatistics;
use crate::time::{Instant, timeout_at};

/// The sending side of a channel without a limit; see [`channel`](super::channel()).
///
/// Can be cloned. When all senders have been dropped, receivers get what is there, and then an error.
pub struct Sender<T> {
    /// What is shared.
    channel: Rc<Channel<T>>,
}

impl<T> Sender<T> {
    /// One of the channel, which has counted it.
    pub(super) fn new(channel: Rc<Channel<T>>) -> Self {
        Self { channel }
    }

    /// Sends, at once: there is always room, so there is nothing to await.
    ///
    /// # Errors
    ///
    /// Gives the item back if all receivers have been dropped.
    pub fn send(&self, item: T) -> Result<(), SendError<T>> {
        self.channel.try_send(item).map_err(|error| match error {
            TrySendError::Full(item) | TrySendError::Disconnected(item) => SendError(item),
        })
    }
}

/// The sending side of a channel with a limit; see [`sync_channel`](super::sync_channel).
///
/// Can be cloned. When all senders have been dropped, receivers get what is there, and then an error.
pub struct SyncSender<T> {
    /// What is shared.
    channel: Rc<Channel<T>>,
}

impl<T> SyncSender<T> {
    /// One of the channel, which has counted it.
    pub(super) fn new(channel: Rc<Channel<T>>) -> Self {
        Self { channel }
    }

    /// Sends; waits while the channel is full. In a rendezvous, waits until the item was received.
    ///
    /// # Errors
    ///
    /// Gives the item back if all receivers have been dropped, also while this waits.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    ///
    /// # Cancel safety
    ///
    /// The item is dropped with the future, and was not sent; the place in line is lost. In a
    /// rendezvous, an item that a receiver was granted counts as received, and is not dropped.
    #[track_caller]
    pub fn send(&self, item: T) -> impl Future<Output = Result<(), SendError<T>>> {
        let mut sending = self.channel.send(item);
        poll_fn(move |cx| sending.poll(cx))
    }

    /// Sends, if there is room for which nobody waits. In a rendezvous, if a receiver waits.
    ///
    /// # Errors
    ///
    /// Gives the item back in the error, which says whether there was no room or no receiver.
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        self.channel.try_send(item)
    }

    /// Sends as [`send`](Self::send) does, but waits no longer than `duration`, counted from the call.
    ///
    /// # Errors
    ///
    /// Gives the item back in the error, which says whether the time was up or all receivers have been
    /// dropped.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if no executor is running on this thread.
    ///
    /// # Cancel safety
    ///
    /// That of [`send`](Self::send).
    #[track_caller]
    pub fn send_timeout(
        &self,
        item: T,
        duration: Duration,
    ) -> impl Future<Output = Result<(), SendTimeoutError<T>>> {
        let deadline = Instant::now().saturating_add(duration);
        let mut sending = self.channel.send(item);
        placed(async move {
            let in_time = timeout_at(deadline, poll_fn(|cx| sending.poll(cx))).await;
            match in_time {
                Ok(Ok(())) => Ok(()),
                Ok(Err(SendError(item))) => Err(SendTimeoutError::Disconnected(item)),
                Err(_) => sending
                    .take_back()
                    .map_or(Ok(()), |item| Err(SendTimeoutError::Timeout(item))),
            }
        })
    }
}

/// What both senders do when they come and go.
macro_rules! sender {
    ($($Sender:ident)+) => {$(
        impl<T> $Sender<T> {
            /// Returns how much is in the channel, how many handles it has, and how many wait.
            #[must_use]
            pub fn statistics(&self) -> ChannelStatistics {
                self.channel.statistics()
            }
        }

        impl<T> Clone for $Sender<T> {
            fn clone(&self) -> Self {
                self.channel.senders.add();
                Self {
                    channel: Rc::clone(&self.channel),
                }
            }
        }

        impl<T> Drop for $Sender<T> {
            fn drop(&mut self) {
                if self.channel.senders.remove() {
                    self.channel.close();
                }
            }
        }

        impl<T> fmt::Debug for $Sender<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Sender)).finish_non_exhaustive()
            }
        }
    )+};
}

sender!(Sender SyncSender);

/// The error of [`SyncSender::send_timeout`], with the item that was not sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// The time was up.
    Timeout(T),
    /// All receivers have been dropped.
    Disconnected(T),
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout(_) => "Timeout(..)",
            Self::Disconnected(_) => "Disconnected(..)",
        })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout(_) => "timed out waiting on send operation",
            Self::Disconnected(_) => "sending on a closed channel",
        })
    }
}

impl<T> Error for SendTimeoutError<T> {}
