//! The system calls that std has no non-blocking form of: a socket that does not block, a connect
//! that has begun, a client that does not block.
//!
//! On Linux and the BSDs a new descriptor can be asked to be non-blocking, and closed on exec, by
//! the call that makes it. Elsewhere that takes a call each.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, sockopt};

/// How many clients may wait to be accepted. std asks for 128, which a burst of clients fills while
/// this one thread does something else; they would be let in a second later, by a retransmission.
/// 4096 is what Linux allows since 5.4; elsewhere the system takes less.
const BACKLOG: i32 = 4096;

/// Has a listening socket keep more clients waiting than std asks for.
pub(super) fn lengthen_backlog(listener: impl AsFd) -> io::Result<()> {
    rustix::net::listen(listener, BACKLOG)?;
    Ok(())
}

/// Begins to connect a new stream socket; [`is_connected`] tells when it is.
pub(super) fn begin_connect(address: SocketAddr) -> io::Result<OwnedFd> {
    let socket = stream_socket(family(address))?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// Whether a connect that has begun has succeeded; would-block if it still goes on.
pub(super) fn is_connected(socket: &TcpStream) -> io::Result<()> {
    match rustix::net::getpeername(socket) {
        Ok(_) => Ok(()),
        Err(Errno::NOTCONN) => {
            // What std's `take_error` asks for: the error, noted for whoever looks.
            sockopt::socket_error(socket)??;
            Err(io::ErrorKind::WouldBlock.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The address family of an Internet address.
fn family(address: SocketAddr) -> AddressFamily {
    match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    }
}

/// A new stream socket that does not block.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn stream_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    use rustix::net::SocketFlags;

    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    Ok(socket)
}

/// A new stream socket that does not block, nor raise a signal when the peer is gone.
#[cfg(target_vendor = "apple")]
pub(super) fn stream_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    sockopt::set_socket_nosigpipe(&socket, true)?;
    Ok(socket)
}

/// Accepts a client whose stream does not block.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    use rustix::net::SocketFlags;

    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, from) = rustix::net::acceptfrom_with(listener, flags)?;
    let from = from.ok_or(Errno::AFNOSUPPORT)?;
    Ok((TcpStream::from(socket), SocketAddr::try_from(from)?))
}

/// Accepts a client whose stream does not block.
#[cfg(target_vendor = "apple")]
pub(super) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, from) = listener.accept()?;
    stream.set_nonblocking(true)?;
    Ok((stream, from))
}
