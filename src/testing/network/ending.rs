//! How a connection ends: closed, reset, refused, given up, or forgotten by its host.
//!
//! ```text
//!   dropped, all read       its end goes to the peer, and it waits, nobody's, for that of the peer
//!   dropped, data unread    a reset goes to the peer
//!   nobody there            whoever sends something gets a refusal back
//!   a fault, a time-out     an error at this end; the other may learn of it when it sends
//! ```

use rustix::io::Errno;

use crate::testing::network::conditions::Way;
use crate::testing::network::pipe::Segment;
use crate::testing::network::stream::{Owner, Stage};
use crate::testing::network::world::{Event, Id, World};

impl World {
    /// Closes a stream whose owner has gone.
    pub(super) fn close_stream(&mut self, id: Id) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.owner = Owner::Nobody;
        if matches!(stream.stage, Stage::Connecting { .. }) {
            self.fail(id, Errno::CONNABORTED);
        } else if stream.is_dead {
            self.remove(id);
        } else if !stream.received.is_empty() {
            // Nobody will read it: the peer is to know.
            self.abort(id);
        } else if !stream.is_write_shut {
            stream.is_write_shut = true;
            self.push(id, Segment::End);
        }
        self.remove_if_done(id);
    }

    /// Resets a connection, by a word to the peer behind all that is under way.
    pub(super) fn abort(&mut self, id: Id) {
        self.push(id, Segment::Reset);
        self.stream(id).is_dead = true;
    }

    /// Answers a segment for which nobody is there.
    pub(super) fn refuse(&mut self, id: Id) {
        let (here, there) = self.stream(id).way;
        let (_, arrives) = self.transit((there, here), 0);
        self.timetable.set(arrives, Event::Refusal(id));
    }

    /// Ends a stream whose peer says that there is no connection.
    pub(super) fn be_refused(&mut self, id: Id) {
        let Some(stream) = self.streams.get(&id) else {
            return;
        };
        let error = match stream.stage {
            Stage::Connecting { .. } => Errno::CONNREFUSED,
            _ if stream.has_ended => Errno::PIPE,
            _ => Errno::CONNRESET,
        };
        self.fail(id, error);
    }

    /// Ends both ends of a connection.
    pub(super) fn reset(&mut self, id: Id) {
        let peer = self.stream(id).peer;
        self.fail(id, Errno::CONNRESET);
        if let Some(peer) = peer {
            self.fail(peer, Errno::CONNRESET);
        }
    }

    /// Resets all connections on these ways.
    pub(super) fn reset_all(&mut self, ways: &[Way]) {
        let on = self
            .streams
            .iter()
            .filter(|(_, stream)| ways.contains(&stream.way));
        let ids: Vec<Id> = on.map(|(id, _)| *id).collect();
        for id in ids {
            if self.streams.contains_key(&id) {
                self.reset(id);
            }
        }
    }

    /// Ends a stream with an error, and what is under way from it; the other end is not told.
    pub(super) fn fail(&mut self, id: Id, error: Errno) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if !stream.is_dead {
            stream.is_dead = true;
            stream.error = Some(error);
        }
        stream.pipe.clear();
        let (stage, owner, source) = (stream.stage, stream.owner, stream.source.clone());
        match stage {
            Stage::Connecting { limit } => self.timetable.unset(limit),
            Stage::Arriving(listener) => {
                self.arrive_no_more(listener);
                self.remove(id);
            }
            Stage::Connected => {}
        }
        if owner == Owner::Nobody {
            self.remove(id);
        }
        self.notify(&source, true, true);
    }

    /// Forgets the streams of a host, without a word.
    pub(super) fn crash_streams(&mut self, host: usize) {
        let own = self
            .streams
            .iter()
            .filter(|(_, stream)| stream.way.0 == host);
        let ids: Vec<Id> = own.map(|(id, _)| *id).collect();
        for id in ids {
            self.fail(id, Errno::CONNABORTED);
        }
    }

    /// Forgets a stream that nobody has, when all that it owes its peer is done.
    pub(super) fn remove_if_done(&mut self, id: Id) {
        let Some(stream) = self.streams.get(&id) else {
            return;
        };
        let peer_is_gone = stream
            .peer
            .is_none_or(|peer| !self.streams.contains_key(&peer));
        let is_done = stream.has_ended || stream.is_dead || peer_is_gone;
        if stream.owner == Owner::Nobody && stream.pipe.is_empty() && is_done {
            self.remove(id);
        }
    }

    /// Forgets a stream.
    fn remove(&mut self, id: Id) {
        let Some(stream) = self.streams.remove(&id) else {
            return;
        };
        if stream.is_clients {
            self.ports.unconnect(stream.way.0, stream.local.port());
        }
        if let Some(peer) = stream.peer {
            self.remove_if_done(peer);
        }
    }
}
