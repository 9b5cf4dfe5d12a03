//! One value that is changed and looked at: receivers see the newest, and wait for the next change.
//!
//! ```text
//!   sender ── send ──► [ value, version 7 ] ◄── borrow ── receivers, each has seen some version
//!                                            changed: waits while it has seen the newest
//! ```
//!
//! Who is slow misses what was in between, and never the newest. tokio's `watch`, for one thread.
//!
//! ```
//! use bibelot::sync::watch;
//!
//! # bibelot::run(async {
//! let (sender, receiver) = watch::channel("starts");
//! bibelot::spawn(async move {
//!     sender.send("runs").unwrap();
//!     sender.send("stops").unwrap();
//! });
//! assert_eq!(*receiver.borrow(), "starts");
//! receiver.changed().await.unwrap();
//! assert_eq!(*receiver.borrow_and_update(), "stops");
//! assert!(receiver.changed().await.is_err());
//! # });
//! ```

#[cfg(feature = "stream")]
mod stream;

use std::cell::{Cell, Ref, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::rc::Rc;
use std::task::{Poll, ready};

use crate::place::placed;
use crate::sync::handles::Handles;
#[cfg(feature = "stream")]
use crate::sync::line::Seat;
use crate::sync::line::{Line, Place};
use crate::sync::mpsc::{RecvError, SendError};
use crate::sync::statistics::ChannelStatistics;
use crate::task::waits::Thing;

/// Makes a value that can be watched.
#[must_use]
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        value: RefCell::new(value),
        version: Cell::new(0),
        senders: Handles::new(1),
        receivers: Handles::new(1),
        line: Line::new(Thing::Change),
        for_close: Line::new(Thing::Closing),
    });
    let receiver = Receiver::new(&shared, 0);
    (Sender { shared }, receiver)
}

/// What both sides share.
struct Shared<T> {
    /// The newest value.
    value: RefCell<T>,
    /// How often it was changed.
    version: Cell<u64>,
    /// How many can change it.
    senders: Handles,
    /// How many watch it.
    receivers: Handles,
    /// Who waits for a change.
    line: Line,
    /// Who waits for nobody to watch.
    for_close: Line,
}

impl<T> Shared<T> {
    /// How it stands: there is always one value.
    fn statistics(&self) -> ChannelStatistics {
        ChannelStatistics {
            len: 1,
            capacity: Some(1),
            senders: self.senders.count(),
            receivers: self.receivers.count(),
            senders_waiting: self.for_close.len(),
            receivers_waiting: self.line.len(),
        }
    }

    /// Says that the value was changed.
    fn change(&self) {
        self.version.set(self.version.get() + 1);
        self.line.grant_all();
    }

    /// Another one watches, who has seen so much.
    fn watch(self: &Rc<Self>, seen: u64) -> Receiver<T> {
        self.receivers.add();
        Receiver::new(self, seen)
    }
}

/// The side that changes the value. Can be cloned.
///
/// # Panics
///
/// Whoever changes the value panics while somebody holds what a `borrow` returned: that is to be let go
/// before the next await, as that of any `RefCell` is.
pub struct Sender<T> {
    /// What is shared.
    shared: Rc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Changes the value, and wakes who waits for that.
    ///
    /// # Errors
    ///
    /// Gives the value back, and changes nothing, if nobody watches.
    ///
    /// # Panics
    ///
    /// Panics while the value is borrowed.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        drop(self.send_replace(value));
        Ok(())
    }

    /// Changes the value, also if nobody watches, and returns the old one.
    ///
    /// # Panics
    ///
    /// Panics while the value is borrowed.
    #[track_caller]
    pub fn send_replace(&self, value: T) -> T {
        let old = mem::replace(&mut *self.value_mut(), value);
        self.shared.change();
        old
    }

    /// Changes the value in its place, also if nobody watches.
    ///
    /// # Panics
    ///
    /// Panics while the value is borrowed, as it is for `modify`.
    #[track_caller]
    pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// Changes the value in its place; wakes who waits for that only if `modify` says that it has.
    /// Returns what it says.
    ///
    /// # Panics
    ///
    /// Panics while the value is borrowed, as it is for `modify`.
    #[track_caller]
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        let is_modified = modify(&mut *self.value_mut());
        if is_modified {
            self.shared.change();
        }
        is_modified
    }

    /// Looks at the value.
    #[must_use]
    pub fn borrow(&self) -> Ref<'_, T> {
        self.shared.value.borrow()
    }

    /// Makes another receiver, which has seen the present value.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        self.shared.watch(self.shared.version.get())
    }

    /// Returns how many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers.count()
    }

    /// Returns how many handles there are, and how many wait for a change.
    #[must_use]
    pub fn statistics(&self) -> ChannelStatistics {
        self.shared.statistics()
    }

    /// Returns whether nobody watches.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Waits until nobody watches.
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

    /// The value, for changing it.
    #[track_caller]
    fn value_mut(&self) -> std::cell::RefMut<'_, T> {
        match self.shared.value.try_borrow_mut() {
            Ok(value) => value,
            Err(_) => panic!(
                "somebody holds what borrow() of this watch returned; let it go before the next await"
            ),
        }
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
            .finish_non_exhaustive()
    }
}

