//! The seam of a simulated network: what stands where the kernel's sockets would be.
//!
//! ```text
//!   TcpStream ── AsyncFd ─┬─ std's own socket ───────── Source ◄── events ── the kernel
//!                         └─ nothing ── a Socket in the Source ◄── events ── the Network of a simulation
//! ```
//!
//! A simulated socket has no descriptor, and the reactor never hears of it. (Observers do, as of one with a
//! number below zero.) All else is as ever: the same source remembers whether it is ready, the same line
//! decides who tries, and an operation that would block answers so. So whoever waits here waits as on the
//! kernel, and what is proved of the one (`reactor/source.rs`) holds for the other.
//!
//! Who makes a socket asks the executor for a network; only a simulation gives it one. What it takes to make
//! one, and to wait for it, is called through the traits, so only programs that simulate have any of that
//! code. To a real socket it costs one comparison where it waits.
//!
//! Read next: `testing/network.rs`, which is the network.

#![cfg_attr(
    not(feature = "testing"),
    allow(dead_code, reason = "nobody simulates")
)]

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr};
use std::panic::Location;
use std::rc::{Rc, Weak};
use std::task::{Context, Waker};

use crate::reactor::source::{Direction, Place, Source};
use crate::waker;

/// A place in the program.
pub(crate) type At = &'static Location<'static>;

/// A network that is simulated.
pub(crate) trait Network {
    /// Makes a socket that clients connect to, at the first address that can be had.
    fn listen(&self, addresses: &[SocketAddr]) -> io::Result<Rc<Source>>;

    /// Makes a socket for datagrams, at the first address that can be had.
    fn bind(&self, addresses: &[SocketAddr]) -> io::Result<Rc<Source>>;

    /// Begins to connect; [`Socket::is_connected`] tells when it is.
    fn connect(&self, address: SocketAddr) -> io::Result<Rc<Source>>;

    /// Finds the addresses of a name.
    fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// Lets arrive what is due; the executor's timers call this.
    fn deliver(&self);

    /// What tells it from other networks.
    fn key(&self) -> usize;
}

/// A socket that is simulated, of any kind. Each function is std's of that name, for a socket that does not
/// block; one that a kind of socket has not is an error. It is closed when it is dropped.
pub(crate) trait Socket: fmt::Debug {
    /// Is told whom to tell of events.
    fn attach(&self, source: Weak<Source>);
    /// Tells observers that something has come for it, if somebody has waited.
    fn note_ready(&self, read: bool, write: bool);
    /// Waits in this place; an error if its simulation is over, so that no event would ever come.
    fn wait(&self, place: &mut Place<'_>, cx: &Context<'_>, at: At) -> io::Result<()>;
    /// Waits without a place in line.
    #[cfg(feature = "futures-io")]
    fn wait_unqueued(
        &self,
        source: &Source,
        direction: Direction,
        cx: &Context<'_>,
        at: At,
    ) -> io::Result<()>;

    /// Whether a connect that has begun has succeeded; would-block if it still goes on.
    fn is_connected(&self) -> io::Result<()>;
    /// Takes a client, and where it comes from.
    fn accept(&self) -> io::Result<(Rc<Source>, SocketAddr)>;
    /// Reads from a stream.
    fn read(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
    /// Writes to a stream.
    fn write(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Reads from a stream, or receives a datagram, and leaves it there.
    fn peek(&self, buf: &mut [u8]) -> io::Result<usize>;
    /// Ends one direction of a stream, or both.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// Sets the peer of a socket for datagrams.
    fn connect(&self, addresses: &[SocketAddr]) -> io::Result<()>;
    /// Sends a datagram to the peer.
    fn send(&self, buf: &[u8]) -> io::Result<usize>;
    /// Sends a datagram.
    fn send_to(&self, buf: &[u8], to: SocketAddr) -> io::Result<usize>;
    /// Receives a datagram.
    fn recv(&self, buf: &mut [u8]) -> io::Result<usize>;
    /// Receives a datagram, and tells whence.
    fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)>;
    /// Receives a datagram, tells whence, and leaves it there.
    fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)>;

    /// The address of this side.
    fn local_addr(&self) -> io::Result<SocketAddr>;
    /// The address of the other side.
    fn peer_addr(&self) -> io::Result<SocketAddr>;
    /// Takes the error that was noted.
    fn take_error(&self) -> io::Result<Option<io::Error>>;
    /// Whether small writes are sent at once. They always are; the flag is kept.
    fn nodelay(&self) -> io::Result<bool>;
    /// Sets it.
    fn set_nodelay(&self, nodelay: bool) -> io::Result<()>;
    /// How many routers a packet may pass. There are none; the number is kept.
    fn ttl(&self) -> io::Result<u32>;
    /// Sets it.
    fn set_ttl(&self, ttl: u32) -> io::Result<()>;
    /// Whether datagrams may go to all of a network. None do; the flag is kept.
    fn broadcast(&self) -> io::Result<bool>;
    /// Sets it.
    fn set_broadcast(&self, broadcast: bool) -> io::Result<()>;
}

/// What an operation is tried on.
pub(crate) enum On<'a, T> {
    /// The owner of a descriptor.
    Kernel(&'a T),
    /// A simulated socket.
    Simulated(&'a dyn Socket),
}

impl<'a, T> On<'a, T> {
    /// The owner of the descriptor.
    ///
    /// # Panics
    ///
    /// Panics if there is none.
    #[inline]
    #[track_caller]
    pub(crate) fn owner(self) -> &'a T {
        match self {
            On::Kernel(owner) => owner,
            On::Simulated(_) => panic!("{NO_DESCRIPTOR}"),
        }
    }
}

/// What is said of a simulated socket where a descriptor is wanted.
const NO_DESCRIPTOR: &str = "this socket is simulated (testing::Network) and has no descriptor";

/// The error of what takes a descriptor, or the kernel.
#[cold]
pub(crate) fn no_descriptor() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, NO_DESCRIPTOR)
}

impl Source {
    /// The source of a simulated socket, which tells it of events.
    pub(crate) fn simulated(socket: Rc<dyn Socket>) -> Rc<Self> {
        let source = Self::new();
        socket.attach(Rc::downgrade(&source));
        source.socket.get_or_init(|| socket);
        source
    }

    /// The simulated socket.
    #[cold]
    pub(crate) fn socket(&self) -> &dyn Socket {
        let socket = self.socket.get().filter(|_| cfg!(feature = "testing"));
        &**socket.expect("without a descriptor it is a simulated socket's")
    }

    /// Wakes who waits if it is ready: a foreign waker was cloned or dropped, which may have done
    /// anything since the attempt. A descriptor would have its event then; a simulated socket has had it.
    fn look_again(&self, direction: Direction) {
        let side = self.side(direction);
        if side.is_ready.get() {
            let mut wakers: Vec<Waker> = Vec::new();
            side.on_event(&mut wakers);
            wakers.into_iter().for_each(waker::wake_kept);
        }
    }

    /// Waits without a place in line; replaces who waited so before.
    #[cfg(feature = "futures-io")]
    pub(crate) fn wait_unqueued_simulated(&self, direction: Direction, cx: &Context<'_>) {
        let waker = waker::keep(cx.waker());
        drop(self.side(direction).poller.replace(Some(waker)));
        self.look_again(direction);
    }
}

impl Place<'_> {
    /// Waits in this place for an event of a simulated socket.
    pub(crate) fn wait_simulated(&mut self, cx: &Context<'_>) {
        let (source, direction) = (self.source, self.direction);
        source.join_line(direction, &mut self.ticket, cx);
        source.look_again(direction);
    }
}
