//! Addresses and ports: who has which, where a packet goes, and what a name stands for.
//!
//! A host is itself all of 127.0.0.0/8 and ::1. A socket at `0.0.0.0` has the port at all its addresses
//! of that family, one at `::` at all of both: then an IPv4 peer is seen as `::ffff:a.b.c.d`, as Linux
//! shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::io::Errno;

use crate::testing::network::conditions::Way;
use crate::testing::network::world::{Id, World};

/// The ports that are chosen where none is asked for; IANA's.
const FIRST_CHOSEN: u16 = 49152;

/// What ports are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Protocol {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

/// Who has which port.
#[derive(Default)]
pub(super) struct Ports {
    /// The sockets that are bound, by host and port.
    bound: BTreeMap<(Protocol, usize, u16), Vec<(IpAddr, Id)>>,
    /// The ports from which somebody has connected.
    connecting: BTreeSet<(usize, u16)>,
    /// The port that is tried next where none is asked for.
    next: BTreeMap<usize, u16>,
}

impl Ports {
    /// Whether a socket at one address leaves no room for one at the other.
    fn overlap(one: IpAddr, other: IpAddr) -> bool {
        covers(one, other) || covers(other, one)
    }

    /// A port of a host that nobody has.
    fn choose(&mut self, protocol: Protocol, host: usize) -> Option<u16> {
        let next = self.next.entry(host).or_insert(FIRST_CHOSEN);
        for _ in FIRST_CHOSEN..=u16::MAX {
            let port = *next;
            *next = port.checked_add(1).unwrap_or(FIRST_CHOSEN);
            let is_free = !self.bound.contains_key(&(protocol, host, port))
                && (protocol == Protocol::Udp || !self.connecting.contains(&(host, port)));
            if is_free {
                return Some(port);
            }
        }
        None
    }

    /// Gives a socket the port that it asks for, or any; returns it.
    pub(super) fn bind(
        &mut self,
        protocol: Protocol,
        host: usize,
        at: SocketAddr,
        id: Id,
    ) -> Result<SocketAddr, Errno> {
        let port = match at.port() {
            0 => self.choose(protocol, host).ok_or(Errno::ADDRINUSE)?,
            port => port,
        };
        let bound = self.bound.entry((protocol, host, port)).or_default();
        if bound.iter().any(|(ip, _)| Self::overlap(*ip, at.ip())) {
            return Err(Errno::ADDRINUSE);
        }
        bound.push((at.ip(), id));
        Ok(SocketAddr::new(at.ip(), port))
    }

    /// Takes the port of a socket back.
    pub(super) fn unbind(&mut self, protocol: Protocol, host: usize, port: u16, id: Id) {
        let key = (protocol, host, port);
        if let Some(bound) = self.bound.get_mut(&key) {
            bound.retain(|(_, owner)| *owner != id);
            if bound.is_empty() {
                self.bound.remove(&key);
            }
        }
    }

    /// Gives somebody who connects a port; returns it.
    pub(super) fn connect_from(&mut self, host: usize) -> Result<u16, Errno> {
        let port = self.choose(Protocol::Tcp, host);
        let port = port.ok_or(Errno::ADDRNOTAVAIL)?;
        self.connecting.insert((host, port));
        Ok(port)
    }

    /// Takes that port back.
    pub(super) fn unconnect(&mut self, host: usize, port: u16) {
        self.connecting.remove(&(host, port));
    }

    /// Who has the port at this address: one at most, since they do not overlap.
    pub(super) fn find(&self, protocol: Protocol, host: usize, at: SocketAddr) -> Option<Id> {
        let bound = self.bound.get(&(protocol, host, at.port()))?;
        let mut bound = bound.iter();
        let owner = bound.find(|(ip, _)| covers(*ip, at.ip()))?;
        Some(owner.1)
    }
}

/// Whether who is bound to `ip` gets what is sent to `other`.
fn covers(ip: IpAddr, other: IpAddr) -> bool {
    match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => other.is_ipv4(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => true,
        ip => plain(ip) == other,
    }
}

/// An address that is not written as one of the other family.
pub(super) fn plain(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// An address as a socket sees it that is bound to `own`.
pub(super) fn seen_from(own: IpAddr, address: SocketAddr) -> SocketAddr {
    match (own, address.ip()) {
        (IpAddr::V6(_), IpAddr::V4(v4)) => {
            SocketAddr::new(IpAddr::V6(v4.to_ipv6_mapped()), address.port())
        }
        _ => address,
    }
}

/// Tries the addresses until one can be had; returns the error of the last one, as std does.
pub(super) fn first<T>(
    addresses: &[SocketAddr],
    mut make: impl FnMut(SocketAddr) -> Result<T, Errno>,
) -> io::Result<T> {
    let text = "could not resolve to any addresses";
    let mut error = io::Error::new(io::ErrorKind::InvalidInput, text);
    for address in addresses {
        match make(*address) {
            Ok(made) => return Ok(made),
            Err(errno) => error = errno.into(),
        }
    }
    Err(error)
}

/// Where something goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    /// From which host to which.
    pub(super) way: Way,
    /// From which address.
    pub(super) from: IpAddr,
    /// To which.
    pub(super) to: SocketAddr,
}

