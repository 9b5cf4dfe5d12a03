//! [`Link`]: what lies between two hosts.

use std::fmt;
use std::time::Duration;

use crate::testing::Network;
use crate::testing::network::conditions::{Conditions, Passage, Way, checked};

/// What lies between two hosts, in both directions or in one; made by [`Network::link`] and
/// [`Network::one_way`].
///
/// What is set here holds for what is sent from then on, and no longer than the simulation that runs, if one
/// does.
///
/// # Examples
///
/// ```
/// use bibelot::testing::Network;
/// use std::time::Duration;
///
/// let network = Network::new().latency(Duration::from_millis(1));
/// let (_here, _moon) = (network.host("here"), network.host("moon"));
/// let link = network.link("here", "moon");
/// link.set_latency(Duration::from_millis(1282));
/// link.set_loss(0.001);
/// network.one_way("moon", "here").set_bandwidth(622_000_000 / 8);
/// ```
#[derive(Clone)]
pub struct Link {
    /// Of what network.
    network: Network,
    /// Which directions.
    ways: Vec<Way>,
}

impl Link {
    /// These directions of a network's.
    pub(super) fn new(network: Network, ways: Vec<Way>) -> Self {
        Self { network, ways }
    }

    /// Sets how long everything takes on its way; see [`Network::latency`].
    pub fn set_latency(&self, latency: Duration) {
        self.change(|own| own.latency = latency);
    }

    /// Sets up to how much longer it takes; see [`Network::jitter`].
    pub fn set_jitter(&self, jitter: Duration) {
        self.change(|own| own.jitter = jitter);
    }

    /// Sets how many bytes a second each direction carries; see [`Network::bandwidth`].
    ///
    /// # Panics
    ///
    /// Panics if it is zero: nothing would ever arrive.
    #[track_caller]
    pub fn set_bandwidth(&self, bytes_per_second: u64) {
        assert!(bytes_per_second > 0, "nothing would ever arrive");
        self.change(|own| own.bandwidth = Some(bytes_per_second));
    }

    /// Sets how likely it is that something is lost; see [`Network::loss`].
    ///
    /// # Panics
    ///
    /// Panics unless it is a number between 0 and 1.
    #[track_caller]
    pub fn set_loss(&self, probability: f64) {
        let probability = checked(probability);
        self.change(|own| own.loss = probability);
    }

    /// Sets how likely it is that a datagram arrives twice.
    ///
    /// # Panics
    ///
    /// Panics unless it is a number between 0 and 1.
    #[track_caller]
    pub fn set_duplication(&self, probability: f64) {
        let probability = checked(probability);
        self.change(|own| own.duplication = probability);
    }

    /// Sets how likely it is that data bring a reset of their connection; see [`Network::resets`].
    ///
    /// # Panics
    ///
    /// Panics unless it is a number between 0 and 1.
    #[track_caller]
    pub fn set_resets(&self, probability: f64) {
        let probability = checked(probability);
        self.change(|own| own.resets = probability);
    }

    /// Cuts the link: what is under way and what is sent from now on is lost, and nobody is told.
    ///
    /// Datagrams are gone. Streams send again, ever more seldom, so they go on some time after the link is
    /// [healed](Self::heal), or fail with `TimedOut` after some 15 minutes. A connect fails after 127 s.
    pub fn partition(&self) {
        self.network.set_passage(&self.ways, Passage::Cut);
    }

    /// Holds what is under way and what is sent from now on: nothing arrives and nothing is lost.
    pub fn hold(&self) {
        self.network.set_passage(&self.ways, Passage::Held);
    }

    /// Lets everything pass again. What was held arrives at once, in the order in which it would have; what
    /// was lost is sent again when its time has come.
    pub fn heal(&self) {
        self.network.set_passage(&self.ways, Passage::Open);
    }

    /// Resets all connections between the hosts, at once and at both ends: their operations fail with
    /// `ConnectionReset`, and what was under way is lost. What had arrived can still be read.
    pub fn reset(&self) {
        self.network.with(|world| world.reset_all(&self.ways));
    }

    /// Changes what the directions do.
    fn change(&self, f: impl Fn(&mut Conditions)) {
        self.network.edit(|setup| {
            for way in &self.ways {
                setup.change(*way, &f);
            }
        });
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let world = self.network.world.borrow();
        let name = |host| world.hosts.name(host);
        let ways = self.ways.iter().map(|way| (name(way.0), name(way.1)));
        f.debug_tuple("Link")
            .field(&ways.collect::<Vec<_>>())
            .finish()
    }
}
