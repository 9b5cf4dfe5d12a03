//! [`Desk`]: where one executor tells, and others are refused.
//!
//! An observer in the box is a handle, and its clones are the same: one goes to the builder, one stays
//! with whoever asks. The clone that first tells something is the one at the desk. Another one that
//! tells belongs to another executor, whose tasks have the same numbers, and perhaps another clock: what
//! came out would be wrong in silence. So it panics, and the executor reports that and removes it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What the handles of one observer share.
struct Shared<T> {
    /// What it keeps.
    kept: RefCell<T>,
    /// Which handle may tell; 0 if it is the next one.
    teller: Cell<u32>,
    /// Which one was the last that told; 0 before the first.
    last: Cell<u32>,
    /// How many have told so far.
    tellers: Cell<u32>,
}

/// A handle.
pub(super) struct Desk<T> {
    /// Its number, once it has told something.
    number: u32,
    /// What they share.
    shared: Rc<Shared<T>>,
}

impl<T> Clone for Desk<T> {
    /// A handle that has not told anything yet.
    fn clone(&self) -> Self {
        Self {
            number: 0,
            shared: Rc::clone(&self.shared),
        }
    }
}

impl<T> Desk<T> {
    /// The first handle.
    pub(super) fn new(kept: T) -> Self {
        let shared = Shared {
            kept: RefCell::new(kept),
            teller: Cell::new(0),
            last: Cell::new(0),
            tellers: Cell::new(0),
        };
        Self {
            number: 0,
            shared: Rc::new(shared),
        }
    }

    /// Tells something. If another executor than before is allowed to, `renew` is called first.
    ///
    /// # Panics
    ///
    /// Panics if another one may tell; `who` says of what.
    #[inline]
    pub(super) fn tell(&mut self, who: &str, renew: fn(&mut T), tell: impl FnOnce(&mut T)) {
        if self.number == 0 || self.number != self.shared.teller.get() {
            self.come_in(who, renew);
        }
        tell(&mut self.shared.kept.borrow_mut());
    }

    /// Becomes the one that may tell.
    #[cold]
    fn come_in(&mut self, who: &str, renew: fn(&mut T)) {
        let shared = &*self.shared;
        assert!(
            shared.teller.get() == 0,
            "a {who} is told by one executor, and this is another one: give each its own"
        );
        if self.number == 0 {
            shared.tellers.set(shared.tellers.get() + 1);
            self.number = shared.tellers.get();
        }
        let last = shared.last.replace(self.number);
        if last != 0 && last != self.number {
            renew(&mut shared.kept.borrow_mut());
        }
        shared.teller.set(self.number);
    }

    /// Asks.
    pub(super) fn ask<R>(&self, ask: impl FnOnce(&T) -> R) -> R {
        ask(&self.shared.kept.borrow())
    }

    /// Changes what is kept, and lets the next one tell, whoever that is.
    pub(super) fn open(&self, change: impl FnOnce(&mut T)) {
        self.shared.teller.set(0);
        change(&mut self.shared.kept.borrow_mut());
    }
}
