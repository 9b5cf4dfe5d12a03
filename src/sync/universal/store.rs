//! Where the items of a universal queue lie, and the locks around them.
//!
//! ```text
//!   put ─► [ state: items, and who waits ] ─── all items, once the front is empty ──► [ front ] ─► get
//!                 the putters' lock                                               the getters' lock
//! ```
//!
//! The counts are those of `sync/queue.rs`, of items and of room, and so is the law: what is granted
//! is the right to an item, and not which. A getter takes the head out when it is polled. So an item
//! that was granted to one who is dropped has never left the head.
//!
//! A queue without a limit has two locks, so that those who put and those who get do not wait for each
//! other: a getter that finds the front empty takes over all that lies behind it, unless somebody was
//! granted one of these. Two laws follow, and loom has tried them (`sync/universal/models.rs`):
//!
//! - *While anything lies in front nobody waits, and nobody has a right that he has not used.* It is
//!   filled with what all can have, so nobody waits; and whoever comes to wait has found it empty, and
//!   holds the putters' lock, without which it is not filled, until he is in line.
//! - So whoever waits, leaves, or takes what he was granted, needs *the putters' lock alone*. Who needs
//!   both takes the getters' first.
//!
//! Where there is a limit each item that is taken makes room, which who waits for it must have at once.
//! That is counted under the putters' lock, so there the front is not used.
//!
//! How many items are done with is counted beside all this, in `sync/universal/tally.rs`, which read next.
//!
//! Why not a queue without locks: an item, the right to it and the place in line would each change by
//! themselves, and what is granted could be taken by a third in between.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use crossbeam::utils::CachePadded;

use crate::counted::Counted;
use crate::primitive::{LeanMutex, LeanMutexGuard};
use crate::sync::universal::tally::Tally;
use crate::sync::universal::wait::Flag;
use crate::wait_queue::{Ticket, WaitQueue};

/// The items and their locks, each on cache lines of its own.
pub(super) struct Store<T> {
    /// What lies before all other items, for who comes and need not wait.
    front: CachePadded<LeanMutex<Front<T>>>,
    /// All else.
    state: CachePadded<LeanMutex<State<T>>>,
    /// How much of what was put is done with.
    tally: CachePadded<LeanMutex<Tally>>,
    /// How many items there may be, if there is a limit.
    pub(super) capacity: Option<usize>,
}

/// What is behind the getters' lock.
pub(super) struct Front<T> {
    /// What was put and not taken.
    items: VecDeque<T>,
    /// How many were ever taken from here.
    taken: u64,
}

/// What is behind the putters' lock.
pub(super) struct State<T> {
    /// What was put and not taken, behind what lies in front.
    items: VecDeque<T>,
    /// Those items that no getter was granted.
    pub(super) filled: Counted,
    /// The room that no putter was granted; none is ever asked for without a limit.
    pub(super) room: Counted,
    /// Whether there is a limit.
    is_bounded: bool,
    /// Whether no more are to come.
    pub(super) is_closed: bool,
    /// How many items were ever put.
    put: u64,
    /// How many were ever taken from here.
    taken: u64,
}

/// How things stand, as at one moment.
pub(super) struct Standing {
    /// How many items lie here.
    pub(super) len: usize,
    /// How many were ever put.
    pub(super) put: u64,
    /// How many were ever taken.
    pub(super) taken: u64,
    /// How many wait for an item.
    pub(super) getters: usize,
    /// How many wait for room.
    pub(super) putters: usize,
    /// Whether no more are to come.
    pub(super) is_closed: bool,
}

impl<T> Store<T> {
    /// Room for so many.
    pub(super) const fn new(capacity: Option<usize>) -> Self {
        let room = match capacity {
            Some(capacity) => capacity,
            None => 0,
        };
        let front = Front {
            items: VecDeque::new(),
            taken: 0,
        };
        let state = State {
            items: VecDeque::new(),
            filled: Counted::new(0),
            room: Counted::new(room),
            is_bounded: capacity.is_some(),
            is_closed: false,
            put: 0,
            taken: 0,
        };
        Self {
            front: CachePadded::new(LeanMutex::new(front)),
            state: CachePadded::new(LeanMutex::new(state)),
            tally: CachePadded::new(LeanMutex::new(Tally::new())),
            capacity,
        }
    }

    /// What is behind the putters' lock.
    #[inline]
    pub(super) fn lock(&self) -> LeanMutexGuard<'_, State<T>> {
        self.state.lock()
    }

    /// What is behind the getters' lock, for who comes to take something; none where there is a limit.
    #[inline]
    pub(super) fn lock_front(&self) -> Option<LeanMutexGuard<'_, Front<T>>> {
        match self.capacity {
            None => Some(self.front.lock()),
            Some(_) => None,
        }
    }

    /// One item is done with. Who is to be woken if it was the last comes back; `None` says that none
    /// was left.
    pub(super) fn task_done(&self) -> Option<Vec<Waker>> {
        let mut tally = self.tally.lock();
        tally.count(|| self.lock().put)
    }

    /// How things stand.
    pub(super) fn standing(&self) -> Standing {
        let front = self.front.lock();
        let state = self.lock();
        Standing {
            len: front.items.len() + state.items.len(),
            put: state.put,
            taken: front.taken + state.taken,
            getters: state.filled.waiting(),
            putters: state.room.waiting(),
            is_closed: state.is_closed,
        }
    }
}

/// All that was put is done with.
impl<T> Flag for Store<T> {
    fn look<R>(&self, f: impl FnOnce(bool, &mut WaitQueue) -> R) -> R {
        let mut tally = self.tally.lock();
        let is_so = tally.is_all_done(|| self.lock().put);
        f(is_so, &mut tally.joining)
    }
}

impl<T> Front<T> {
    /// Takes the head.
    #[inline]
    pub(super) fn take(&mut self) -> Option<T> {
        let head = self.items.pop_front();
        self.taken += u64::from(head.is_some());
        head
    }
}

impl<T> State<T> {
    /// Takes the head, by the right to an item; what lies behind it goes to the front, if that is
    /// locked, and so empty. Who is to be woken for the room comes back.
    #[inline]
    pub(super) fn take_head(&mut self, front: Option<&mut Front<T>>) -> (T, Option<Waker>) {
        let head = self.items.pop_front();
        let head = head.expect("there are as many items as rights to them");
        self.taken += 1;
        if self.is_bounded {
            return (head, self.room.give());
        }
        if let Some(front) = front
            && self.filled.free() == self.items.len()
        {
            self.filled.take_all();
            mem::swap(&mut front.items, &mut self.items);
        }
        (head, None)
    }

    /// Takes room for an item, if a newcomer can have it at once.
    #[inline]
    pub(super) fn try_take_room(&mut self) -> bool {
        !self.is_bounded || self.room.try_take()
    }

    /// Takes room for an item in its turn, as [`Counted::poll`] does.
    pub(super) fn poll_room(
        &mut self,
        ticket: &mut Option<Ticket>,
        waker: &mut Option<Waker>,
    ) -> bool {
        !self.is_bounded || self.room.poll(ticket, waker)
    }

    /// Puts an item at the end, by the right to room. Who is to be woken for the item comes back.
    #[inline]
    pub(super) fn land(&mut self, item: T) -> Option<Waker> {
        self.items.push_back(item);
        self.put += 1;
        self.filled.give()
    }
}
