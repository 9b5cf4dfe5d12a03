//! [`Handle`]: a socket as `net` has it, of any kind.
//!
//! Each operation borrows the world, and tells those of events who wait for them when it does no more.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr};
use std::rc::{Rc, Weak};
use std::task::Context;

use rustix::io::Errno;

use crate::executor::context;
use crate::observer::Audience;
use crate::reactor::simulated::{At, Socket};
use crate::reactor::source::{Direction, Place, Source};
use crate::task::waits::{Thing, Waits};
use crate::testing::Network;
use crate::testing::network::stream::Stage;
use crate::testing::network::world::{Id, World};

/// What a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One end of a connection.
    Stream,
    /// What clients connect to.
    Listener,
    /// For datagrams.
    Datagrams,
}

/// A socket; it is closed when this is dropped.
pub(super) struct Handle {
    /// Where it is.
    network: Network,
    /// In which simulation.
    run: u64,
    /// Its number.
    id: Id,
    /// What it is.
    kind: Kind,
}

impl Handle {
    /// A socket that was just made.
    pub(super) fn new(network: Network, run: u64, id: Id, kind: Kind) -> Self {
        Self {
            network,
            run,
            id,
            kind,
        }
    }

    /// Calls `f` with the world, if its simulation is the one that runs.
    fn with<R>(&self, f: impl FnOnce(&mut World, Id) -> io::Result<R>) -> io::Result<R> {
        let core = context::try_with(Rc::clone);
        self.network.with(|world| {
            world.check(self.run, core.as_ref())?;
            f(world, self.id)
        })
    }

    /// [`with`](Self::with), for operations that this socket has only if it is of this kind.
    fn with_kind<R>(
        &self,
        kind: Kind,
        f: impl FnOnce(&mut World, Id) -> io::Result<R>,
    ) -> io::Result<R> {
        match kind == self.kind {
            true => self.with(f),
            false => Err(Errno::OPNOTSUPP.into()),
        }
    }

    /// Gets or sets the number that is kept.
    fn with_ttl<R>(&self, f: impl FnOnce(&mut u32) -> R) -> io::Result<R> {
        self.with(|world, id| {
            Ok(f(match self.kind {
                Kind::Stream => &mut world.stream(id).ttl,
                Kind::Listener => &mut world.listener(id).ttl,
                Kind::Datagrams => &mut world.datagrams(id).ttl,
            }))
        })
    }

    /// Calls `f` with who listens in its simulation, if somebody does and it is the one that runs, and with
    /// the number that it has there. Without an observer that is a look.
    fn tell(&self, f: impl FnOnce(&Audience, i32)) {
        context::try_with(|core| {
            if let Some(audience) = core.scheduler().audience()
                && self.network.is_in(self.run, core)
            {
                // More than two thousand million sockets of one run share the last number.
                f(audience, i32::try_from(self.id).map_or(i32::MIN, |id| -id));
            }
        });
    }

    /// Notes what the running task waits for, and where; an error if its simulation is over.
    fn note(&self, direction: Direction, at: At) -> io::Result<()> {
        let thing = self.with(|world, id| {
            Ok(match (self.kind, direction) {
                (Kind::Listener, _) => Thing::SimulatedClient,
                (Kind::Datagrams, _) => Thing::SimulatedDatagram,
                (Kind::Stream, _) if world.stream(id).stage != Stage::Connected => {
                    Thing::SimulatedConnection
                }
                (Kind::Stream, Direction::Read) => Thing::SimulatedData,
                (Kind::Stream, Direction::Write) => Thing::SimulatedRoom,
            })
        });
        context::note(Waits::TASK.by_name(thing?), at);
        self.tell(|audience, fd| audience.note_wait(fd));
        Ok(())
    }
}

impl Socket for Handle {
    fn attach(&self, source: Weak<Source>) {
        // Of a simulation that is over nothing can be told, and nothing has to be.
        let _stale = self.with(|world, id| {
            match self.kind {
                Kind::Stream => world.stream(id).source = source,
                Kind::Listener => world.listener(id).source = source,
                Kind::Datagrams => world.datagrams(id).source = source,
            }
            Ok(())
        });
    }

    fn note_ready(&self, read: bool, write: bool) {
        self.tell(|audience, fd| audience.note_ready(fd, read, write));
    }

    fn wait(&self, place: &mut Place<'_>, cx: &Context<'_>, at: At) -> io::Result<()> {
        self.note(place.direction, at)?;
        place.wait_simulated(cx);
        Ok(())
    }

