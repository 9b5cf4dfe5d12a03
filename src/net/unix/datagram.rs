//! [`UnixDatagram`]: datagrams within the machine.

use std::os::unix::net::SocketAddr;
use std::path::Path;

use crate::io::{self, AsyncFd};
use crate::net::room;
use crate::place::placed;
use crate::reactor::simulated::On;

/// A socket for datagrams within the machine; [`std::os::unix::net::UnixDatagram`], awaited.
///
/// No datagram is lost on the way: to send waits until the receiver has room.
///
/// # Examples
///
/// ```
/// use bibelot::net::UnixDatagram;
///
/// # bibelot::run(async {
/// let (here, there) = UnixDatagram::pair()?;
/// here.send(b"one").await?;
/// here.send(b"two").await?;
/// let mut buf = [0; 16];
/// assert_eq!(there.recv(&mut buf).await?, 3);
/// assert_eq!(&buf[..3], b"one");
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct UnixDatagram {
    /// The socket.
    fd: AsyncFd<std::os::unix::net::UnixDatagram>,
}

wrap_std!(UnixDatagram, std::os::unix::net::UnixDatagram);
datagrams!(UnixDatagram);

impl UnixDatagram {
    /// Makes a socket at `path`. The path stays when the socket is dropped; remove it before you
    /// bind again.
    ///
    /// # Errors
    ///
    /// Returns the system's error: of kind `AddrInUse` if something is at that path already.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<Self> {
        Self::from_std(std::os::unix::net::UnixDatagram::bind(path)?)
    }

    /// Makes a socket at an address, such as one that is no path.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<Self> {
        Self::from_std(std::os::unix::net::UnixDatagram::bind_addr(address)?)
    }

    /// Makes a socket without an address: it can send, and receives from its peer alone.
    ///
    /// # Errors
    ///
    /// Returns the system's error, for want of descriptors say.
    pub fn unbound() -> io::Result<Self> {
        Self::from_std(std::os::unix::net::UnixDatagram::unbound()?)
    }

    /// Makes two sockets that are each other's peer.
    ///
    /// # Errors
    ///
    /// Returns the system's error, for want of descriptors say.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = std::os::unix::net::UnixDatagram::pair()?;
        Ok((Self::from_std(one)?, Self::from_std(other)?))
    }

    /// Sends a datagram to the socket at `path` and returns its length, waiting until the receiver
    /// has room.
    ///
    /// # Errors
    ///
    /// Returns the system's error: nobody receives there, or the datagram is too long.
    ///
    /// # Cancel safety
    ///
    /// Nothing was sent.
    #[track_caller]
    pub fn send_to<P: AsRef<Path>>(
        &self,
        buf: &[u8],
        path: P,
    ) -> impl Future<Output = io::Result<usize>> {
        placed(async move {
            let path = path.as_ref();
            room::until_room(&self.fd, |socket| socket.send_to(buf, path)).await
        })
    }

    /// Sends a datagram to an address, such as one that is no path; see
    /// [`send_to`](Self::send_to).
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to).
    ///
    /// # Cancel safety
    ///
    /// Nothing was sent.
    #[track_caller]
    pub fn send_to_addr(
        &self,
        buf: &[u8],
        address: &SocketAddr,
    ) -> impl Future<Output = io::Result<usize>> {
        placed(room::until_room(&self.fd, move |socket| {
            socket.send_to_addr(buf, address)
        }))
    }

    /// Receives a datagram into `buf`; returns its length and where it comes from.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    ///
    /// # Cancel safety
    ///
    /// No datagram is lost.
    #[track_caller]
    pub fn recv_from(
        &self,
        buf: &mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        self.fd.read_with(move |socket| socket.recv_from(buf))
    }

    /// Sets the peer: where [`send`](Self::send) sends to, and whose datagrams alone are received.
    ///
    /// # Errors
    ///
    /// Returns the system's error: nobody is there.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.fd.get_ref().connect(path)
    }

    only_std! {
        /// Sets the peer by its address; see [`connect`](Self::connect).
        fn connect_addr(address: &SocketAddr) -> ();
        /// The address of this side.
        fn local_addr() -> SocketAddr;
        /// The address of the peer, once one is set.
        fn peer_addr() -> SocketAddr;
        /// Ends receiving, sending or both, for every handle of this socket.
        fn shutdown(how: std::net::Shutdown) -> ();
    }
}
