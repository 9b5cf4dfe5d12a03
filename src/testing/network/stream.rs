//! A stream: one end of a connection, and what the kernel would answer.
//!
//! ```text
//!   connect ─► Connecting ── Accepted ──► Connected ◄── Connected ── Arriving ◄─ Connect
//!              (the client's)                                        (the server's, in a listener)
//!   dropped ─► nobody's: sends what is under way and the end, then waits for that of the peer
//! ```
//!
//! What a read answers, in this order: what has arrived; the end, if the peer's has; the error, once; the
//! end. A write: the error, once; `BrokenPipe` after a shutdown or an error; as many bytes as have room.
//! (Linux, `tcp_recvmsg` and `tcp_sendmsg`.) Read next: `network/pipe.rs`, `network/ending.rs`.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut, Read as _};
use std::net::{Shutdown, SocketAddr};
use std::rc::Weak;
use std::time::Duration;

use rustix::io::Errno;

use crate::reactor::source::Source;
use crate::testing::network::conditions::Way;
use crate::testing::network::pipe::{Pipe, Segment};
use crate::testing::network::timetable::EventKey;
use crate::testing::network::world::{Event, Id, World};

/// How many bytes may be under way or unread in each direction.
const WINDOW_BYTES: usize = 64 * 1024;
/// How many bytes are read before the peer is told that there is room: as often as a real receiver would
/// (RFC 9293, 3.8.6.2.2).
const ROOM_STEP_BYTES: usize = WINDOW_BYTES / 2;

/// How long it is tried to connect: six retransmissions, after 1, 3, 7, 15, 31 and 63 seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(127);

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has asked, and may wait until then for an answer.
    Connecting {
        /// When that is over.
        limit: EventKey,
    },
    /// It was asked, at this listener, and waits to hear that its answer was heard.
    Arriving(Id),
    /// It stands.
    Connected,
}

/// Whose a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// A listener's, which has yet to hand it out.
    Listener,
    /// The program's.
    Program,
    /// Nobody's any more.
    Nobody,
}

/// One end of a connection.
pub(super) struct Stream {
    /// From this host to the peer's.
    pub(super) way: Way,
    /// Whether it is the end that has connected, from a port of its own.
    pub(super) is_clients: bool,
    /// The address of this side.
    pub(super) local: SocketAddr,
    /// The address of the other side.
    pub(super) remote: SocketAddr,
    /// The other end, once it is known.
    pub(super) peer: Option<Id>,
    /// How far it is.
    pub(super) stage: Stage,
    /// Whose it is.
    pub(super) owner: Owner,
    /// Who waits.
    pub(super) source: Weak<Source>,
    /// What has arrived and was not read.
    pub(super) received: VecDeque<u8>,
    /// How much of what was read the peer has not been told.
    untold: usize,
    /// How many bytes more may be written.
    room: usize,
    /// Whether the peer's end has arrived.
    pub(super) has_ended: bool,
    /// Whether its own reads have been shut down.
    is_read_shut: bool,
    /// Whether its own writes have.
    pub(super) is_write_shut: bool,
    /// Whether the connection is no more.
    pub(super) is_dead: bool,
    /// Why, if that was not told.
    pub(super) error: Option<Errno>,
    /// What is under way to the peer.
    pub(super) pipe: Pipe,
    /// A flag that is kept.
    pub(super) nodelay: bool,
    /// A number that is kept.
    pub(super) ttl: u32,
}

impl Stream {
    /// An end that has just begun to be.
    fn new(way: Way, local: SocketAddr, remote: SocketAddr, stage: Stage, owner: Owner) -> Self {
        Self {
            way,
            is_clients: matches!(stage, Stage::Connecting { .. }),
            local,
            remote,
            peer: None,
            stage,
            owner,
            source: Weak::new(),
            received: VecDeque::new(),
            untold: 0,
            room: WINDOW_BYTES,
            has_ended: false,
            is_read_shut: false,
            is_write_shut: false,
            is_dead: false,
            error: None,
            pipe: Pipe::default(),
            nodelay: false,
            ttl: 64,
        }
    }

    /// From its host to the peer's.
    pub(super) fn way(&self) -> Way {
        self.way
    }

    /// Whether the connection stands, as far as is known here.
    pub(super) fn is_connected(&self) -> bool {
        self.stage == Stage::Connected && !self.is_dead
    }

    /// What a read that brings nothing answers.
    fn nothing_to_read(&mut self) -> io::Result<usize> {
        if self.has_ended {
            return Ok(0);
        }
        match self.error.take() {
            Some(error) => Err(error.into()),
            None if self.is_read_shut || self.is_dead => Ok(0),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Leaves what it brings where it is.
    pub(super) fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.received.is_empty() {
            return self.nothing_to_read();
        }
        let bytes = self.received.iter().zip(buf);
        Ok(bytes.map(|(byte, place)| *place = *byte).count())
    }
}

impl World {
    /// A stream that is known to be there.
    pub(super) fn stream(&mut self, id: Id) -> &mut Stream {
        let stream = self.streams.get_mut(&id);
        stream.expect("a stream is there until its owner and its pipe have gone")
    }

