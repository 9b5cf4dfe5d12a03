//! [`UnixStream`]: a connection within the machine.

use std::os::unix::net::SocketAddr;
use std::path::Path;

use rustix::net::{AddressFamily, SocketAddrUnix};

use crate::io::inherent::{reads, writes};
use crate::io::{self, AsyncFd};
use crate::net::unix::address;
use crate::net::{room, socket};
use crate::place::placed;
use crate::reactor::simulated::On;

/// A connection within the machine; [`std::os::unix::net::UnixStream`], awaited.
///
/// One task may read while another writes; several that do the same come in turn. It is closed when
/// it is dropped.
///
/// # Examples
///
/// ```
/// use bibelot::net::UnixStream;
///
/// # bibelot::run(async {
/// let (here, there) = UnixStream::pair()?;
/// here.write_all(b"hello").await?;
/// let mut buf = [0; 5];
/// there.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"hello");
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct UnixStream {
    /// The socket.
    pub(crate) fd: AsyncFd<std::os::unix::net::UnixStream>,
}

wrap_std!(UnixStream, std::os::unix::net::UnixStream);
stream!(UnixStream, short_read_is_the_end: false);

impl UnixStream {
    /// Connects to the listener at `path`.
    ///
    /// # Errors
    ///
    /// Returns the system's error: of kind `NotFound` if nothing is at that path, of kind
    /// `ConnectionRefused` if nobody listens there.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: what was begun is closed.
    #[track_caller]
    pub fn connect<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<Self>> {
        let address = address::of_path(path.as_ref());
        placed(async move { Self::connect_to(&address?).await })
    }

    /// Connects to the listener at an address, such as one that is no path.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: what was begun is closed.
    #[track_caller]
    pub fn connect_addr(address: &SocketAddr) -> impl Future<Output = io::Result<Self>> + use<> {
        let address = address::of_std(address);
        placed(async move { Self::connect_to(&address?).await })
    }

    /// Makes two streams that are each other's peer.
    ///
    /// # Errors
    ///
    /// Returns the system's error, for want of descriptors say.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = std::os::unix::net::UnixStream::pair()?;
        Ok((Self::from_std(one)?, Self::from_std(other)?))
    }

    only_std! {
        /// The address of the peer.
        fn peer_addr() -> SocketAddr;
        /// The address of this side.
        fn local_addr() -> SocketAddr;
    }

    /// Connects a new socket, waiting until the listener has room.
    async fn connect_to(address: &SocketAddrUnix) -> io::Result<Self> {
        let socket = socket::stream_socket(AddressFamily::UNIX)?;
        let stream = Self::from_nonblocking(socket.into());
        room::until_room(&stream.fd, |socket| {
            Ok(rustix::net::connect(socket, address)?)
        })
        .await?;
        Ok(stream)
    }
}
