//! Sockets of one machine, named by paths: [`UnixListener`], [`UnixStream`], [`UnixDatagram`].
//!
//! They are as those of TCP and UDP, with two differences. To bind one needs no look-up, so it does
//! not wait and is no future. And what std's would block for in the kernel may have no event (see
//! `net/room.rs`).

mod address;

mod datagram;
mod listener;
mod stream;

pub use std::os::unix::net::SocketAddr;

pub use datagram::UnixDatagram;
pub use listener::UnixListener;
pub use stream::UnixStream;
