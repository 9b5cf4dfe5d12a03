//! [`World`]: all that there is in a network, and what happens in it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::time::Duration;

use rustix::io::Errno;

use crate::clock::Instant;
use crate::executor::Core;
use crate::reactor::Event as Readiness;
use crate::reactor::source::Source;
use crate::rng::Rng;
use crate::testing::network::conditions::{Conditions, Passage, Setup, Way};
use crate::testing::network::datagrams::{Datagram, Datagrams};
use crate::testing::network::host::Hosts;
use crate::testing::network::listener::Listener;
use crate::testing::network::ports::Ports;
use crate::testing::network::stream::Stream;
use crate::testing::network::timetable::Timetable;
use crate::testing::random;

/// Which of the streams of a seed is for networks.
const PURPOSE: u64 = 2;

/// The number of a socket.
pub(super) type Id = u64;

/// What may happen.
pub(super) enum Event {
    /// The first segment in a stream's pipe arrives.
    Arrival(Id),
    /// Somebody who knows nothing of this stream tells it so.
    Refusal(Id),
    /// This stream has tried for long enough, to connect or to send.
    GaveUp(Id),
    /// A datagram arrives.
    Datagram(Datagram),
    /// This socket learns that nobody receives what it has sent to an address.
    Unreceived(Id, SocketAddr),
}

/// All there is.
pub(super) struct World {
    /// The hosts.
    pub(super) hosts: Hosts,
    /// What holds when a simulation begins.
    usual_setup: Setup,
    /// What holds in this one.
    pub(super) setup: Setup,
    /// Which simulation this is.
    pub(super) run: u64,
    /// Its chance.
    rng: Rng,
    /// What is to happen.
    pub(super) timetable: Timetable<Event>,
    /// Until when the ways are busy that have a bandwidth.
    busy: BTreeMap<Way, Instant>,
    /// The datagrams that are held.
    held: Vec<Datagram>,
    /// The number of the next socket.
    next: Id,
    /// The streams.
    pub(super) streams: BTreeMap<Id, Stream>,
    /// The listeners.
    pub(super) listeners: BTreeMap<Id, Listener>,
    /// The sockets for datagrams.
    pub(super) datagrams: BTreeMap<Id, Datagrams>,
    /// Who has which port.
    pub(super) ports: Ports,
    /// Whom to tell what, when nothing is borrowed any more.
    pub(super) notices: Vec<(Rc<Source>, Readiness)>,
}

impl World {
    /// One host, and no sockets.
    pub(super) fn new() -> Self {
        Self {
            hosts: Hosts::new(),
            usual_setup: Setup::default(),
            setup: Setup::default(),
            run: 0,
            rng: Rng::new(0),
            timetable: Timetable::new(),
            busy: BTreeMap::new(),
            held: Vec::new(),
            next: 0,
            streams: BTreeMap::new(),
            listeners: BTreeMap::new(),
            datagrams: BTreeMap::new(),
            ports: Ports::default(),
            notices: Vec::new(),
        }
    }

    /// Begins a simulation, unless this executor's has begun. What is left of one before is gone.
    pub(super) fn begin_unless_begun(&mut self, core: &Rc<Core>) {
        if self.timetable.is_of(core) {
            return;
        }
        self.timetable.begin(core);
        self.setup = self.usual_setup.clone();
        self.run += 1;
        self.rng = random::stream(PURPOSE);
        self.busy.clear();
        self.held.clear();
        self.next = 0;
        self.streams.clear();
        self.listeners.clear();
        self.datagrams.clear();
        self.ports = Ports::default();
    }

    /// Fails unless this simulation is the one that runs.
    pub(super) fn check(&self, run: u64, core: Option<&Rc<Core>>) -> io::Result<()> {
        let runs = core.is_some_and(|core| self.timetable.is_of(core));
        if runs && run == self.run {
            return Ok(());
        }
        let text = "a simulated socket is of no use outside of its simulation, which is over";
        Err(io::Error::other(text))
    }

