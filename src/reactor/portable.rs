//! The poll instance elsewhere, by `polling`'s own wait: edges where it has them (kqueue), and where
//! it has not, one shot at a time, armed again for what is waited for.
//!
//! Slower than `reactor/epoll.rs` and with the same meaning: the same tests pass on both. On Linux it
//! is built with `--cfg polling_test_poll_backend`.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use polling::{Events, PollMode, Poller};

use crate::inbox;
use crate::reactor::{Event, Interest};
use crate::sys;

/// The poll instance of one reactor.
pub(crate) struct Poll {
    /// Waits, and is notified by the bell.
    poller: Arc<Poller>,
    /// Room for events.
    events: RefCell<Events>,
    /// Edges, or one shot at a time.
    mode: PollMode,
    /// How many calls were made.
    calls: Cell<u64>,
}

/// The way to end a wait from another thread.
struct Bell(Arc<Poller>);

impl inbox::Bell for Bell {
    fn ring(&self) {
        if let Err(error) = self.0.notify() {
            eprintln!("bibelot: waking an executor: {error}");
        }
    }
}

impl Poll {
    /// A poll instance and its bell.
    pub(crate) fn new() -> io::Result<(Self, Box<dyn inbox::Bell>)> {
        let poller = Arc::new(Poller::new()?);
        let mode = if poller.supports_edge() {
            PollMode::Edge
        } else {
            PollMode::Oneshot
        };
        let bell = Box::new(Bell(Arc::clone(&poller)));
        let poll = Self {
            poller,
            events: RefCell::new(Events::new()),
            mode,
            calls: Cell::new(0),
        };
        Ok((poll, bell))
    }

    /// Adds a source under a key.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, key: u64) -> io::Result<()> {
        self.count();
        let wanted = Interest {
            read: self.mode == PollMode::Edge,
            write: self.mode == PollMode::Edge,
        };
        sys::add(&self.poller, fd, event_of(key, wanted), self.mode)
    }

    /// Says what a source is wanted for.
    pub(crate) fn rearm(
        &self,
        fd: BorrowedFd<'_>,
        key: u64,
        wanted: impl FnOnce() -> Interest,
    ) -> io::Result<()> {
        if self.mode == PollMode::Edge {
            return Ok(());
        }
        self.count();
        let event = event_of(key, wanted());
        self.poller.modify_with_mode(fd, event, self.mode)
    }

    /// Takes a source out.
    pub(crate) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.count();
        self.poller.delete(fd)
    }

    /// Says how the next wait will be: as ever.
    #[expect(clippy::unused_self, reason = "the one on Linux needs it")]
    pub(crate) fn prepare(&self, _: bool) {}

    /// Waits for as long as `timeout` (`None`: for ever) and calls `each` for every event.
    pub(crate) fn wait(
        &self,
        timeout: Option<Duration>,
        mut each: impl FnMut(u64, Event),
    ) -> io::Result<()> {
        self.count();
        let events = &mut *self.events.borrow_mut();
        events.clear();
        let mut waited = self.poller.wait(events, timeout);
        // polling's poll backend answers so to a bell that rings just as the wait begins, and is deaf
        // to the next one until a wait has succeeded.
        while waited
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        {
            waited = self.poller.wait(events, Some(Duration::ZERO));
        }
        match waited {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => drop(result?),
        }
        // A shot disarms both sides: so both are tried again, and armed again if that would block.
        let is_shot = self.mode == PollMode::Oneshot;
        for event in events.iter() {
            let told = Event {
                read: is_shot || event.readable || event.is_interrupt() || event.is_priority(),
                write: is_shot || event.writable,
                // It does not tell, so no short read may be taken for the last one.
                more_than_data: true,
            };
            each(event.key as u64, told);
        }
        Ok(())
    }

    /// The descriptor that can be read when there are events.
    #[cfg(not(polling_test_poll_backend))]
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        use std::os::fd::AsFd;
        self.poller.as_fd()
    }

    /// Counts a call.
    pub(crate) fn count(&self) {
        self.calls.set(self.calls.get() + 1);
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.get()
    }
}

/// The interest as `polling` writes it.
fn event_of(key: u64, wanted: Interest) -> polling::Event {
    polling::Event::new(key as usize, wanted.read, wanted.write)
}
