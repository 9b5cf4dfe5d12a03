//! What is under way from one end of a connection to the other, in order.
//!
//! ```text
//!   push ─► ▐ d │ d │ end ▌ ─ the first has arrived ─► is the way open? ─┬─ yes ─► the peer has it
//!                  ▲                                                     ├─ held ─► waits to be let go
//!                  └── sent again after 200 ms, 400 ms, … ◄── it is lost ┘
//! ```
//!
//! One event is set for the first segment. While that is lost and sent again all others wait behind it, as
//! those do that a receiver cannot hand out yet; when it is there, so are they. A peer that is not there any
//! more answers with a reset (RFC 9293, 3.10.7.1), unless that is lost.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Instant;
use crate::testing::network::conditions::Passage;
use crate::testing::network::stream::Stage;
use crate::testing::network::world::{Event, Id, World};

/// How much data travels in one piece where there is a bandwidth: what fits into an Ethernet frame.
const PIECE_BYTES: usize = 1460;

/// How long the first retransmission of a connect waits, and of its answer (RFC 6298; Linux).
const FIRST_TIMEOUT_CONNECT: Duration = Duration::from_secs(1);
/// How long that of anything else waits: Linux's smallest.
const FIRST_TIMEOUT: Duration = Duration::from_millis(200);
/// The longest that one waits; Linux's.
const TIMEOUT_MAX: Duration = Duration::from_secs(120);
/// How often the answer to a connect is sent before that is given up.
const TRIES_CONNECT: u32 = 7;
/// How often anything else is: `tcp_retries2` of Linux, and the first time; 924.6 seconds in all.
const TRIES: u32 = 16;

/// What travels in a pipe.
#[derive(Debug)]
pub(super) enum Segment {
    /// The wish to connect.
    Connect,
    /// The answer to that.
    Accepted,
    /// The answer to the answer, with which the connection stands at both ends.
    Connected,
    /// What was written.
    Data(Vec<u8>),
    /// So many bytes were read: the peer may write as many.
    Room(usize),
    /// No more data are to come.
    End,
    /// The connection is no more.
    Reset,
}

impl Segment {
    /// How many bytes of the program's it carries.
    fn len(&self) -> usize {
        match self {
            Self::Data(bytes) => bytes.len(),
            _ => 0,
        }
    }

    /// After how long it is sent again the first time, and how often it is sent at most. A connect has an
    /// end of its own.
    fn patience(&self) -> (Duration, u32) {
        match self {
            Self::Connect => (FIRST_TIMEOUT_CONNECT, u32::MAX),
            Self::Accepted => (FIRST_TIMEOUT_CONNECT, TRIES_CONNECT),
            _ => (FIRST_TIMEOUT, TRIES),
        }
    }
}

/// A segment that is under way.
#[derive(Debug)]
struct Sent {
    /// When it has left.
    departs: Instant,
    /// When it is there.
    arrives: Instant,
    /// What it is.
    segment: Segment,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    /// What is under way.
    sent: VecDeque<Sent>,
    /// How often the first was lost.
    lost: u32,
    /// Whether the first waits until its way lets go.
    is_held: bool,
}

impl Pipe {
    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Forgets what is under way.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl World {
    /// Sends data, in pieces if that makes a difference.
    pub(super) fn push_data(&mut self, id: Id, data: &[u8]) {
        let way = self.stream(id).way();
        let conditions = self.setup.conditions(way);
        let piece = match conditions.bandwidth {
            Some(_) => PIECE_BYTES,
            None => data.len().max(1),
        };
        for piece in data.chunks(piece) {
            self.push(id, Segment::Data(piece.to_vec()));
        }
    }

    /// Sends a segment behind all others.
    pub(super) fn push(&mut self, id: Id, segment: Segment) {
        let way = self.stream(id).way();
        let (departs, arrives) = self.transit(way, segment.len());
        let pipe = &mut self.stream(id).pipe;
        pipe.sent.push_back(Sent {
            departs,
            arrives,
            segment,
        });
        if pipe.sent.len() == 1 {
            self.timetable.set(arrives, Event::Arrival(id));
        }
    }

    /// Lets arrive what has, at the end of a stream's pipe.
    pub(super) fn arrive(&mut self, id: Id) {
        let now = self.timetable.now();
        while let Some(stream) = self.streams.get_mut(&id) {
            let way = stream.way();
            let Some(first) = stream.pipe.sent.front() else {
                break;
            };
            if first.arrives > now {
                let at = first.arrives;
                self.timetable.set(at, Event::Arrival(id));
                break;
            }
            let is_data = matches!(first.segment, Segment::Data(_));
            match self.setup.passage(way) {
                Passage::Held => {
                    self.stream(id).pipe.is_held = true;
                    break;
                }
                Passage::Cut => {
                    self.lose_first(id);
                    break;
                }
                Passage::Open => {}
            }
            let conditions = self.setup.conditions(way);
            // Where nobody is to take it there is an answer, which may be lost as well.
            let is_unanswered = self.is_cut((way.1, way.0)) && !self.takes_first(id);
            if is_unanswered || self.is_crowded_out(id) || self.happens(conditions.loss) {
                self.lose_first(id);
                break;
            }
            if is_data && self.happens(conditions.resets) {
                self.reset(id);
                break;
            }
            let pipe = &mut self.stream(id).pipe;
            pipe.lost = 0;
            if let Some(first) = pipe.sent.pop_front() {
                self.receive(id, first.segment);
            }
        }
        self.remove_if_done(id);
    }

    /// Whether somebody is there to take the first segment of a stream's pipe.
    fn takes_first(&mut self, id: Id) -> bool {
        let stream = self.stream(id);
        let is_data = |sent: &Sent| matches!(sent.segment, Segment::Data(_));
        let is_data = stream.pipe.sent.front().is_some_and(is_data);
        match stream.stage {
            Stage::Connecting { .. } => self.listener_of(id).is_some(),
            _ => self.taker(id, is_data).is_some(),
        }
    }

    /// Has the first segment of a pipe sent again, or gives the connection up.
    fn lose_first(&mut self, id: Id) {
        let way = self.stream(id).way();
        let conditions = self.setup.conditions(way);
        let pipe = &mut self.stream(id).pipe;
        let Some(first) = pipe.sent.front() else {
            return;
        };
        let (timeout, tries) = first.segment.patience();
        let timeout = timeout.saturating_mul(1 << pipe.lost.min(20));
        let departs = first.departs.saturating_add(timeout.min(TIMEOUT_MAX));
        pipe.lost += 1;
        if pipe.lost >= tries {
            // It is not sent any more, but it is at this moment that it would be.
            pipe.sent.clear();
            self.timetable.set(departs, Event::GaveUp(id));
            return;
        }
        let arrives = self.arrival(&conditions, departs);
        if let Some(first) = self.stream(id).pipe.sent.front_mut() {
            (first.departs, first.arrives) = (departs, arrives);
        }
        self.timetable.set(arrives, Event::Arrival(id));
    }

    /// Lets the first segment of a pipe arrive that was held.
    pub(super) fn go_on_if_held(&mut self, id: Id) {
        let pipe = &mut self.stream(id).pipe;
        if std::mem::take(&mut pipe.is_held) {
            let now = self.timetable.now();
            self.timetable.set(now, Event::Arrival(id));
        }
    }
}