    /// Begins to connect.
    pub(super) fn connect(&mut self, host: usize, to: SocketAddr) -> io::Result<Id> {
        let route = self.route(host, to)?;
        let port = self.ports.connect_from(host)?;
        let id = self.new_id();
        let at = self.timetable.now().saturating_add(CONNECT_TIMEOUT);
        let limit = self.timetable.set(at, Event::GaveUp(id));
        let local = SocketAddr::new(route.from, port);
        let stage = Stage::Connecting { limit };
        let stream = Stream::new(route.way, local, route.to, stage, Owner::Program);
        self.streams.insert(id, stream);
        self.push(id, Segment::Connect);
        Ok(id)
    }

    /// Makes the other end of a connection that a listener was asked for.
    pub(super) fn answer(&mut self, from: Id, listener: Id, local: SocketAddr, remote: SocketAddr) {
        let (here, there) = self.stream(from).way;
        let id = self.new_id();
        let stage = Stage::Arriving(listener);
        let mut stream = Stream::new((there, here), local, remote, stage, Owner::Listener);
        stream.peer = Some(from);
        self.streams.insert(id, stream);
        self.stream(from).peer = Some(id);
        self.push(id, Segment::Accepted);
    }

    /// Whether a connect has succeeded.
    pub(super) fn finish_connect(&mut self, id: Id) -> io::Result<()> {
        let stream = self.stream(id);
        if stream.is_connected() {
            return Ok(());
        }
        match stream.error.take() {
            Some(error) => Err(error.into()),
            None if stream.is_dead => Err(Errno::NOTCONN.into()),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Reads.
    pub(super) fn read(&mut self, id: Id, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let stream = self.stream(id);
        if stream.received.is_empty() {
            return stream.nothing_to_read();
        }
        let mut count = 0;
        for buf in bufs {
            // A ring has two halves, of which a read takes the first.
            let taken = stream.received.read(buf)?;
            count += taken + stream.received.read(&mut buf[taken..])?;
        }
        stream.untold += count;
        if stream.untold >= ROOM_STEP_BYTES && stream.is_connected() && !stream.has_ended {
            let room = std::mem::take(&mut stream.untold);
            self.push(id, Segment::Room(room));
        }
        Ok(count)
    }

    /// Writes.
    pub(super) fn write(&mut self, id: Id, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let stream = self.stream(id);
        if let Some(error) = stream.error.take() {
            return Err(error.into());
        }
        if stream.is_dead || stream.is_write_shut {
            return Err(Errno::PIPE.into());
        }
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Ok(0);
        }
        if stream.room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut data = Vec::new();
        for buf in bufs {
            let room = stream.room - data.len();
            data.extend_from_slice(&buf[..buf.len().min(room)]);
        }
        stream.room -= data.len();
        self.push_data(id, &data);
        Ok(data.len())
    }

    /// Shuts down one direction, or both.
    pub(super) fn shutdown(&mut self, id: Id, how: Shutdown) -> io::Result<()> {
        let stream = self.stream(id);
        if !stream.is_connected() {
            return Err(Errno::NOTCONN.into());
        }
        let (read, write) = match how {
            Shutdown::Read => (true, false),
            Shutdown::Write => (false, true),
            Shutdown::Both => (true, true),
        };
        stream.is_read_shut |= read;
        let ends = write && !std::mem::replace(&mut stream.is_write_shut, true);
        let source = stream.source.clone();
        if ends {
            self.push(id, Segment::End);
        }
        self.notify(&source, read, write);
        Ok(())
    }

    /// The other end of a stream, if it is there to take something: one that nobody has takes no data.
    pub(super) fn taker(&self, id: Id, is_data: bool) -> Option<Id> {
        let peer = self.streams.get(&id)?.peer?;
        let end = self.streams.get(&peer)?;
        let refuses = end.is_dead || is_data && end.owner == Owner::Nobody;
        (!refuses).then_some(peer)
    }

    /// Hands over what has arrived at the other end of a stream.
    pub(super) fn receive(&mut self, from: Id, segment: Segment) {
        if let Segment::Connect = segment {
            return self.receive_connect(from);
        }
        let is_data = matches!(segment, Segment::Data(_));
        let Some(id) = self.taker(from, is_data) else {
            if !matches!(segment, Segment::Reset) {
                self.refuse(from);
            }
            return;
        };
        let stream = self.stream(id);
        let source = stream.source.clone();
        match segment {
            Segment::Connect => unreachable!("it was handed over above"),
            Segment::Accepted => {
                if let Stage::Connecting { limit } = stream.stage {
                    stream.stage = Stage::Connected;
                    self.timetable.unset(limit);
                    self.push(id, Segment::Connected);
                    self.notify(&source, true, true);
                }
            }
            Segment::Connected => self.arrive_at_listener(id),
            Segment::Data(_) if stream.is_read_shut && stream.is_write_shut => {
                // As one that nobody has (RFC 1122, 4.2.2.13).
                self.refuse(from);
                self.fail(id, Errno::CONNRESET);
            }
            Segment::Data(data) => {
                stream.received.extend(data);
                self.notify(&source, true, false);
            }
            Segment::Room(room) => {
                stream.room += room;
                self.notify(&source, false, true);
            }
            Segment::End => {
                stream.has_ended = true;
                self.notify(&source, true, false);
                self.remove_if_done(id);
            }
            Segment::Reset => self.be_refused(id),
        }
    }
}