    /// Changes what is set: for the simulation that runs, or for all that follow.
    pub(super) fn edit(&mut self, is_running: bool, f: impl Fn(&mut Setup)) {
        f(&mut self.setup);
        if !is_running {
            f(&mut self.usual_setup);
        }
    }

    /// The number of a new socket.
    pub(super) fn new_id(&mut self) -> Id {
        self.next += 1;
        self.next
    }

    /// Lets happen what is due.
    pub(super) fn deliver(&mut self) {
        let now = self.timetable.now();
        while let Some(event) = self.timetable.next_due(now) {
            match event {
                Event::Arrival(id) => self.arrive(id),
                Event::Refusal(id) => self.be_refused(id),
                Event::GaveUp(id) => self.fail(id, Errno::TIMEDOUT),
                Event::Datagram(datagram) => self.receive_datagram(datagram),
                Event::Unreceived(id, to) => self.note_unreceived(id, to),
            }
        }
        self.timetable.arm();
    }

    /// When so many bytes that are sent now have left, and when they arrive.
    pub(super) fn transit(&mut self, way: Way, bytes: usize) -> (Instant, Instant) {
        let conditions = self.setup.conditions(way);
        let mut departs = self.timetable.now();
        if conditions.bandwidth.is_some() {
            let busy = self.busy.entry(way).or_insert(departs);
            departs = departs.max(*busy);
            departs = departs.saturating_add(conditions.time_of(bytes));
            *busy = departs;
        }
        (departs, self.arrival(&conditions, departs))
    }

    /// When something arrives that has left then.
    pub(super) fn arrival(&mut self, conditions: &Conditions, departs: Instant) -> Instant {
        // More than five hundred years are the clock's end anyhow.
        let jitter = u64::try_from(conditions.jitter.as_nanos()).unwrap_or(u64::MAX);
        let jitter = match jitter {
            0 => 0,
            _ => (u128::from(self.rng.next()) * (u128::from(jitter) + 1)) >> 64,
        };
        let jitter = Duration::from_nanos(jitter as u64);
        let late = departs.saturating_add(conditions.latency);
        late.saturating_add(jitter)
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        // All 53 bits of such a number's precision; and no number is drawn where nothing is left to chance.
        probability > 0.0 && ((self.rng.next() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// Holds a datagram until its way is open.
    pub(super) fn hold(&mut self, datagram: Datagram) {
        self.held.push(datagram);
    }

    /// Lets go what was held on these ways.
    pub(super) fn let_go(&mut self, ways: &[Way]) {
        let (held, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|datagram| ways.contains(&datagram.way));
        self.held = others;
        let now = self.timetable.now();
        for datagram in held {
            self.timetable.set(now, Event::Datagram(datagram));
        }
        let is_on = |stream: &Stream| ways.contains(&stream.way());
        let streams: Vec<Id> = self
            .streams
            .iter()
            .filter(|(_, stream)| is_on(stream))
            .map(|(id, _)| *id)
            .collect();
        for id in streams {
            self.go_on_if_held(id);
        }
    }

    /// Tells who waits for a socket that there may be something to do.
    pub(super) fn notify(&mut self, source: &Weak<Source>, read: bool, write: bool) {
        if let Some(source) = source.upgrade() {
            let readiness = Readiness {
                read,
                write,
                more_than_data: false,
            };
            self.notices.push((source, readiness));
        }
    }

    /// Whether nothing passes on a way.
    pub(super) fn is_cut(&self, way: Way) -> bool {
        self.setup.passage(way) == Passage::Cut
    }

    /// Has a host forget its sockets.
    pub(super) fn crash(&mut self, host: usize) {
        self.crash_listeners(host);
        self.crash_streams(host);
        self.crash_datagrams(host);
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("hosts", &self.hosts)
            .field("setup", &self.setup)
            .field("streams", &self.streams.len())
            .field("listeners", &self.listeners.len())
            .field("datagram_sockets", &self.datagrams.len())
            .finish_non_exhaustive()
    }
}
