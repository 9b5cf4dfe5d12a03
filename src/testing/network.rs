//! [`Network`]: a network in memory, with the types of [`net`](crate::net).
//!
//! ```text
//!   client's TcpStream                                            server's TcpStream
//!      write ─► room? ─► pipe: ▐ departs … arrives ▌ ─► received ─► read
//!                                 │ latency, bandwidth, chance
//!                                 └ the link: open, cut or held
//! ```
//!
//! Under a [`Sim`](crate::testing::Sim) that is given a network, unchanged server and client code makes
//! its sockets here: `TcpListener::bind`, `TcpStream::connect`, `UdpSocket::bind` and the look-up of
//! names. What is sent takes its time on the virtual clock, what may fail can be had to fail, and all
//! chance comes from the simulation's seed.
//!
//! Laws:
//!
//! 1. Nothing arrives within the call that sends it. It has a moment, at which the executor's timers
//!    call `deliver`: so there is no task for the network, the clock jumps as for a sleep, and a
//!    deadlock is one.
//! 2. What happens at one moment happens in the order in which it was sent.
//! 3. Who waits is told when nothing is borrowed (law 6 of `executor.rs`).
//! 4. The kernel's semantics, as far as a program sees them: what a read, a write or a connect answers,
//!    and after how long. Packets, sequence numbers and congestion are not there: a stream is a pipe in
//!    order, which stands still while its head is lost and sent again.
//!
//! Read next: `reactor/simulated.rs` (how `net` comes here), `network/world.rs` (what there is, and the
//! events), `network/stream.rs` and `network/pipe.rs` (a connection), `network/conditions.rs` (a link).

mod conditions;
mod handle;
mod host;
mod link;
mod seam;

mod datagrams;
mod ending;
mod listener;
mod pipe;
mod ports;
mod stream;
mod timetable;
mod world;

use std::cell::RefCell;
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

pub use host::{Host, OnHost};
pub use link::Link;

use crate::executor::context;
use crate::testing::network::conditions::{Passage, Setup, checked};
use crate::testing::network::world::World;

/// A network in memory, with the types of [`net`](crate::net): what [`Sim::network`] runs a program in. A
/// handle; its clones are the same network.
///
/// Code in the simulation makes its sockets in here, unchanged, and the names that it looks up are those of
/// the network's [hosts](Network::host). Without any further setup all of it runs on one host, `localhost`.
/// (Unix sockets, files and processes are real, as ever; and so is a socket that
/// [`from_std`](crate::net::TcpStream::from_std) takes in.)
///
/// At first a network is perfect: nothing takes time, nothing is lost. Then it can have
/// [latency](Self::latency), [jitter](Self::jitter), a [bandwidth](Self::bandwidth), and lose, repeat or
/// reset; all links together, or each for itself ([`link`](Self::link)). Faults come and go while the program
/// runs: [`partition`](Self::partition), [`hold`](Self::hold), [`reset`](Self::reset),
/// [`Host::crash`]. Time is that of the virtual clock, exact to the nanosecond, and chance comes from
/// [`Sim::seed`](crate::testing::Sim::seed): the same seed, the same run.
///
/// What was set before a simulation is there again when the next one begins; what was set during one ends
/// with it.
///
/// # As the kernel does
///
/// A connect takes a round trip; to a port where nobody listens it is refused, to an address that no host has
/// it fails at once, and where nothing comes back it is tried again after 1, 3, 7, … seconds and times out
/// after 127. What a stream loses is sent again
/// after 200 ms, 400 ms, …, and the connection fails after some 15 minutes. A writer waits while 64 KiB have
/// not been read. A stream that is dropped lets its peer read to the end, unless it was dropped with unread
/// data: that is a reset. A listener that is dropped resets who was not accepted. (turmoil and madsim are
/// such networks for tokio.)
///
/// # Examples
///
/// ```
/// use bibelot::net::{TcpListener, TcpStream};
/// use bibelot::testing::{Network, Sim};
/// use bibelot::time::{Duration, Instant};
///
/// let network = Network::new().latency(Duration::from_millis(10));
/// let server = network.host("server");
/// Sim::new().seed(7).network(&network).run(async {
///     server.spawn(async {
///         let listener = TcpListener::bind("0.0.0.0:80").await?;
///         let (client, _from) = listener.accept().await?;
///         client.write_all(b"hello").await
///     });
///     let client = network.host("client").scope(async {
///         let start = Instant::now();
///         let server = TcpStream::connect("server:80").await?;
///         assert_eq!(start.elapsed(), Duration::from_millis(20)); // there and back
///         let mut greeting = String::new();
///         server.read_to_string(&mut greeting).await?;
///         assert_eq!(greeting, "hello");
///         std::io::Result::Ok(())
///     });
///     client.await.unwrap();
/// });
/// ```
///
/// [`Sim::network`]: crate::testing::Sim::network
#[derive(Clone)]
pub struct Network {
    /// All of it.
    world: Rc<RefCell<World>>,
}

