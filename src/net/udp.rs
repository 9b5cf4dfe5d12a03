//! [`UdpSocket`]: datagrams.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::executor::context;
use crate::io::{self, AsyncFd};
use crate::net::{ToSocketAddrs, address};
use crate::place::placed;
use crate::reactor::simulated::On;

/// A socket for datagrams; [`std::net::UdpSocket`], awaited.
///
/// A datagram is sent and received whole. What does not fit into the buffer that receives it is
/// lost.
///
/// # Examples
///
/// ```
/// use bibelot::net::UdpSocket;
///
/// # bibelot::run(async {
/// let here = UdpSocket::bind("127.0.0.1:0").await?;
/// let there = UdpSocket::bind("127.0.0.1:0").await?;
/// here.send_to(b"hello", there.local_addr()?).await?;
///
/// let mut buf = [0; 16];
/// let (count, from) = there.recv_from(&mut buf).await?;
/// assert_eq!(&buf[..count], b"hello");
/// assert_eq!(from, here.local_addr()?);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct UdpSocket {
    /// The socket.
    fd: AsyncFd<std::net::UdpSocket>,
}

wrap_std!(UdpSocket, std::net::UdpSocket);
datagrams!(UdpSocket);

impl UdpSocket {
    /// Makes a socket at `address`; port 0 lets the system choose one. Of several addresses the
    /// first that can be had is taken.
    ///
    /// # Errors
    ///
    /// Returns the error of the last address tried: it is in use, or not one of this machine. An
    /// error of kind `InvalidInput` if there is no address to try.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(address: A) -> impl Future<Output = io::Result<Self>> {
        placed(async move {
            let addresses = address::resolve(address).await?;
            if let Some(network) = context::network() {
                let fd = AsyncFd::simulated(network.bind(&addresses)?);
                return Ok(Self { fd });
            }
            Self::from_std(std::net::UdpSocket::bind(&addresses[..])?)
        })
    }

    /// Sets the peer: where [`send`](Self::send) sends to, and whose datagrams alone are received.
    /// Of several addresses the first that can be had is taken. Nothing is sent.
    ///
    /// # Errors
    ///
    /// Returns the error of the last address tried. An error of kind `InvalidInput` if there is no
    /// address to try.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(&self, address: A) -> impl Future<Output = io::Result<()>> {
        placed(async move {
            let addresses = address::resolve(address).await?;
            match self.fd.on() {
                On::Kernel(socket) => socket.connect(&addresses[..]),
                On::Simulated(socket) => socket.connect(&addresses),
            }
        })
    }

    /// Sends a datagram to `address`, to the first if it stands for several, and returns its length.
    ///
    /// # Errors
    ///
    /// Returns the system's error: the datagram is too long, say. An error of kind `InvalidInput` if
    /// there is no address.
    ///
    /// # Cancel safety
    ///
    /// Nothing was sent.
    #[track_caller]
    pub fn send_to<A: ToSocketAddrs>(
        &self,
        buf: &[u8],
        address: A,
    ) -> impl Future<Output = io::Result<usize>> {
        placed(async move {
            let Some(to) = address.to_socket_addrs().await?.next() else {
                let text = "no addresses to send data to";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            };
            let sent = self.fd.write_on(|on| match on {
                On::Kernel(socket) => socket.send_to(buf, to),
                On::Simulated(socket) => socket.send_to(buf, to),
            });
            sent.await
        })
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
        self.fd.read_on(move |on| match on {
            On::Kernel(socket) => socket.recv_from(buf),
            On::Simulated(socket) => socket.recv_from(buf),
        })
    }

    /// Like [`recv_from`](Self::recv_from), but leaves the datagram to be received again.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    ///
    /// # Cancel safety
    ///
    /// No datagram is lost.
    #[track_caller]
    pub fn peek_from(
        &self,
        buf: &mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        self.fd.read_on(move |on| match on {
            On::Kernel(socket) => socket.peek_from(buf),
            On::Simulated(socket) => socket.peek_from(buf),
        })
    }

    /// Like [`recv`](Self::recv), but leaves the datagram to be received again.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// No datagram is lost.
    #[track_caller]
    pub fn peek(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.fd.read_on(move |on| match on {
            On::Kernel(socket) => socket.peek(buf),
            On::Simulated(socket) => socket.peek(buf),
        })
    }

    same_as_std! {
        /// The address of this side.
        fn local_addr() -> SocketAddr;
        /// The address of the peer, once one is set.
        fn peer_addr() -> SocketAddr;
        /// How many routers a datagram may pass.
        fn ttl() -> u32;
        /// Sets how many routers a datagram may pass.
        fn set_ttl(ttl: u32) -> ();
        /// Whether it may send to all of a network.
        fn broadcast() -> bool;
        /// Sets whether it may send to all of a network.
        fn set_broadcast(broadcast: bool) -> ();
    }

    only_std! {
        /// Joins a group, on the interface that has the second address (unspecified: any).
        fn join_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
        /// Joins a group, on the interface of that index (0: any).
        fn join_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
        /// Leaves a group.
        fn leave_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
        /// Leaves a group.
        fn leave_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
        /// Whether what is sent to a group comes back here.
        fn multicast_loop_v4() -> bool;
        /// Sets whether what is sent to a group comes back here.
        fn set_multicast_loop_v4(comes_back: bool) -> ();
        /// Whether what is sent to a group comes back here.
        fn multicast_loop_v6() -> bool;
        /// Sets whether what is sent to a group comes back here.
        fn set_multicast_loop_v6(comes_back: bool) -> ();
        /// How many routers a datagram to a group may pass.
        fn multicast_ttl_v4() -> u32;
        /// Sets how many routers a datagram to a group may pass.
        fn set_multicast_ttl_v4(ttl: u32) -> ();
    }
}
