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

use crate::net::{TcpStream, socket};

/// Connects to `address`; closes what was begun when dropped.
pub(super) async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let begun = socket::begin_connect(address)?;
    let stream = TcpStream::from_nonblocking(net::TcpStream::from(begun));
    stream.fd.write_with(socket::is_connected).await?;
    Ok(stream)
}
