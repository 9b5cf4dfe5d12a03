//! [`UnixListener`]: a path that clients connect to.

use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use crate::io::AsyncFd;
use crate::net::unix::UnixStream;
use crate::net::{Accept, Incoming, socket};

/// A path that clients connect to; [`std::os::unix::net::UnixListener`], awaited.
///
/// The path stays when the listener is dropped; remove it before you bind again.
///
/// # Examples
///
/// ```
/// use bibelot::net::{UnixListener, UnixStream};
///
/// # bibelot::run(async {
/// # let path = std::env::temp_dir().join(format!("bibelot-{}.listener", std::process::id()));
/// let listener = UnixListener::bind(&path)?;
/// let here = UnixStream::connect(&path).await?;
/// let (there, _from) = listener.accept().await?;
/// here.write_all(b"hello").await?;
/// drop(here);
/// let mut greeting = String::new();
/// there.read_to_string(&mut greeting).await?;
/// assert_eq!(greeting, "hello");
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct UnixListener {
    /// The socket.
    fd: AsyncFd<std::os::unix::net::UnixListener>,
}

wrap_std!(UnixListener, std::os::unix::net::UnixListener);

impl UnixListener {
    /// Makes a listener at `path`. Up to 4096 clients may wait to be accepted, or as many as the
    /// system allows.
    ///
    /// # Errors
    ///
    /// Returns the system's error: of kind `AddrInUse` if something is at that path already.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<Self> {
        Self::from_bound(std::os::unix::net::UnixListener::bind(path)?)
    }

    /// Makes a listener at an address, such as one that is no path.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<Self> {
        Self::from_bound(std::os::unix::net::UnixListener::bind_addr(address)?)
    }

    /// Waits for a client and returns the connection to it and where it comes from (nowhere, most
    /// often: few clients bind).
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
    pub fn accept(&self) -> impl Future<Output = io::Result<(UnixStream, SocketAddr)>> {
        self.fd.read_with(|listener| {
            let (stream, from) = listener.accept()?;
            Ok((UnixStream::from_std(stream)?, from))
        })
    }

    /// Returns the clients, one after the other, without their addresses.
    pub fn incoming(&self) -> Incoming<'_, Self> {
        Incoming::new(self)
    }

    only_std! {
        /// The address it listens at.
        fn local_addr() -> SocketAddr;
    }

    /// Takes in a listener that was just made.
    fn from_bound(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        socket::lengthen_backlog(&listener)?;
        Self::from_std(listener)
    }
}

impl Accept for UnixListener {
    type Stream = UnixStream;
    type Address = SocketAddr;

    fn accept(&self) -> impl Future<Output = io::Result<(UnixStream, SocketAddr)>> {
        Self::accept(self)
    }
}
