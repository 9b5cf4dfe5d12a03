//! One connect to one address, without blocking.
//!
//! ```text
//!   socket ─► connect ─► connected? ─┬─ yes ─────────► the stream
//!                            ▲       ├─ the error ───► Err
//!                            └─ wait ┘  (not yet: writable, when it is known)
//! ```
//!
//! Connected is whoever has a peer: that is a question with one answer on every system, where a
//! second `connect` or a look at the event has several. On the loopback device the answer is there
//! at once, and nothing is registered or waited for.

use std::io;
use std::net::{self, SocketAddr};

use crate::executor::context;
use crate::io::AsyncFd;
use crate::net::{TcpStream, socket};
use crate::reactor::simulated::On;

/// Connects to `address`; closes what was begun when dropped.
pub(super) async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = begin(address)?;
    let connected = stream.fd.write_on(|on| match on {
        On::Kernel(socket) => socket::is_connected(socket),
        On::Simulated(socket) => socket.is_connected(),
    });
    connected.await?;
    Ok(stream)
}

/// A stream that has begun to connect. A plain function, so that nothing of it is left in the future that
/// waits.
fn begin(address: SocketAddr) -> io::Result<TcpStream> {
    if let Some(network) = context::network() {
        let fd = AsyncFd::simulated(network.connect(address)?);
        return Ok(TcpStream { fd });
    }
    let begun = socket::begin_connect(address)?;
    Ok(TcpStream::from_nonblocking(net::TcpStream::from(begun)))
}