    #[cfg(feature = "futures-io")]
    fn wait_unqueued(
        &self,
        source: &Source,
        direction: Direction,
        cx: &Context<'_>,
        at: At,
    ) -> io::Result<()> {
        self.note(direction, at)?;
        source.wait_unqueued_simulated(direction, cx);
        Ok(())
    }

    fn is_connected(&self) -> io::Result<()> {
        self.with_kind(Kind::Stream, World::finish_connect)
    }

    fn accept(&self) -> io::Result<(Rc<Source>, SocketAddr)> {
        let (client, from) = self.with_kind(Kind::Listener, World::accept)?;
        let handle = Handle::new(self.network.clone(), self.run, client, Kind::Stream);
        Ok((Source::simulated(Rc::new(handle)), from))
    }

    fn read(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.with_kind(Kind::Stream, |world, id| world.read(id, bufs))
    }

    fn write(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.with_kind(Kind::Stream, |world, id| world.write(id, bufs))
    }

    fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.with(|world, id| match self.kind {
            Kind::Stream => world.stream(id).peek(buf),
            Kind::Datagrams => Ok(world.datagrams(id).receive(buf, true)?.0),
            Kind::Listener => Err(Errno::OPNOTSUPP.into()),
        })
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.with_kind(Kind::Stream, |world, id| world.shutdown(id, how))
    }

    fn connect(&self, addresses: &[SocketAddr]) -> io::Result<()> {
        let connect = |world: &mut World, id| world.connect_datagrams(id, addresses);
        self.with_kind(Kind::Datagrams, connect)
    }

    fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.with_kind(Kind::Datagrams, |world, id| world.send(id, buf, None))
    }

    fn send_to(&self, buf: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.with_kind(Kind::Datagrams, |world, id| world.send(id, buf, Some(to)))
    }

    fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.recv_from(buf)?.0)
    }

    fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let receive = |world: &mut World, id| world.datagrams(id).receive(buf, false);
        self.with_kind(Kind::Datagrams, receive)
    }

    fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let receive = |world: &mut World, id| world.datagrams(id).receive(buf, true);
        self.with_kind(Kind::Datagrams, receive)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.with(|world, id| {
            Ok(match self.kind {
                Kind::Stream => world.stream(id).local,
                Kind::Listener => world.listener(id).local,
                Kind::Datagrams => world.datagrams(id).local,
            })
        })
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.with(|world, id| {
            let peer = match self.kind {
                Kind::Stream => {
                    let stream = world.stream(id);
                    stream.is_connected().then_some(stream.remote)
                }
                Kind::Listener => None,
                Kind::Datagrams => world.datagrams(id).remote,
            };
            peer.ok_or_else(|| Errno::NOTCONN.into())
        })
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.with(|world, id| {
            let error = match self.kind {
                Kind::Stream => world.stream(id).error.take(),
                Kind::Listener => None,
                Kind::Datagrams => world.datagrams(id).error.take(),
            };
            Ok(error.map(io::Error::from))
        })
    }

    fn nodelay(&self) -> io::Result<bool> {
        self.with_kind(Kind::Stream, |world, id| Ok(world.stream(id).nodelay))
    }

    fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.with_kind(Kind::Stream, |world, id| {
            world.stream(id).nodelay = nodelay;
            Ok(())
        })
    }

    fn ttl(&self) -> io::Result<u32> {
        self.with_ttl(|ttl| *ttl)
    }

    fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.with_ttl(|own| *own = ttl)
    }

    fn broadcast(&self) -> io::Result<bool> {
        self.with_kind(Kind::Datagrams, |world, id| {
            Ok(world.datagrams(id).broadcast)
        })
    }

    fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.with_kind(Kind::Datagrams, |world, id| {
            world.datagrams(id).broadcast = broadcast;
            Ok(())
        })
    }
}

impl fmt::Debug for Handle {
    /// As std writes it, but for the descriptor.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct(match self.kind {
            Kind::Stream => "TcpStream",
            Kind::Listener => "TcpListener",
            Kind::Datagrams => "UdpSocket",
        });
        if let Ok(addr) = self.local_addr() {
            f.field("addr", &addr);
        }
        if let Ok(peer) = self.peer_addr() {
            f.field("peer", &peer);
        }
        f.finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.tell(|audience, fd| audience.note_left(fd));
        self.network.with(|world| {
            if world.run == self.run {
                match self.kind {
                    Kind::Stream => world.close_stream(self.id),
                    Kind::Listener => world.close_listener(self.id),
                    Kind::Datagrams => world.close_datagrams(self.id),
                }
            }
        });
    }
}
