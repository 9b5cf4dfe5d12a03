//! Sockets for datagrams: each arrives whole or not at all, twice perhaps, and in any order.
//!
//! To send never waits. A datagram for which there is no room at the receiver is lost; one for a port
//! that nobody has is answered, and of that the sender learns only if the receiver is its peer, at its
//! next operation (`ConnectionRefused`, as on Linux).

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::rc::Weak;

use rustix::io::Errno;

use crate::reactor::source::Source;
use crate::testing::network::conditions::{Passage, Way};
use crate::testing::network::ports::{Protocol, Route, first, plain, seen_from};
use crate::testing::network::world::{Event, Id, World};

/// How many bytes may wait to be received: Linux's `rmem_default`.
const ROOM_BYTES: usize = 212_992;
/// How many bytes a datagram counts for beside those that it carries, so that empty ones do not gather
/// without end.
const EXTRA_BYTES: usize = 64;
/// How long a datagram may be over IPv4.
const LENGTH_MAX: usize = 65_507;

/// A datagram on its way.
#[derive(Debug, Clone)]
pub(super) struct Datagram {
    /// From which host to which.
    pub(super) way: Way,
    /// Who has sent it.
    sender: Id,
    /// From which address.
    from: SocketAddr,
    /// To which.
    to: SocketAddr,
    /// What it says.
    bytes: Vec<u8>,
}

/// A socket for datagrams.
pub(super) struct Datagrams {
    /// Its host.
    host: usize,
    /// Its address.
    pub(super) local: SocketAddr,
    /// Its peer, if one is set.
    pub(super) remote: Option<SocketAddr>,
    /// Who waits.
    pub(super) source: Weak<Source>,
    /// What has arrived, and whence.
    received: VecDeque<(Vec<u8>, SocketAddr)>,
    /// How many bytes that is.
    received_bytes: usize,
    /// What it learned of what it had sent.
    pub(super) error: Option<Errno>,
    /// Whether its host has forgotten it.
    is_dead: bool,
    /// A flag that is kept.
    pub(super) broadcast: bool,
    /// A number that is kept.
    pub(super) ttl: u32,
}

impl Datagrams {
    /// Fails if there is something to tell.
    fn tell(&mut self) -> Result<(), Errno> {
        if self.is_dead {
            return Err(Errno::CONNABORTED);
        }
        self.error.take().map_or(Ok(()), Err)
    }

    /// Receives a datagram, or leaves it there; what does not fit into the buffer is lost.
    pub(super) fn receive(
        &mut self,
        buf: &mut [u8],
        stays: bool,
    ) -> io::Result<(usize, SocketAddr)> {
        self.tell()?;
        let Some((bytes, from)) = self.received.front() else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let count = bytes.len().min(buf.len());
        buf[..count].copy_from_slice(&bytes[..count]);
        let (length, from) = (bytes.len(), *from);
        if !stays {
            self.received_bytes -= length + EXTRA_BYTES;
            self.received.pop_front();
        }
        Ok((count, from))
    }
}

impl World {
    /// A socket for datagrams that is known to be there.
    pub(super) fn datagrams(&mut self, id: Id) -> &mut Datagrams {
        let socket = self.datagrams.get_mut(&id);
        socket.expect("a socket for datagrams is there until its owner has gone")
    }

    /// Makes a socket for datagrams.
    pub(super) fn bind(&mut self, host: usize, at: SocketAddr) -> Result<Id, Errno> {
        self.check_own(host, at)?;
        let id = self.new_id();
        let local = self.ports.bind(Protocol::Udp, host, at, id)?;
        let socket = Datagrams {
            host,
            local,
            remote: None,
            source: Weak::new(),
            received: VecDeque::new(),
            received_bytes: 0,
            error: None,
            is_dead: false,
            broadcast: false,
            ttl: 64,
        };
        self.datagrams.insert(id, socket);
        Ok(id)
    }

    /// Sets the peer of a socket.
    pub(super) fn connect_datagrams(&mut self, id: Id, to: &[SocketAddr]) -> io::Result<()> {
        let own = self.datagrams(id).local.ip();
        let (to, from) = first(to, |to| {
            let route = self.route_from(id, to)?;
            Ok((seen_from(own, route.to), route.from))
        })?;
        let socket = self.datagrams(id);
        socket.remote = Some(to);
        if own.is_unspecified() {
            // It is at one address from now on, as far as it is asked; it keeps the port at all of them.
            let local = SocketAddr::new(from, socket.local.port());
            socket.local = seen_from(own, local);
        }
        Ok(())
    }

