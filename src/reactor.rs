//! The reactor: descriptors on one side, wakers on the other.
//!
//! ```text
//!   AsyncFd ──► Source ◄── sources[slot] ◄── key ── event ◄── the kernel
//!                 │ would block: join the queue             │
//!                 └─ readable / writable: wake the first ◄──┘
//! ```
//!
//! A source is added at its first would-block and not touched again until it is closed: no system
//! call a wait. Its key holds a generation, so an event for a descriptor that was closed meanwhile
//! does not reach the one that got its number.
//!
//! Laws. Wakers are collected and woken by the caller, when nothing is borrowed (law 6 of
//! `executor.rs`). A source is taken out before its descriptor is closed: a duplicate of it would
//! keep it alive in the kernel. Read next: `reactor/source.rs` (the readiness rule).

#[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
mod bell;
mod doubts;
#[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
#[path = "reactor/epoll.rs"]
mod poll;
#[cfg(any(not(target_os = "linux"), polling_test_poll_backend))]
#[path = "reactor/portable.rs"]
mod poll;
pub(crate) mod simulated;
pub(crate) mod source;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use slab::Slab;

use crate::inbox::Bell;
use crate::observer::Watched;
use crate::reactor::doubts::Doubts;
use crate::reactor::source::Source;

/// What the kernel says of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    /// A read would not block.
    pub(crate) read: bool,
    /// A write would not block.
    pub(crate) write: bool,
    /// There is, or may be, more to read than plain data: an end, an error, an urgent mark.
    pub(crate) more_than_data: bool,
}

/// What a source is wanted for.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    all(target_os = "linux", not(polling_test_poll_backend)),
    expect(
        dead_code,
        reason = "an edge tells of everything; only the portable backend asks"
    )
)]
pub(crate) struct Interest {
    /// Somebody waits to read.
    pub(crate) read: bool,
    /// Somebody waits to write.
    pub(crate) write: bool,
}

/// The name of a source in the kernel: generation and slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(u64);

/// How many bits of a key name the slot: half of a `usize`, which is what `polling` can carry.
const SLOT_BITS: u32 = usize::BITS / 2;

impl Key {
    /// Packs the two.
    fn new(generation: u32, slot: usize) -> Self {
        let generation = u64::from(generation) & ((1 << (SLOT_BITS - 1)) - 1);
        Self(generation << SLOT_BITS | slot as u64)
    }

    /// Where the source is.
    fn slot(self) -> usize {
        (self.0 & ((1 << SLOT_BITS) - 1)) as usize
    }
}

/// A source, as one executor knows it.
struct Entry {
    /// Its key.
    key: Key,
    /// The source.
    source: Rc<Source>,
    /// The number of its descriptor.
    fd: RawFd,
    /// Whether it is going to be asked if anything is left.
    is_in_doubt: Cell<bool>,
}

/// All sources of one executor.
pub(crate) struct Reactor {
    /// The kernel's side.
    poll: poll::Poll,
    /// The sources, each in the slot that its key names.
    sources: RefCell<Slab<Entry>>,
    /// Those that are to be asked whether anything is left.
    doubts: RefCell<Doubts>,
    /// The generation of the next source.
    generation: Cell<u32>,
    /// Whether nobody will wait for events here any more.
    has_ended: Cell<bool>,
    /// Where it is noted what comes and goes.
    watched: Watched,
}

impl Reactor {
    /// A reactor without sources, and the bell that ends its waits.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel gives no poll instance, for want of descriptors say.
    pub(crate) fn new(watched: Watched) -> io::Result<(Self, Box<dyn Bell>)> {
        let (poll, bell) = poll::Poll::new()?;
        let reactor = Self {
            poll,
            sources: RefCell::default(),
            doubts: RefCell::default(),
            generation: Cell::new(0),
            has_ended: Cell::new(false),
            watched,
        };
        Ok((reactor, bell))
    }

