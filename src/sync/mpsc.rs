//! Channels: what some tasks send, others receive; [`std::sync::mpsc`] for tasks.
//!
//! ```text
//!   Sender, SyncSender ─► [ item │ item ] ─► Receiver
//!   the last to leave says that no more      the last to leave says that nobody
//!   will come: what is there is drained      listens: senders get their items back
//! ```
//!
//! A channel is a queue with handles that are counted, and that is closed by the last handle of either
//! side. Unlike std's, receivers can be cloned, too: each item goes to one of them.
//!
//! [`sync_channel(0)`](sync_channel) is a rendezvous: there a sender waits until its item was
//! received. It is a channel for one item whose sender stays beside it. If the sender is dropped, the
//! item comes back, unless it was granted to a receiver, which has not run yet: then it is as good as
//! received, and stays for that receiver or the next.
//! Senders that wait behind it come up one by one, each in its own turn: `try_recv` twice without an
//! await in between finds one item.
//!
//! The errors are std's own.
//!
//! ```
//! use bibelot::sync::mpsc;
//!
//! # bibelot::run(async {
//! let (sender, receiver) = mpsc::sync_channel(2);
//! for task in 0..3 {
//!     let sender = sender.clone();
//!     bibelot::spawn(async move { sender.send(task).await });
//! }
//! drop(sender);
//! let mut items = receiver.iter();
//! let mut sum = 0;
//! while let Some(item) = items.next().await {
//!     sum += item;
//! }
//! assert_eq!(sum, 3);
//! # });
//! ```

mod channel;
mod receiver;
mod sender;

use std::rc::Rc;

use channel::Channel;

pub use receiver::{IntoIter, Iter, Receiver, TryIter};
pub use sender::{SendTimeoutError, Sender, SyncSender};
pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

/// Makes a channel without a limit, into which sending never waits.
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let channel = Rc::new(Channel::new(None));
    (Sender::new(Rc::clone(&channel)), Receiver::new(channel))
}

/// Makes a channel that holds up to `bound` items: sending waits while it is full. With 0 it waits
/// until the item was received.
#[must_use]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let channel = Rc::new(Channel::new(Some(bound)));
    (SyncSender::new(Rc::clone(&channel)), Receiver::new(channel))
}