/// The side that watches the value. Can be cloned: the clone has seen what this one has. With the
/// feature `stream` it is a `Stream` of clones of the value, each time another than was seen.
pub struct Receiver<T> {
    /// What is shared.
    shared: Rc<Shared<T>>,
    /// The newest version that it has seen.
    seen: Cell<u64>,
    /// Where it waits as a stream.
    #[cfg(feature = "stream")]
    seat: Seat,
}

impl<T> Receiver<T> {
    /// One that has seen so much, and is counted already.
    fn new(shared: &Rc<Shared<T>>, seen: u64) -> Self {
        Self {
            shared: Rc::clone(shared),
            seen: Cell::new(seen),
            #[cfg(feature = "stream")]
            seat: Seat::default(),
        }
    }

    /// Looks at the value; whether it was seen stays as it is. To be let go before the next await: as
    /// long as it is held, changing the value panics.
    #[must_use]
    pub fn borrow(&self) -> Ref<'_, T> {
        self.shared.value.borrow()
    }

    /// Looks at the value, which is then seen; as [`borrow`](Self::borrow).
    #[must_use]
    pub fn borrow_and_update(&self) -> Ref<'_, T> {
        self.seen.set(self.shared.version.get());
        self.borrow()
    }

    /// Waits until the value is another than was seen, which is then seen.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not, and all senders have been dropped.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the value is not seen then.
    #[track_caller]
    pub fn changed(&self) -> impl Future<Output = Result<(), RecvError>> {
        let mut place = Place::new(&self.shared.line);
        poll_fn(move |cx| {
            loop {
                ready!(place.poll(cx, (), |_| self.is_news() || self.is_over()));
                place.leave();
                if self.is_news() {
                    self.seen.set(self.shared.version.get());
                    return Poll::Ready(Ok(()));
                }
                if self.is_over() {
                    return Poll::Ready(Err(RecvError));
                }
                // Somebody else has seen it by this very receiver.
            }
        })
    }

    /// Waits until the value satisfies the `condition`; it is seen then. Returns at once if it does.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not, and all senders have been dropped.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn wait_for(
        &self,
        mut condition: impl FnMut(&T) -> bool,
    ) -> impl Future<Output = Result<Ref<'_, T>, RecvError>> {
        placed(async move {
            loop {
                let is_satisfied = condition(&self.borrow_and_update());
                if is_satisfied {
                    return Ok(self.borrow());
                }
                self.changed().await?;
            }
        })
    }

    /// Returns whether the value is another than was seen.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not, and all senders have been dropped.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        if self.is_over() && !self.is_news() {
            return Err(RecvError);
        }
        Ok(self.is_news())
    }

    /// Returns how many handles there are, and how many wait for a change.
    #[must_use]
    pub fn statistics(&self) -> ChannelStatistics {
        self.shared.statistics()
    }

    /// Whether there is one that was not seen.
    fn is_news(&self) -> bool {
        self.seen.get() != self.shared.version.get()
    }

    /// Whether nobody will change it any more.
    fn is_over(&self) -> bool {
        self.shared.senders.count() == 0
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.watch(self.seen.get())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        #[cfg(feature = "stream")]
        self.seat.leave(&self.shared.line);
        if self.shared.receivers.remove() {
            self.shared.for_close.grant_all();
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("has_changed", &self.is_news())
            .finish_non_exhaustive()
    }
}
