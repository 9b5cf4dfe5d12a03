//! Listeners: who has asked, who was answered, and who can be handed out.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::rc::Weak;

use rustix::io::Errno;

use crate::reactor::source::Source;
use crate::testing::network::ports::{Protocol, seen_from};
use crate::testing::network::stream::{Owner, Stage};
use crate::testing::network::world::{Id, World};

/// How many clients may wait to be accepted: what `TcpListener::bind` asks the kernel for.
const BACKLOG: usize = 4096;

/// A socket that clients connect to.
pub(super) struct Listener {
    /// Its host.
    host: usize,
    /// Its address.
    pub(super) local: SocketAddr,
    /// Who waits.
    pub(super) source: Weak<Source>,
    /// How many clients were answered, and have not been heard of since.
    arriving: usize,
    /// Those who can be handed out.
    queue: VecDeque<Id>,
    /// Whether its host has forgotten it.
    is_dead: bool,
    /// A number that is kept.
    pub(super) ttl: u32,
}

impl World {
    /// A listener that is known to be there.
    pub(super) fn listener(&mut self, id: Id) -> &mut Listener {
        let listener = self.listeners.get_mut(&id);
        listener.expect("a listener is there until its owner has gone")
    }

    /// Makes a listener.
    pub(super) fn listen(&mut self, host: usize, at: SocketAddr) -> Result<Id, Errno> {
        self.check_own(host, at)?;
        let id = self.new_id();
        let local = self.ports.bind(Protocol::Tcp, host, at, id)?;
        let listener = Listener {
            host,
            local,
            source: Weak::new(),
            arriving: 0,
            queue: VecDeque::new(),
            is_dead: false,
            ttl: 64,
        };
        self.listeners.insert(id, listener);
        Ok(id)
    }

    /// Hands out a client, and where it comes from.
    pub(super) fn accept(&mut self, id: Id) -> io::Result<(Id, SocketAddr)> {
        let listener = self.listener(id);
        if listener.is_dead {
            return Err(Errno::INVAL.into());
        }
        let Some(client) = listener.queue.pop_front() else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let stream = self.stream(client);
        stream.owner = Owner::Program;
        Ok((client, stream.remote))
    }

    /// Whom a stream asks that connects.
    pub(super) fn listener_of(&mut self, id: Id) -> Option<Id> {
        let stream = self.stream(id);
        let (way, at) = (stream.way(), stream.remote);
        self.ports.find(Protocol::Tcp, way.1, at)
    }

    /// Whether a stream connects where too many do: it is not answered.
    pub(super) fn is_crowded_out(&mut self, id: Id) -> bool {
        if !matches!(self.stream(id).stage, Stage::Connecting { .. }) {
            return false;
        }
        let Some(listener) = self.listener_of(id) else {
            return false;
        };
        let listener = self.listener(listener);
        listener.arriving + listener.queue.len() >= BACKLOG
    }

    /// Answers one that connects.
    pub(super) fn receive_connect(&mut self, from: Id) {
        let Some(id) = self.listener_of(from) else {
            return self.refuse(from);
        };
        let (client, asked) = (self.stream(from).local, self.stream(from).remote);
        let listener = self.listener(id);
        listener.arriving += 1;
        let own = listener.local.ip();
        self.answer(from, id, seen_from(own, asked), seen_from(own, client));
    }

    /// Puts a stream whose client was heard of again where it can be handed out.
    pub(super) fn arrive_at_listener(&mut self, id: Id) {
        let Stage::Arriving(at) = self.stream(id).stage else {
            return;
        };
        let Some(listener) = self.listeners.get_mut(&at) else {
            return self.abandon(id);
        };
        listener.arriving -= 1;
        listener.queue.push_back(id);
        let source = listener.source.clone();
        self.stream(id).stage = Stage::Connected;
        self.notify(&source, true, false);
    }

    /// Notes that a client that was answered has gone.
    pub(super) fn arrive_no_more(&mut self, id: Id) {
        if let Some(listener) = self.listeners.get_mut(&id) {
            listener.arriving -= 1;
        }
    }

    /// Resets a client that nobody will accept.
    fn abandon(&mut self, id: Id) {
        let stream = self.stream(id);
        stream.stage = Stage::Connected;
        stream.owner = Owner::Nobody;
        self.abort(id);
    }

    /// Closes a listener whose owner has gone.
    pub(super) fn close_listener(&mut self, id: Id) {
        let Some(listener) = self.listeners.remove(&id) else {
            return;
        };
        let port = listener.local.port();
        self.ports.unbind(Protocol::Tcp, listener.host, port, id);
        for client in listener.queue {
            self.abandon(client);
        }
    }

    /// Forgets the listeners of a host, and whom they would have handed out, without a word.
    pub(super) fn crash_listeners(&mut self, host: usize) {
        let own = self
            .listeners
            .iter()
            .filter(|(_, listener)| listener.host == host);
        let ids: Vec<Id> = own.map(|(id, _)| *id).collect();
        for id in ids {
            let listener = self.listener(id);
            listener.is_dead = true;
            let (port, source) = (listener.local.port(), listener.source.clone());
            for client in std::mem::take(&mut listener.queue) {
                self.stream(client).owner = Owner::Nobody;
            }
            self.ports.unbind(Protocol::Tcp, host, port, id);
            self.notify(&source, true, false);
        }
    }
}
