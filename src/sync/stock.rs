//! Items on their way from those who put to those who get: what [`Queue`](crate::sync::Queue),
//! [`PriorityQueue`](crate::sync::PriorityQueue) and the channels of [`mpsc`](crate::sync::mpsc) have
//! in common.
//!
//! ```text
//!   put: takes room ─► [ item │ item │ … ] ─► get: takes what is filled
//!        gives filled       a shelf            gives room
//! ```
//!
//! Two counts: of items, for getters, and of room, for putters. What is granted is the right to one
//! item or to room for one, and not which. A getter takes the head out when it is polled, a putter has
//! its item in hand until it is: so who is dropped before that has moved nothing, its right goes to
//! the next, and items come out in the order of the shelf, whoever is cancelled.
//!
//! Read next: `sync/queue.rs`, then `sync/mpsc.rs`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
#[cfg(feature = "stream")]
use std::panic::Location;
use std::task::{Context, Poll, ready};

#[cfg(feature = "stream")]
use crate::sync::line::Seat;
use crate::sync::line::{Line, Place};
use crate::sync::permits::{Permits, Refused, Take};
use crate::sync::queue::{Closed, TryGetError, TryPutError};
use crate::sync::statistics::QueueStatistics;
use crate::task::waits::Thing;
use crate::task::yields;

/// Where items lie, and in which order they come out.
pub(super) trait Shelf: Default {
    /// What lies there.
    type Item;

    /// Adds one.
    fn push(&mut self, item: Self::Item);

    /// Takes out the one whose turn it is.
    fn pop(&mut self) -> Option<Self::Item>;

    /// How many there are.
    fn len(&self) -> usize;
}

impl<T> Shelf for VecDeque<T> {
    type Item = T;

    fn push(&mut self, item: T) {
        self.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn len(&self) -> usize {
        self.len()
    }
}

/// A shelf, who waits for its items, and who for its room.
pub(super) struct Stock<S> {
    /// What was put and not taken.
    items: RefCell<S>,
    /// How many may lie here, if there is a limit.
    capacity: Option<usize>,
    /// Those items that no getter was granted.
    filled: Permits,
    /// The room that no putter was granted; not counted where there is no limit.
    room: Permits,
    /// Whether no more are to come.
    is_closed: Cell<bool>,
    /// How many items were ever put, and so the number of the next.
    put: Cell<u64>,
    /// How many were ever taken.
    taken: Cell<u64>,
    /// How many are done with.
    done: Cell<u64>,
    /// Who waits until all are.
    joining: Line,
}

impl<S: Shelf> Stock<S> {
    /// An empty shelf for up to so many, and how texts name an item and room for one.
    pub(super) fn new(capacity: Option<usize>, item: Thing, empty: Thing) -> Self {
        let room = capacity.unwrap_or(usize::MAX);
        Self {
            items: RefCell::default(),
            capacity,
            filled: Permits::new(0, usize::MAX, item),
            room: Permits::new(room, room, empty),
            is_closed: Cell::new(false),
            put: Cell::new(0),
            taken: Cell::new(0),
            done: Cell::new(0),
            joining: Line::new(Thing::QueueDone),
        }
    }

    /// Puts an item when there is room.
    #[track_caller]
    pub(super) fn put(&self, item: S::Item) -> Put<'_, S> {
        Put {
            stock: self,
            room: self.room.take(1),
            item: Some(item),
        }
    }

    /// Puts an item if there is room and nobody waits for it.
    pub(super) fn try_put(&self, item: S::Item) -> Result<(), TryPutError<S::Item>> {
        if self.is_closed() {
            Err(TryPutError::Closed(item))
        } else if self.capacity.is_none() || self.room.try_take(1) {
            self.land(item);
            Ok(())
        } else {
            Err(TryPutError::Full(item))
        }
    }