impl Network {
    /// A network that is perfect, with one host: `localhost`.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a default network would be another one each time"
    )]
    pub fn new() -> Self {
        let world = Rc::new(RefCell::new(World::new()));
        Self { world }
    }

    /// Sets how long everything takes on its way, on all links.
    #[must_use]
    pub fn latency(self, latency: Duration) -> Self {
        self.set(|setup| setup.usual.latency = latency)
    }

    /// Sets up to how much longer than the latency it takes: each time anew, by chance, all durations up to
    /// this one being equally likely. Datagrams overtake each other by it; a stream stays in order.
    #[must_use]
    pub fn jitter(self, jitter: Duration) -> Self {
        self.set(|setup| setup.usual.jitter = jitter)
    }

    /// Sets how many bytes a second each direction of a link carries; without a call there is no limit. Only
    /// the program's bytes are counted. What a stream writes travels in pieces of at most 1460 bytes.
    ///
    /// # Panics
    ///
    /// Panics if it is zero: nothing would ever arrive. [`partition`](Self::partition) does that.
    #[must_use]
    #[track_caller]
    pub fn bandwidth(self, bytes_per_second: u64) -> Self {
        assert!(bytes_per_second > 0, "nothing would ever arrive");
        self.set(|setup| setup.usual.bandwidth = Some(bytes_per_second))
    }

    /// Sets how likely it is that something is lost on its way. A datagram is gone then; a stream sends it
    /// again, which takes time.
    ///
    /// # Panics
    ///
    /// Panics unless it is a number between 0 and 1.
    #[must_use]
    #[track_caller]
    pub fn loss(self, probability: f64) -> Self {
        let probability = checked(probability);
        self.set(|setup| setup.usual.loss = probability)
    }

    /// Sets how likely it is that a datagram arrives twice.
    ///
    /// # Panics
    ///
    /// Panics unless it is a number between 0 and 1.
    #[must_use]
    #[track_caller]
    pub fn duplication(self, probability: f64) -> Self {
        let probability = checked(probability);
        self.set(|setup| setup.usual.duplication = probability)
    }

    /// Sets how likely it is that a piece of a stream's data brings a reset of its connection instead, for
    /// both ends.
    ///
    /// # Panics
    ///
    /// Panics unless it is a number between 0 and 1.
    #[must_use]
    #[track_caller]
    pub fn resets(self, probability: f64) -> Self {
        let probability = checked(probability);
        self.set(|setup| setup.usual.resets = probability)
    }

    /// The host of this name, which is made if there is none. It has an address, 10.0.0.1 or one of those that
    /// follow, by which and by the name the others reach it, and is itself `localhost`, 127.0.0.1 and ::1.
    ///
    /// Code runs on it in [`Host::scope`] and [`Host::spawn`]; all other code runs on the host `localhost`.
    #[must_use]
    pub fn host(&self, name: impl Into<String>) -> Host {
        let id = self.world.borrow_mut().hosts.named(name.into());
        Host::new(self.clone(), id)
    }

    /// Gives a name addresses, in this order: of one host or of several, say to see what a client does if the
    /// first does not answer. A name that is a host's is no longer looked up there.
    pub fn name(&self, name: impl Into<String>, addresses: &[IpAddr]) {
        let name = name.into();
        self.edit(|setup| {
            setup.names.insert(name.clone(), addresses.to_vec());
        });
    }

    /// The link between two hosts, in both directions. A host has one to itself, too.
    ///
    /// # Panics
    ///
    /// Panics if there is no host of one of the names.
    #[must_use]
    #[track_caller]
    pub fn link(&self, one: &str, other: &str) -> Link {
        let (one, other) = self.host_ids(one, other);
        Link::new(self.clone(), vec![(one, other), (other, one)])
    }

    /// The direction of a link from one host to another.
    ///
    /// # Panics
    ///
    /// Panics if there is no host of one of the names.
    #[must_use]
    #[track_caller]
    pub fn one_way(&self, from: &str, to: &str) -> Link {
        let (from, to) = self.host_ids(from, to);
        Link::new(self.clone(), vec![(from, to)])
    }

    /// Cuts the link between two hosts: [`Link::partition`].
    ///
    /// # Panics
    ///
    /// Panics if there is no host of one of the names.
    #[track_caller]
    pub fn partition(&self, one: &str, other: &str) {
        self.link(one, other).partition();
    }

    /// Cuts one direction of a link: what `from` sends does not arrive, and it is not told. So their
    /// connections are half-open: the one end waits for what the other believes to have sent.
    ///
    /// # Panics
    ///
    /// Panics if there is no host of one of the names.
    #[track_caller]
    pub fn half_open(&self, from: &str, to: &str) {
        self.one_way(from, to).partition();
    }

    /// Ends what [`partition`](Self::partition), [`half_open`](Self::half_open) and [`hold`](Self::hold) did:
    /// [`Link::heal`].
    ///
    /// # Panics
    ///
    /// Panics if there is no host of one of the names.
    #[track_caller]
    pub fn heal(&self, one: &str, other: &str) {
        self.link(one, other).heal();
    }

    /// Holds what two hosts send each other: [`Link::hold`].
    ///
    /// # Panics
    ///
    /// Panics if there is no host of one of the names.
    #[track_caller]
    pub fn hold(&self, one: &str, other: &str) {
        self.link(one, other).hold();
    }

    /// Lets go what was held; the same as [`heal`](Self::heal).
    ///
    /// # Panics
    ///
    /// Panics if there is no host of one of the names.
    #[track_caller]
    pub fn release(&self, one: &str, other: &str) {
        self.heal(one, other);
    }

    /// Resets all connections between two hosts: [`Link::reset`].
    ///
    /// # Panics
    ///
    /// Panics if there is no host of one of the names.
    #[track_caller]
    pub fn reset(&self, one: &str, other: &str) {
        self.link(one, other).reset();
    }

    /// The numbers of two hosts.
    #[track_caller]
    fn host_ids(&self, one: &str, other: &str) -> (usize, usize) {
        let find = |name: &str| self.world.borrow().hosts.find(name);
        match (find(one), find(other)) {
            (Some(one), Some(other)) => (one, other),
            (None, _) => panic!("there is no host {one:?}; Network::host makes one"),
            (_, None) => panic!("there is no host {other:?}; Network::host makes one"),
        }
    }

    /// Sets something of all links.
    fn set(self, f: impl Fn(&mut Setup)) -> Self {
        self.edit(f);
        self
    }

    /// Changes what is set: for this simulation if there is one, else for all that follow.
    fn edit(&self, f: impl Fn(&mut Setup)) {
        self.with(|world| {
            // What runs on this thread tells, and not whether an executor is left: a future may keep it.
            let is_running = context::try_with(|core| {
                let network = core.network();
                let is_running = network.is_some_and(|network| network.key() == self.key());
                if is_running {
                    world.begin_unless_begun(core);
                }
                is_running
            });
            world.edit(is_running == Some(true), f);
        });
    }

    /// Cuts, holds or opens directions of links.
    fn set_passage(&self, ways: &[(usize, usize)], passage: Passage) {
        self.edit(|setup| {
            for way in ways {
                setup.ways.entry(*way).or_default().passage = passage;
            }
        });
        if passage == Passage::Open {
            self.with(|world| world.let_go(ways));
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.world.try_borrow() {
            Ok(world) => world.fmt(f),
            Err(_) => f.write_str("Network"),
        }
    }
}
