//! Sockets: `std::net` and `std::os::unix::net`, where what blocks there waits here.
//!
//! ```text
//!   TcpStream ── std's own socket inside an AsyncFd ── a Source ── the reactor
//!      │ read, write, accept, connect: tried first, awaited only if they would block
//!      └ ttl, nodelay, local_addr …:   std's own methods, which never block
//! ```
//!
//! The names and their meanings are std's, and the methods take `&self`, as `impl Read for
//! &TcpStream` does in std: one task may read while another writes, and nothing has to be split.
//! They are inherent, so no trait has to be imported; [`io::Read`](crate::io::Read) and
//! [`io::Write`](crate::io::Write) are implemented as well.
//!
//! ```
//! use bibelot::io;
//! use bibelot::net::{TcpListener, TcpStream};
//!
//! # bibelot::run(async {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! let greeter = bibelot::spawn(async move {
//!     let (client, _from) = listener.accept().await?;
//!     client.write_all(b"hello").await
//! });
//!
//! let server = TcpStream::connect(address).await?;
//! let mut greeting = String::new();
//! server.read_to_string(&mut greeting).await?;
//! assert_eq!(greeting, "hello");
//! greeter.await??;
//! # Ok::<(), io::Error>(())
//! # }).unwrap();
//! ```
//!
//! # What differs from threads
//!
//! There are no timeouts on sockets, since [`time::timeout`](crate::time::timeout) limits any wait.
//! [`TcpStream::connect`] tries several addresses side by side, not one after the other.
//! [`TcpListener::bind`] asks for a longer queue. A socket stays on its thread; it may be used under
//! another executor of that thread than the one it was made under. In a simulation that is given a
//! [network](crate::testing::Network), sockets are made in that one.
//!
//! Read next: `net/tcp.rs`, then `io/async_fd.rs`, which does the waiting.

#[macro_use]
mod wrap;
mod socket;

mod address;
mod connect;
mod race;

mod accept;
mod listener;
#[macro_use]
mod stream;
mod tcp;

mod room;
#[macro_use]
mod datagram;
mod udp;
pub mod unix;

mod serve;

pub use std::net::{
    AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6,
};

pub use accept::{Accept, Incoming};
pub use address::{ToSocketAddrs, lookup_host};
pub use listener::TcpListener;
pub use serve::{Serve, serve};
pub use tcp::TcpStream;
pub use udp::UdpSocket;
pub use unix::{UnixDatagram, UnixListener, UnixStream};
