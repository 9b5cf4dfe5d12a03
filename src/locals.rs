//! What a task hands down to the tasks it spawns: values, and that they help an epilogue.
//!
//! ```text
//!   task A   USER.scope("ann", …)          current: [USER "ann"]
//!     └─ spawn ─► task B                   current: [USER "ann"], for all of B's life
//!          └─ TRACE.scope(7, …)            current: [USER "ann", TRACE 7]
//! ```
//!
//! One thread-local holds the current set. Whoever gives a value sets it while the future inside is
//! polled or dropped, and the executor sets a task's own in its turns, so branches of a join or race
//! never see each other's. A set is never changed, only copied with one more value: it is small, and
//! to inherit it is to count a reference.
//!
//! What an epilogue spawns, and what that spawns, *helps* it. That is one bit, set in the same way while
//! an epilogue or a helper is polled: a shutdown ends helpers last (`executor/shutdown.rs`).
//!
//! Read next: `local.rs`, which users see.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// One value, with the number of its key.
#[derive(Clone)]
struct Entry {
    /// Whose value it is.
    key: usize,
    /// The value.
    value: Rc<dyn Any>,
}

/// A set of values; `None` is the empty one.
#[derive(Clone, Default)]
pub(crate) struct Locals(Option<Rc<[Entry]>>);

impl Locals {
    /// Whether this is the very same set, and not only one of the same values.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: usize) -> Option<Rc<dyn Any>> {
        let entry = self.0.as_ref()?.iter().find(|entry| entry.key == key)?;
        Some(Rc::clone(&entry.value))
    }

    /// The set with another value for a key.
    pub(crate) fn with(&self, key: usize, value: Rc<dyn Any>) -> Self {
        let others = self.0.iter().flat_map(|entries| entries.iter());
        let others = others.filter(|entry| entry.key != key).cloned();
        Self(Some(others.chain([Entry { key, value }]).collect()))
    }
}

thread_local! {
    /// The values of what is being polled.
    static CURRENT: RefCell<Locals> = const { RefCell::new(Locals(None)) };
    /// Whether there are any, and whether an epilogue is being helped. It has no destructor, so to ask
    /// costs one look.
    static HANDED_DOWN: Cell<u8> = const { Cell::new(0) };
}

/// There are values.
const VALUES: u8 = 1;
/// An epilogue is being helped.
const HELP: u8 = 1 << 1;

/// Whether there is something to hand down.
#[inline]
pub(crate) fn are_there() -> bool {
    HANDED_DOWN.get() != 0
}

/// Whether an epilogue is being polled, or a task that helps one.
pub(crate) fn is_help() -> bool {
    HANDED_DOWN.get() & HELP != 0
}

/// Calls `f`, which polls an epilogue or a task that helps one, or neither.
pub(crate) fn within_help<R>(is_help: bool, f: impl FnOnce() -> R) -> R {
    let _help = help(is_help);
    f()
}

/// The same until the guard is dropped.
#[must_use]
pub(crate) fn help(is_help: bool) -> Help {
    let before = Help(self::is_help());
    set(HELP, is_help);
    before
}

/// Puts back what was before, also in an unwind.
pub(crate) struct Help(bool);

impl Drop for Help {
    fn drop(&mut self) {
        set(HELP, self.0);
    }
}

/// Sets whether there is such a thing to hand down.
fn set(bit: u8, is_there: bool) {
    let others = HANDED_DOWN.get() & !bit;
    HANDED_DOWN.set(if is_there { others | bit } else { others });
}

/// The values of what is being polled. During the end of the thread there are none.
pub(crate) fn current() -> Locals {
    let current = CURRENT.try_with(|current| current.borrow().clone());
    current.unwrap_or_default()
}

/// Calls `f` with these as the current values.
pub(crate) fn within<R>(locals: Locals, f: impl FnOnce() -> R) -> R {
    /// Puts those before back, also when `f` unwinds.
    struct Restore(Locals);
    impl Drop for Restore {
        fn drop(&mut self) {
            drop(replace(std::mem::take(&mut self.0)));
        }
    }
    let _restore = Restore(replace(locals));
    f()
}

/// Sets the current values, and returns those before: their destructors are the user's.
fn replace(locals: Locals) -> Locals {
    set(VALUES, locals.0.is_some());
    let replaced = CURRENT.try_with(|current| current.replace(locals));
    replaced.unwrap_or_default()
}
