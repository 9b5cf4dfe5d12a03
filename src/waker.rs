//! The waker is a token: a number that names a task, not a pointer to one.
//!
//! ```text
//!   data word of the RawWaker
//!   ┌─────────────┬──────────────┬─────────────────────────┐
//!   │ executor:16 │ generation:16│         slot:32         │   (8, 8 and 16 bits on 32-bit targets)
//!   └─────────────┴──────────────┴─────────────────────────┘
//!        │ this thread's executor?
//!        ├─ yes ─► scheduler: index the slab, compare the generation, queue   (no atomics)
//!        └─ no ──► registry: find its inbox, push, ring if it sleeps          (any thread)
//! ```
//!
//! Laws. A waker owns nothing: dropping one does nothing, copying one copies a word, so no task
//! memory is ever freed by a waker and no `!Send` value ever dropped on a foreign thread. A stale
//! token meets another generation and is ignored; generations wrap, so it may meet its own again in a
//! task that took the slot 65 536 spawns later, and the worst it can do then is one spurious poll,
//! which every future must bear. `clone` is the one door by which a waker can leave our own futures:
//! it marks the task that is running as *foreign*, since from then on anybody may wake it. Our own
//! futures use [`keep`].
//!
//! The design is the one that the futures RFC prescribes for single threads (rust-lang/rfcs, text
//! 2592, "wakeup design": thread-local queues "carrying IDs rather than pointers").
//!
//! Why not an `Rc` or `Arc` in the waker: reference counts on each clone, and a proof that the last
//! one never drops elsewhere. Read next: `scheduler.rs` for the local path, `registry.rs` and
//! `inbox.rs` for the other.
#![expect(
    unsafe_code,
    reason = "RawWaker, and the pointer to the scheduler that runs on this thread"
)]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::error::Panicked;
use crate::scheduler::Scheduler;
use crate::{registry, report};

/// The bits of a token that name the slot.
const SLOT_BITS: u32 = usize::BITS / 2;
/// The bits of a token that name the generation, and those that name the executor.
const GENERATION_BITS: u32 = usize::BITS / 4;
/// How many slots a token can name.
const SLOTS_MAX: usize = 1 << SLOT_BITS;
/// The bit of a slot's number that says that it is a scope's child's, and not a task's.
pub(crate) const CHILD: usize = SLOTS_MAX >> 1;
/// How many generations, and how many executors, a token can tell apart.
pub(crate) const GENERATIONS: usize = 1 << GENERATION_BITS;

/// The name of a task: executor, generation and slot, in one word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Token(usize);

impl Token {
    /// Packs the three numbers; each must be in its range.
    pub(crate) fn new(executor: u16, generation: u16, slot: u32) -> Self {
        Self(
            usize::from(executor) << (SLOT_BITS + GENERATION_BITS)
                | usize::from(generation) << SLOT_BITS
                | slot as usize,
        )
    }

    /// The executor whose task it is.
    pub(crate) fn executor(self) -> u16 {
        (self.0 >> (SLOT_BITS + GENERATION_BITS)) as u16
    }

    /// Which of the slot's tasks it is.
    pub(crate) fn generation(self) -> u16 {
        (self.0 >> SLOT_BITS) as u16 & (GENERATIONS - 1) as u16
    }

    /// Where the scheduler keeps it.
    pub(crate) fn slot(self) -> usize {
        self.0 & (SLOTS_MAX - 1)
    }

    /// The token as a number, for a table of atomics.
    pub(crate) fn to_bits(self) -> usize {
        self.0
    }

    /// A waker that wakes this task.
    pub(crate) fn waker(self) -> Waker {
        // SAFETY: the functions of VTABLE never dereference the data; each is thread-safe and keeps
        // RawWaker's contract, since wake, clone and drop need nothing but the number.
        unsafe { Waker::from_raw(self.raw()) }
    }

    /// The token as a waker's two words.
    fn raw(self) -> RawWaker {
        RawWaker::new(ptr::without_provenance(self.0), &VTABLE)
    }

    /// The token in `waker`, if it is one of ours.
    pub(crate) fn of(waker: &Waker) -> Option<Self> {
        ptr::eq(waker.vtable(), &VTABLE).then(|| Self(waker.data().addr()))
    }
}

/// A copy of `waker` to store in a leaf future's place of waiting.
///
/// Of a waker of ours it copies the token and leaves no mark: our own futures always take their
/// wakers back, so they cannot wake a task behind the executor's back.
pub(crate) fn keep(waker: &Waker) -> Waker {
    match Token::of(waker) {
        Some(token) => token.waker(),
        None => waker.clone(),
    }
}

/// Wakes by a waker that was kept.
#[inline]
pub(crate) fn wake_kept(waker: Waker) {
    match Token::of(&waker) {
        Some(token) => wake(token),
        None => wake_foreign(waker),
    }
}

/// Wakes by a waker that is not ours, nor is its panic: it is reported, and whoever is to be woken
/// after it is.
#[cold]
fn wake_foreign(waker: Waker) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        let who = String::from("a foreign waker");
        report::send_panic(Panicked::new(who, payload));
    }
}

/// Wakes the task, whatever thread this is; does nothing if it has ended.
#[inline]
pub(crate) fn wake(token: Token) {
    let was_local = with_current(|scheduler| {
        let is_local = scheduler.id() == token.executor();
        if is_local {
            scheduler.wake(token);
        }
        is_local
    });
    if was_local != Some(true) {
        registry::deliver(token);
    }
}

/// What wakers of ours do.
static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |data| {
        with_current(Scheduler::mark_foreign);
        Token(data.addr()).raw()
    },
    |data| wake(Token(data.addr())),
    |data| wake(Token(data.addr())),
    |_| {},
);

thread_local! {
    /// The scheduler that runs on this thread, or null. Set by `enter` alone. It has no destructor,
    /// so wakers work even while the thread's other locals are being destroyed.
    static CURRENT: Cell<*const Scheduler> = const { Cell::new(ptr::null()) };
}

/// Calls `f` with `scheduler` as the one that runs on this thread.
pub(crate) fn enter<R>(scheduler: &Scheduler, f: impl FnOnce() -> R) -> R {
    /// Puts the one before back, also when `f` unwinds.
    struct Restore(*const Scheduler);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _restore = Restore(CURRENT.replace(scheduler));
    f()
}

/// Calls `f` with the scheduler that runs on this thread, if there is one.
pub(crate) fn with_current<R>(f: impl FnOnce(&Scheduler) -> R) -> Option<R> {
    let scheduler = CURRENT.get();
    if scheduler.is_null() {
        return None;
    }
    // SAFETY: CURRENT is not null only while `enter` runs further down this very stack, and `enter`
    // borrows the scheduler for all that time. `f` cannot keep the reference, whose lifetime is free.
    Some(f(unsafe { &*scheduler }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_back_what_was_packed() {
        let biggest = (GENERATIONS - 1) as u16;
        for (executor, generation, slot) in [
            (0, 0, 0),
            (1, 2, 3),
            (biggest, biggest, (SLOTS_MAX - 1) as u32),
        ] {
            let token = Token::new(executor, generation, slot);
            assert_eq!(token.executor(), executor);
            assert_eq!(token.generation(), generation);
            assert_eq!(token.slot(), slot as usize);
            assert_eq!(Token::of(&token.waker()), Some(token));
        }
        assert_eq!(Token::of(Waker::noop()), None);
    }
}