impl World {
    /// The way from a host to an address.
    ///
    /// # Errors
    ///
    /// `HOSTUNREACH` if no host has it, `NETUNREACH` if this one has no address of its family.
    pub(super) fn route(&self, host: usize, to: SocketAddr) -> Result<Route, Errno> {
        let (ip, port) = (plain(to.ip()), to.port());
        let ip = match ip {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let to = SocketAddr::new(ip, port);
        let own = self.hosts.ips(host);
        if ip.is_loopback() || own.contains(&ip) {
            let (way, from) = ((host, host), ip);
            return Ok(Route { way, from, to });
        }
        let peer = self.hosts.of_ip(ip).ok_or(Errno::HOSTUNREACH)?;
        let mut of_family = own.iter().filter(|own| own.is_ipv4() == ip.is_ipv4());
        let from = *of_family.next().ok_or(Errno::NETUNREACH)?;
        let way = (host, peer);
        Ok(Route { way, from, to })
    }

    /// Fails unless a host has the address of a socket that is to be bound.
    pub(super) fn check_own(&self, host: usize, at: SocketAddr) -> Result<(), Errno> {
        let ip = plain(at.ip());
        let is_own = ip.is_loopback() || ip.is_unspecified() || self.hosts.ips(host).contains(&ip);
        is_own.then_some(()).ok_or(Errno::ADDRNOTAVAIL)
    }

    /// What a name stands for.
    pub(super) fn look_up(&self, name: &str) -> Option<Vec<IpAddr>> {
        if let Some(found) = self.setup.names.get(name) {
            return Some(found.clone());
        }
        match self.hosts.find(name)? {
            0 => Some(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
            host => Some(self.hosts.ips(host).to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_port_at_an_address_has_one_owner() {
        let mut ports = Ports::default();
        let mut bind = |text, id| ports.bind(Protocol::Udp, 0, at(text), id);
        bind("127.0.0.1:53", 1).unwrap();
        bind("10.0.0.1:53", 2).unwrap();
        assert_eq!(bind("0.0.0.0:53", 3), Err(Errno::ADDRINUSE));
        assert_eq!(bind("127.0.0.1:53", 3), Err(Errno::ADDRINUSE));
        bind("0.0.0.0:54", 4).unwrap();
        bind("[::1]:54", 5).unwrap();
        let find = |text| ports.find(Protocol::Udp, 0, at(text));
        assert_eq!(find("127.0.0.1:53"), Some(1));
        assert_eq!(find("10.0.0.1:53"), Some(2));
        assert_eq!(find("127.0.0.1:54"), Some(4));
        assert_eq!(find("[::1]:54"), Some(5));
        assert_eq!(find("127.0.0.2:53"), None);
        assert_eq!(ports.find(Protocol::Tcp, 0, at("127.0.0.1:53")), None);
        assert_eq!(ports.find(Protocol::Udp, 1, at("127.0.0.1:53")), None);
    }

    #[test]
    fn ports_are_chosen_in_turn_and_none_twice() {
        let mut ports = Ports::default();
        let any = at("127.0.0.1:0");
        let one = ports.bind(Protocol::Tcp, 0, any, 1).unwrap().port();
        let other = ports.connect_from(0).unwrap();
        assert_eq!((one, other), (FIRST_CHOSEN, FIRST_CHOSEN + 1));
        let mut left = 0;
        while ports.connect_from(0).is_ok() {
            left += 1;
        }
        assert_eq!(left, u16::MAX - FIRST_CHOSEN - 1);
        assert_eq!(ports.bind(Protocol::Tcp, 0, any, 2), Err(Errno::ADDRINUSE));
        ports.unconnect(0, other);
        assert_eq!(ports.bind(Protocol::Tcp, 0, any, 2).unwrap().port(), other);
    }

    #[test]
    fn a_socket_of_both_families_sees_the_one_in_the_other() {
        let v6: IpAddr = "::".parse().unwrap();
        let seen = seen_from(v6, at("10.0.0.7:1"));
        assert_eq!(seen, at("[::ffff:10.0.0.7]:1"));
        assert_eq!(plain(seen.ip()), at("10.0.0.7:1").ip());
        assert_eq!(seen_from(v6, at("[::1]:1")), at("[::1]:1"));
        assert_eq!(
            seen_from(Ipv4Addr::UNSPECIFIED.into(), at("10.0.0.7:1")),
            at("10.0.0.7:1")
        );
    }
}