    /// Adds a source.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, source: Rc<Source>) -> io::Result<Key> {
        let mut sources = self.sources.borrow_mut();
        let entry = sources.vacant_entry();
        let key = Key::new(self.generation.get(), entry.key());
        self.poll.add(fd, key.0)?;
        self.generation.set(self.generation.get().wrapping_add(1));
        entry.insert(Entry {
            key,
            source,
            fd: fd.as_raw_fd(),
            is_in_doubt: Cell::new(false),
        });
        Ok(key)
    }

    /// Says what a source is wanted for: somebody waits for it.
    pub(crate) fn rearm(
        &self,
        fd: BorrowedFd<'_>,
        key: Key,
        wanted: impl FnOnce() -> Interest,
    ) -> io::Result<()> {
        if let Some(audience) = &self.watched {
            audience.note_wait(fd.as_raw_fd());
        }
        self.poll.rearm(fd, key.0, wanted)
    }

    /// Has a source asked, before the next wait, whether anything is left to read.
    pub(crate) fn doubt(&self, fd: BorrowedFd<'_>, key: Key) {
        let sources = self.sources.borrow();
        // Once, or the list of an executor that does not run would grow for ever.
        if !sources[key.slot()].is_in_doubt.replace(true) {
            self.doubts.borrow_mut().add(fd, key);
        }
    }

    /// Asks those that are in doubt. Who is to be woken goes to `wakers`.
    pub(crate) fn ask(&self, wakers: &mut Vec<Waker>) {
        let mut doubts = self.doubts.borrow_mut();
        if doubts.is_empty() {
            return;
        }
        self.poll.count();
        let sources = self.sources.borrow();
        doubts.ask(|key, answer| {
            if let Some(entry) = sources.get(key.slot())
                && entry.key == key
            {
                entry.is_in_doubt.set(false);
                entry.source.on_answer(answer, wakers);
                if let (Some(event), Some(audience)) = (answer, &self.watched) {
                    audience.note_ready(entry.fd, event.read, event.write);
                }
            }
        });
    }

    /// Takes a source out; its descriptor may be closed then.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>, key: Key) {
        let removed = self.sources.borrow_mut().remove(key.slot());
        debug_assert!(removed.key == key);
        let deleted = self.poll.delete(fd);
        debug_assert!(deleted.is_ok(), "a source that was added: {deleted:?}");
        if let Some(audience) = &self.watched {
            audience.note_left(fd.as_raw_fd());
        }
    }

    /// Notes that nobody will wait for events here any more.
    pub(crate) fn end(&self) {
        self.has_ended.set(true);
    }

    /// Whether nobody will wait for events here any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.get()
    }

    /// Whether there are sources at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.sources.borrow().is_empty()
    }

    /// Says how the next wait will be: a sleep that a ring ends, unless a host waits for the descriptor.
    pub(crate) fn prepare(&self, is_sleep: bool) {
        self.poll.prepare(is_sleep && self.is_empty());
    }

    /// Waits for events for as long as `timeout` (`None`: until there are some, or the bell rings),
    /// or not at all if one that was in doubt is ready. Who is to be woken goes to `wakers`.
    ///
    /// # Panics
    ///
    /// Panics if the kernel refuses the wait, which it does only to a descriptor that is not ours.
    pub(crate) fn wait(&self, timeout: Option<Duration>, wakers: &mut Vec<Waker>) {
        self.ask(wakers);
        let timeout = if wakers.is_empty() {
            timeout
        } else {
            Some(Duration::ZERO)
        };
        let waited = self.poll.wait(timeout, |key, event| {
            let sources = self.sources.borrow();
            let key = Key(key);
            if let Some(entry) = sources.get(key.slot())
                && entry.key == key
            {
                entry.source.on_event(event, wakers);
                if let Some(audience) = &self.watched {
                    audience.note_ready(entry.fd, event.read, event.write);
                }
            }
        });
        if let Err(error) = waited {
            panic!("waiting for events: {error}; was a descriptor closed that is not yours?");
        }
    }

    /// The descriptor that can be read when there are events.
    #[cfg(not(polling_test_poll_backend))]
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.poll.as_fd()
    }

    /// How many system calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.poll.calls()
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.sources.borrow().len();
        write!(f, "Reactor({sources} sources)")
    }
}
