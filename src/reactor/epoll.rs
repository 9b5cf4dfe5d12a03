//! The poll instance on Linux: sources are added once, edge-triggered, and one call waits.
//!
//! ```text
//!   what there is       the executor sleeps in    the bell that ends it
//!   sources, or a host  epoll_pwait2              an eventfd: written, never read, its edge is enough
//!   neither             thread::park              Thread::unpark: no descriptor is needed
//! ```
//!
//! The `Poller` owns the epoll instance and is used for nothing else: a poller that is waited on
//! directly loses its `notify`, so the bell is our own, and `Poller::add` cannot ask for `EPOLLRDHUP`,
//! which the readiness rule needs (`reactor/source.rs`). Which of the two bells rings: `reactor/bell.rs`.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::Duration;

use polling::Poller;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

use crate::inbox;
use crate::reactor::bell::Bell;
use crate::reactor::{Event, Interest};
use crate::sys::{self, EventBuffer};

/// The key of the bell. (The greatest key is the `Poller`'s own.)
const BELL: u64 = u64::MAX - 1;

/// What every source is added with: told of everything, once per change.
const ALL_EDGES: EventFlags = EventFlags::IN
    .union(EventFlags::OUT)
    .union(EventFlags::PRI)
    .union(EventFlags::RDHUP)
    .union(EventFlags::ET);

/// The poll instance of one reactor.
pub(crate) struct Poll {
    /// Owns the epoll instance.
    poller: Poller,
    /// Room for events.
    events: RefCell<EventBuffer>,
    /// Ends a wait.
    bell: Arc<Bell<Thread, Eventfd>>,
    /// How many system calls were made.
    calls: Cell<u64>,
}

/// Ends a wait for events.
struct Eventfd(OwnedFd);

impl inbox::Bell for Eventfd {
    fn ring(&self) {
        // The only failure is a full counter, after 2^64 - 1 rings: an edge has been seen long ago.
        let _full = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

impl inbox::Bell for Thread {
    fn ring(&self) {
        self.unpark();
    }
}

impl Poll {
    /// A poll instance and its bell.
    pub(crate) fn new() -> io::Result<(Self, Box<dyn inbox::Bell>)> {
        let poller = Poller::new()?;
        let eventfd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let edges = EventFlags::IN | EventFlags::ET;
        epoll::add(&poller, &eventfd, EventData::new_u64(BELL), edges)?;
        let bell = Arc::new(Bell::new(thread::current(), Eventfd(eventfd)));
        let poll = Self {
            poller,
            events: RefCell::new(EventBuffer::new()),
            bell,
            calls: Cell::new(0),
        };
        let bell = Box::new(Arc::clone(&poll.bell));
        Ok((poll, bell))
    }

    /// Adds a source under a key.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, key: u64) -> io::Result<()> {
        self.count();
        epoll::add(&self.poller, fd, EventData::new_u64(key), ALL_EDGES).map_err(explained)
    }

    /// Says what a source is wanted for: nothing to do, since it tells of everything.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the portable one needs both"
    )]
    pub(crate) fn rearm(
        &self,
        _: BorrowedFd<'_>,
        _: u64,
        _: impl FnOnce() -> Interest,
    ) -> io::Result<()> {
        Ok(())
    }

    /// Takes a source out.
    pub(crate) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.count();
        epoll::delete(&self.poller, fd)?;
        Ok(())
    }

    /// Says how the next wait will be: without sources to wait for, the thread can be parked, which
    /// costs less than a wait for events. Comes before the inbox is told of a sleep.
    pub(crate) fn prepare(&self, may_park: bool) {
        self.bell.prepare(may_park);
    }

    /// Waits for as long as `timeout` (`None`: for ever) and calls `each` for every event.
    pub(crate) fn wait(
        &self,
        timeout: Option<Duration>,
        mut each: impl FnMut(u64, Event),
    ) -> io::Result<()> {
        self.count();
        let is_look = timeout == Some(Duration::ZERO);
        if !is_look && self.bell.is_for_parked() {
            match timeout {
                Some(timeout) => thread::park_timeout(timeout),
                None => thread::park(),
            }
            return Ok(());
        }
        let events = &mut *self.events.borrow_mut();
        sys::wait(self.poller.as_fd(), events, timeout)?;
        for (flags, key) in events.iter() {
            if key < BELL {
                each(key, event(EventFlags::from_bits_retain(flags)));
            }
        }
        Ok(())
    }

    /// The descriptor that can be read when there are events.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.poller.as_fd()
    }

    /// Counts a system call.
    pub(crate) fn count(&self) {
        self.calls.set(self.calls.get() + 1);
    }

    /// How many system calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.get()
    }
}

/// The error of a descriptor that cannot be added, in words where the kernel's would mislead.
fn explained(error: Errno) -> io::Error {
    let (kind, text) = match error {
        Errno::EXIST => (
            io::ErrorKind::AlreadyExists,
            "this descriptor is waited for by another socket or AsyncFd; use that one, or a duplicate",
        ),
        Errno::PERM => (
            io::ErrorKind::Unsupported,
            "this descriptor cannot be waited for; files and directories are always ready",
        ),
        _ => return error.into(),
    };
    io::Error::new(kind, text)
}

/// What the flags of an event say.
fn event(flags: EventFlags) -> Event {
    let ends = EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR;
    Event {
        read: flags.intersects(EventFlags::IN | EventFlags::PRI | ends),
        write: flags.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR),
        more_than_data: flags.intersects(EventFlags::PRI | ends),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{TcpListener, TcpStream};
    use crate::time::timeout;
    use crate::{Executor, spawn};

    /// What the short-read rule of `reactor/source.rs` is for.
    #[test]
    fn an_echo_costs_each_side_one_wait_one_recv_and_one_send() {
        // What the kernel refuses to a thread, it refuses for ever.
        thread::spawn(count_echoes).join().expect("no panic");
    }

    /// Counts what the reactor and the sockets say that they call, while the kernel refuses them
    /// `epoll_ctl`. Who sleeps between two polls need not look outside in between, so it is exact.
    fn count_echoes() {
        const ROUNDS: u64 = 1000;
        let executor = Executor::new().unwrap();
        let counted = executor.run(timeout(Duration::from_secs(30), async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let here = TcpStream::connect(listener.local_addr()?).await?;
            let (there, _) = listener.accept().await?;
            spawn(async move {
                let mut buf = [0; 64];
                loop {
                    let count = there.read(&mut buf).await.expect("what was sent");
                    there.write_all(&buf[..count]).await.expect("an echo");
                }
            });
            let mut buf = [0; 64];
            here.write_all(b"warm").await?; // registers both
            here.read(&mut buf).await?;
            drop(listener);
            sys::refuse(libc::SYS_epoll_ctl, libc::EPERM);
            let before = executor.stats().syscalls;
            for _ in 0..ROUNDS {
                here.write_all(b"ping").await?;
                assert_eq!(here.read(&mut buf).await?, 4);
            }
            // Taking the sockets out is refused as well, so they stay.
            std::mem::forget(here);
            io::Result::Ok(executor.stats().syscalls - before)
        }));
        std::mem::forget(executor);
        let calls = counted.expect("it does not hang").expect("no error");
        assert_eq!(calls, 6 * ROUNDS);
    }
}
