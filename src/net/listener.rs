//! [`TcpListener`]: a socket that clients connect to.

use std::io;
use std::net::SocketAddr;

use crate::executor::context;
use crate::io::AsyncFd;
use crate::net::{Accept, Incoming, TcpStream, ToSocketAddrs, address, socket};
use crate::place::placed;
use crate::reactor::simulated::On;

/// A socket that clients connect to; [`std::net::TcpListener`], awaited.
///
/// Several tasks may accept from one listener: first come, first served.
///
/// # Examples
///
/// ```
/// use bibelot::net::{TcpListener, TcpStream};
///
/// # bibelot::run(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let here = TcpStream::connect(listener.local_addr()?).await?;
/// let (there, from) = listener.accept().await?;
/// assert_eq!(from, here.local_addr()?);
/// assert_eq!(there.peer_addr()?, from);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct TcpListener {
    /// The socket.
    fd: AsyncFd<std::net::TcpListener>,
}

wrap_std!(TcpListener, std::net::TcpListener);

impl TcpListener {
    /// Makes a listener at `address`; port 0 lets the system choose one.
    ///
    /// Of several addresses the first that can be had is taken. The address may be one that
    /// connections of an ended program still linger at. Up to 4096 clients may wait to be accepted,
    /// or as many as the system allows.
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
                let fd = AsyncFd::simulated(network.listen(&addresses)?);
                return Ok(Self { fd });
            }
            let listener = std::net::TcpListener::bind(&addresses[..])?;
            socket::lengthen_backlog(&listener)?;
            Self::from_std(listener)
        })
    }

    /// Waits for a client and returns the connection to it and where it comes from.
    ///
    /// # Errors
    ///
    /// Returns the system's error: descriptors may be short, or the client gone already. The
    /// listener is as good as before; [`serve`](crate::net::serve()) knows what to do.
    ///
    /// # Cancel safety
    ///
    /// No client is lost.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> {
        self.fd.read_on(|on| match on {
            On::Kernel(listener) => {
                let (stream, from) = socket::accept(listener)?;
                Ok((TcpStream::from_nonblocking(stream), from))
            }
            On::Simulated(listener) => {
                let (stream, from) = listener.accept()?;
                let fd = AsyncFd::simulated(stream);
                Ok((TcpStream { fd }, from))
            }
        })
    }

    /// Returns the clients, one after the other, without their addresses.
    pub fn incoming(&self) -> Incoming<'_, Self> {
        Incoming::new(self)
    }

    same_as_std! {
        /// The address it listens at.
        fn local_addr() -> SocketAddr;
        /// How many routers a packet may pass.
        fn ttl() -> u32;
        /// Sets how many routers a packet may pass.
        fn set_ttl(ttl: u32) -> ();
    }
}

impl Accept for TcpListener {
    type Stream = TcpStream;
    type Address = SocketAddr;

    fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> {
        Self::accept(self)
    }
}
