//! [`ToSocketAddrs`]: what stands for socket addresses, and [`lookup_host`].
//!
//! ```text
//!   SocketAddr, (IpAddr, u16), &[SocketAddr] ──────────────────────────────► at once
//!   "127.0.0.1:80", ("::1", 80) ── parses ─────────────────────────────────► at once
//!   "example.org:80" ── a thread of its own: the system's resolver ── reply ► later
//! ```
//!
//! In a simulated network the names are its hosts', and they are addresses at once.
//!
//! The system's resolver (`getaddrinfo`) blocks, and it is the only one that answers as every other
//! program on the machine is answered. So a name is looked up in a thread, one for each lookup: they
//! are rare, and one that hangs delays nobody else.

use std::io;
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::{iter, option, slice, thread, vec};

use crate::executor::context;
use crate::place::placed;
use crate::reply::{self, Reply};

/// What the resolver answers.
type Found = io::Result<vec::IntoIter<SocketAddr>>;

/// What stands for one or more socket addresses; [`std::net::ToSocketAddrs`], awaited.
///
/// Only a name waits, for the system's resolver in a thread; what is an address is one at once.
///
/// # Examples
///
/// ```
/// use bibelot::net::ToSocketAddrs;
///
/// # bibelot::run(async {
/// let mut addresses = "127.0.0.1:80".to_socket_addrs().await?;
/// assert_eq!(addresses.next(), Some(([127, 0, 0, 1], 80).into()));
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub trait ToSocketAddrs {
    /// What brings the addresses.
    type Iter: Iterator<Item = SocketAddr>;

    /// Finds the addresses, waiting if a name has to be looked up.
    ///
    /// # Errors
    ///
    /// Returns the resolver's error: the name is not known, or nobody can be asked. An error of kind
    /// `InvalidInput` if the text has no port.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost. The thread that asks the resolver ends when that has answered.
    #[track_caller]
    fn to_socket_addrs(&self) -> impl Future<Output = io::Result<Self::Iter>>;
}

/// Looks up the addresses of a host and port; [`ToSocketAddrs::to_socket_addrs`] as a function.
///
/// # Errors
///
/// Returns the resolver's error: the name is not known, or nobody can be asked. An error of kind
/// `InvalidInput` if the text has no port.
///
/// # Cancel safety
///
/// Nothing is lost. The thread that asks the resolver ends when that has answered.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// for address in bibelot::net::lookup_host("localhost:80").await? {
///     assert!(address.ip().is_loopback());
/// }
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn lookup_host<A: ToSocketAddrs>(
    host: A,
) -> impl Future<Output = io::Result<impl Iterator<Item = SocketAddr>>> {
    placed(async move { resolve(host).await.map(Vec::into_iter) })
}

/// Finds the addresses, all of them.
pub(super) async fn resolve(address: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    Ok(address.to_socket_addrs().await?.collect())
}

/// Has std look a name up, in a thread.
async fn look_up(host: &str, port: u16) -> Found {
    if let Some(network) = context::network() {
        return network.look_up(host, port).map(Vec::into_iter);
    }
    match begin_look_up(host.to_owned(), port)?.await {
        Some(found) => found,
        None => Err(io::Error::other("the resolver's thread panicked")),
    }
}

/// Begins to look a name up. A plain function, so that nothing of it is left in the future that waits.
fn begin_look_up(host: String, port: u16) -> io::Result<Reply<Found>> {
    let (answer, reply) = reply::channel();
    let thread = thread::Builder::new().name(String::from("bibelot lookup"));
    thread
        .spawn(move || drop(answer.send(net::ToSocketAddrs::to_socket_addrs(&(&*host, port)))))?;
    Ok(reply)
}

/// Implements the trait for what converts into one address.
macro_rules! one_address {
    ($($Address:ty),*) => {$(
        impl ToSocketAddrs for $Address {
            type Iter = option::IntoIter<SocketAddr>;

            async fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
                Ok(Some(SocketAddr::from(*self)).into_iter())
            }
        }
    )*};
}

one_address!(SocketAddr, SocketAddrV4, SocketAddrV6);
one_address!((IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl<'a> ToSocketAddrs for &'a [SocketAddr] {
    type Iter = iter::Cloned<slice::Iter<'a, SocketAddr>>;

    async fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        Ok(self.iter().cloned())
    }
}

impl ToSocketAddrs for (&str, u16) {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> impl Future<Output = io::Result<Self::Iter>> {
        let (host, port) = *self;
        placed(async move {
            match host.parse::<IpAddr>() {
                Ok(ip) => Ok(vec![SocketAddr::new(ip, port)].into_iter()),
                Err(_) => look_up(host, port).await,
            }
        })
    }
}

impl ToSocketAddrs for (String, u16) {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> impl Future<Output = io::Result<Self::Iter>> {
        placed(async move { (&*self.0, self.1).to_socket_addrs().await })
    }
}

impl ToSocketAddrs for str {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> impl Future<Output = io::Result<Self::Iter>> {
        placed(async move {
            if let Ok(address) = self.parse::<SocketAddr>() {
                return Ok(vec![address].into_iter());
            }
            let Some((host, port)) = self.rsplit_once(':') else {
                return Err(invalid("invalid socket address"));
            };
            let Ok(port) = port.parse::<u16>() else {
                return Err(invalid("invalid port value"));
            };
            look_up(host, port).await
        })
    }
}

/// An error of kind `InvalidInput`, as std words it.
fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

impl ToSocketAddrs for String {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> impl Future<Output = io::Result<Self::Iter>> {
        str::to_socket_addrs(self)
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    type Iter = T::Iter;

    fn to_socket_addrs(&self) -> impl Future<Output = io::Result<Self::Iter>> {
        (**self).to_socket_addrs()
    }
}