    /// Takes an item when there is one.
    #[track_caller]
    pub(super) fn get(&self) -> Get<'_, S> {
        Get {
            stock: self,
            filled: self.filled.take(1),
        }
    }

    /// Takes an item in the turn of a seat, whose owner [leaves](Self::leave) it when it is dropped.
    #[cfg(feature = "stream")]
    pub(super) fn poll_get(
        &self,
        seat: &mut Seat,
        at: &'static Location<'static>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<S::Item>> {
        let filled = ready!(self.filled.poll_take(seat, at, cx, 1));
        Poll::Ready(filled.is_ok().then(|| self.take_head()))
    }

    /// Gives up a seat, and the right to an item if it was granted.
    #[cfg(feature = "stream")]
    pub(super) fn leave(&self, seat: &mut Seat) {
        self.filled.leave(seat, 1);
    }

    /// Takes an item if there is one and nobody waits for it.
    pub(super) fn try_get(&self) -> Result<S::Item, TryGetError> {
        if self.filled.try_take(1) {
            Ok(self.take_head())
        } else if self.is_closed() {
            Err(TryGetError::Closed)
        } else {
            Err(TryGetError::Empty)
        }
    }

    /// Nothing more can be put.
    pub(super) fn close(&self) {
        if !self.is_closed.replace(true) {
            self.filled.lower_limit(0);
            self.room.lower_limit(0);
        }
    }

    /// Whether nothing more can be put.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// How many items lie here.
    pub(super) fn len(&self) -> usize {
        self.items.borrow().len()
    }

    /// Whether there is no room for one who comes now.
    pub(super) fn is_full(&self) -> bool {
        !self.room.has(1)
    }

    /// How many items may lie here.
    pub(super) fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    /// How many items were ever taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// How many wait for items.
    pub(super) fn getters(&self) -> usize {
        self.filled.waiting()
    }

    /// One item is done with; `None` says that none was left to be.
    pub(super) fn task_done(&self) -> Option<()> {
        if self.is_all_done() {
            return None;
        }
        self.done.set(self.done.get() + 1);
        if self.is_all_done() {
            self.joining.grant_all();
        }
        Some(())
    }

    /// Whether all that was put is done with.
    fn is_all_done(&self) -> bool {
        self.done == self.put
    }

    /// Waits until all that was put is done with.
    #[track_caller]
    pub(super) fn join(&self) -> impl Future<Output = ()> {
        let mut place = Place::new(&self.joining);
        poll_fn(move |cx| {
            ready!(place.poll(cx, (), |_| self.is_all_done()));
            place.leave();
            Poll::Ready(())
        })
    }

    /// How it stands.
    pub(super) fn statistics(&self) -> QueueStatistics {
        QueueStatistics {
            len: self.len(),
            capacity: self.capacity,
            put: self.put.get(),
            taken: self.taken(),
            getters_waiting: self.getters(),
            putters_waiting: self.room.waiting(),
        }
    }

    /// What is shown of it, under a name.
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .field("is_closed", &self.is_closed())
            .field("getters_waiting", &self.getters())
            .field("putters_waiting", &self.room.waiting())
            .finish_non_exhaustive()
    }

    /// Puts an item for which there is room; returns its number.
    #[inline]
    fn land(&self, item: S::Item) -> u64 {
        self.items.borrow_mut().push(item);
        let number = self.put.get();
        self.put.set(number + 1);
        self.filled.give(1);
        number
    }

    /// Takes the first item, by the right to one.
    #[inline]
    fn take_head(&self) -> S::Item {
        let head = self.items.borrow_mut().pop();
        self.taken.set(self.taken.get() + 1);
        if self.capacity.is_some() {
            self.room.give(1);
        }
        head.expect("there are as many items as rights to them")
    }
}

/// The wait for room, with the item that is to be put.
pub(super) struct Put<'a, S: Shelf> {
    /// Where.
    stock: &'a Stock<S>,
    /// The wait for room.
    room: Take<'a>,
    /// What is put; `None` once it is.
    item: Option<S::Item>,
}

impl<S: Shelf> Put<'_, S> {
    /// Puts the item, and returns its number; gives it back if the stock is closed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, Closed<S::Item>>> {
        let has_room = if self.stock.capacity.is_some() {
            ready!(self.room.poll(cx)).is_ok()
        } else {
            ready!(yields::spend(cx, self.room.at()));
            true
        };
        let item = self
            .item
            .take()
            .expect("it is not polled after it was ready");
        // Room that was granted before the closing is of no use any more.
        if !has_room || self.stock.is_closed() {
            return Poll::Ready(Err(Closed(item)));
        }
        Poll::Ready(Ok(self.stock.land(item)))
    }

    /// The item, if it was not put; it is not to be polled any more.
    pub(super) fn take_back(&mut self) -> Option<S::Item> {
        self.item.take()
    }
}

/// The wait for an item.
pub(super) struct Get<'a, S: Shelf> {
    /// Where.
    stock: &'a Stock<S>,
    /// The wait for the right to one.
    filled: Take<'a>,
}

impl<S: Shelf> Get<'_, S> {
    /// Takes the item whose turn it is; an error if the stock is closed and empty.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<S::Item, Closed>> {
        Poll::Ready(match ready!(self.filled.poll(cx)) {
            Ok(()) => Ok(self.stock.take_head()),
            Err(Refused) => Err(Closed(())),
        })
    }
}