    /// The way from a socket to an address.
    fn route_from(&mut self, id: Id, to: SocketAddr) -> Result<Route, Errno> {
        let socket = self.datagrams(id);
        let (host, own) = (socket.host, socket.local.ip());
        if own.is_ipv4() && to.is_ipv6() {
            return Err(Errno::AFNOSUPPORT);
        }
        let mut route = self.route(host, to)?;
        if !own.is_unspecified() {
            route.from = plain(own);
        }
        Ok(route)
    }

    /// Sends a datagram, to the peer if it is not said to whom.
    pub(super) fn send(&mut self, id: Id, buf: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        let socket = self.datagrams(id);
        socket.tell()?;
        let to = to.or(socket.remote).ok_or(Errno::DESTADDRREQ)?;
        let port = socket.local.port();
        if buf.len() > LENGTH_MAX {
            return Err(Errno::MSGSIZE.into());
        }
        let route = match self.route_from(id, to) {
            // It has left, and nobody has it: that is what datagrams are like.
            Err(Errno::HOSTUNREACH) => return Ok(buf.len()),
            route => route?,
        };
        let datagram = Datagram {
            way: route.way,
            sender: id,
            from: SocketAddr::new(route.from, port),
            to: route.to,
            bytes: buf.to_vec(),
        };
        let conditions = self.setup.conditions(route.way);
        // It takes its time on the way out, whatever becomes of it.
        let (departs, arrives) = self.transit(route.way, buf.len());
        if self.is_cut(route.way) || self.happens(conditions.loss) {
            return Ok(buf.len());
        }
        if self.happens(conditions.duplication) {
            let again = self.arrival(&conditions, departs);
            self.timetable.set(again, Event::Datagram(datagram.clone()));
        }
        self.timetable.set(arrives, Event::Datagram(datagram));
        Ok(buf.len())
    }

    /// Hands over a datagram that has arrived.
    pub(super) fn receive_datagram(&mut self, datagram: Datagram) {
        match self.setup.passage(datagram.way) {
            Passage::Cut => return,
            Passage::Held => return self.hold(datagram),
            Passage::Open => {}
        }
        let (here, there) = datagram.way;
        let Some(id) = self.ports.find(Protocol::Udp, there, datagram.to) else {
            let (_, arrives) = self.transit((there, here), 0);
            let (id, to) = (datagram.sender, datagram.to);
            self.timetable.set(arrives, Event::Unreceived(id, to));
            return;
        };
        let socket = self.datagrams(id);
        let from = seen_from(socket.local.ip(), datagram.from);
        let is_unwanted = socket.remote.is_some_and(|remote| remote != from);
        let bytes = socket.received_bytes + datagram.bytes.len() + EXTRA_BYTES;
        if is_unwanted || bytes > ROOM_BYTES {
            return;
        }
        socket.received_bytes = bytes;
        socket.received.push_back((datagram.bytes, from));
        let source = socket.source.clone();
        self.notify(&source, true, false);
    }

    /// Tells a socket that nobody receives at its peer's port, if that is where it has sent to.
    pub(super) fn note_unreceived(&mut self, id: Id, to: SocketAddr) {
        let Some(socket) = self.datagrams.get_mut(&id) else {
            return;
        };
        let remote = socket.remote;
        if remote.is_some_and(|remote| plain(remote.ip()) == to.ip() && remote.port() == to.port())
        {
            socket.error = Some(Errno::CONNREFUSED);
            let source = socket.source.clone();
            self.notify(&source, true, true);
        }
    }

    /// Closes a socket whose owner has gone.
    pub(super) fn close_datagrams(&mut self, id: Id) {
        if let Some(socket) = self.datagrams.remove(&id) {
            let port = socket.local.port();
            self.ports.unbind(Protocol::Udp, socket.host, port, id);
        }
    }

    /// Forgets the sockets of a host.
    pub(super) fn crash_datagrams(&mut self, host: usize) {
        let own = self
            .datagrams
            .iter()
            .filter(|(_, socket)| socket.host == host);
        let ids: Vec<Id> = own.map(|(id, _)| *id).collect();
        for id in ids {
            let socket = self.datagrams(id);
            socket.is_dead = true;
            let (port, source) = (socket.local.port(), socket.source.clone());
            self.ports.unbind(Protocol::Udp, host, port, id);
            self.notify(&source, true, true);
        }
    }
}
