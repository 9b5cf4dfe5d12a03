//! [`TcpStream`]: a connection.
//!
//! ```text
//!   read, write, …   ─► io::Read, io::Write ─┐
//!   connect          ─► a look-up, a race ───┴─► AsyncFd: tried until it would not block ─┐
//!   peer_addr, nodelay, … ────────────────────────────────────────────────────────────────┴─► std's own
//! ```
//!
//! Law: an operation is std's, tried until it does not answer would-block; nothing is buffered, so
//! nothing is lost with a future that is dropped. Read next: `net/stream.rs` (to read and to write),
//! `net/connect.rs` and `net/race.rs` (to connect), `net/wrap.rs` (what does not wait).

use std::net::SocketAddr;
use std::time::Duration;

use crate::io::inherent::{reads, writes};
use crate::io::{self, AsyncFd};
use crate::net::{ToSocketAddrs, address, connect, race};
use crate::place::placed;
use crate::reactor::simulated::On;
use crate::time::timeout;

/// A connection; [`std::net::TcpStream`], awaited.
///
/// One task may read while another writes; several that do the same come in turn. It is closed when
/// it is dropped.
///
/// # Examples
///
/// ```
/// use bibelot::io;
/// use bibelot::net::{Shutdown, TcpListener, TcpStream};
///
/// # bibelot::run(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
/// bibelot::spawn(async move {
///     let (client, _from) = listener.accept().await?;
///     io::copy(&client, &client).await // an echo
/// });
///
/// let server = TcpStream::connect(address).await?;
/// writeln!(server, "hello").await?;
/// server.shutdown(Shutdown::Write)?;
/// let mut answer = String::new();
/// server.read_to_string(&mut answer).await?;
/// assert_eq!(answer, "hello\n");
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
pub struct TcpStream {
    /// The socket.
    pub(crate) fd: AsyncFd<std::net::TcpStream>,
}

wrap_std!(TcpStream, std::net::TcpStream);
stream!(TcpStream, short_read_is_the_end: true);

impl TcpStream {
    /// Connects to `address`.
    ///
    /// Several addresses, as those of a name, are tried in turn, the two families alternating: the
    /// next one a quarter of a second after the one before, or at once when that has failed. The
    /// first that connects wins, and the others are closed ("happy eyeballs", RFC 8305). So one
    /// address that does not answer costs no more than that.
    ///
    /// # Errors
    ///
    /// Returns the error of the last address that failed, if all did. An error of kind
    /// `InvalidInput` if there is no address to try.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: what was begun is closed.
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(address: A) -> impl Future<Output = io::Result<Self>> {
        placed(async move {
            let addresses = address::resolve(address).await?;
            let addresses = race::alternate_families(addresses);
            race::first_to_connect(addresses, connect::tcp).await
        })
    }

    /// Connects to `address`, but waits no longer than `limit`.
    ///
    /// # Errors
    ///
    /// An error of kind `TimedOut` if the time is up, of kind `InvalidInput` if it is zero; else
    /// those of [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: what was begun is closed.
    #[track_caller]
    pub fn connect_timeout(
        address: &SocketAddr,
        limit: Duration,
    ) -> impl Future<Output = io::Result<Self>> + use<> {
        let address = *address;
        placed(async move {
            if limit.is_zero() {
                let text = "cannot set a 0 duration timeout";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            timeout(limit, connect::tcp(address)).await?
        })
    }

    /// Reads some bytes into `buf` and leaves them to be read again; returns how many, waiting until
    /// there is at least one.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost.
    #[track_caller]
    pub fn peek(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.fd.read_on(move |on| match on {
            On::Kernel(socket) => socket.peek(buf),
            On::Simulated(socket) => socket.peek(buf),
        })
    }

    same_as_std! {
        /// The address of the peer.
        fn peer_addr() -> SocketAddr;
        /// The address of this side.
        fn local_addr() -> SocketAddr;
        /// Whether small writes are sent at once.
        fn nodelay() -> bool;
        /// Sets whether small writes are sent at once, instead of gathered (Nagle's algorithm).
        fn set_nodelay(nodelay: bool) -> ();
        /// How many routers a packet may pass.
        fn ttl() -> u32;
        /// Sets how many routers a packet may pass.
        fn set_ttl(ttl: u32) -> ();
    }
}
