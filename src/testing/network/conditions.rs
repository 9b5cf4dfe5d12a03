//! How links are: what they do to what is sent over them, and whether they let it pass.
//!
//! Each of the two directions between two hosts is a *way* of its own. What is set for all links holds
//! for a way until something is set for that one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// A direction between two hosts: from, to.
pub(super) type Way = (usize, usize);

/// What a way does to what is sent over it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Conditions {
    /// How long it takes.
    pub(super) latency: Duration,
    /// Up to how much longer.
    pub(super) jitter: Duration,
    /// How many bytes a second it carries.
    pub(super) bandwidth: Option<u64>,
    /// How likely a loss is.
    pub(super) loss: f64,
    /// How likely it is that a datagram arrives twice.
    pub(super) duplication: f64,
    /// How likely it is that a connection is reset.
    pub(super) resets: f64,
}

impl Conditions {
    /// How long so many bytes keep the way busy.
    pub(super) fn time_of(&self, bytes: usize) -> Duration {
        let Some(bandwidth) = self.bandwidth else {
            return Duration::ZERO;
        };
        let nanos = (bytes as u128 * 1_000_000_000).div_ceil(u128::from(bandwidth));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Whether a way lets pass what is sent over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Passage {
    /// It does.
    #[default]
    Open,
    /// What is sent is lost.
    Cut,
    /// What is sent waits.
    Held,
}

/// What was set for one way.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// If it is not as all the others.
    pub(super) own: Option<Conditions>,
    /// Whether it lets pass.
    pub(super) passage: Passage,
}

/// What was set: what holds when a simulation begins, and then changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Setup {
    /// What holds for all ways of which nothing else is said.
    pub(super) usual: Conditions,
    /// The ways of which something was said.
    pub(super) ways: BTreeMap<Way, Terms>,
    /// Names that are no hosts'.
    pub(super) names: BTreeMap<String, Vec<IpAddr>>,
}

impl Setup {
    /// What a way does.
    pub(super) fn conditions(&self, way: Way) -> Conditions {
        let own = self.ways.get(&way).and_then(|terms| terms.own);
        own.unwrap_or(self.usual)
    }

    /// Changes what a way does.
    pub(super) fn change(&mut self, way: Way, f: impl FnOnce(&mut Conditions)) {
        let mut own = self.conditions(way);
        f(&mut own);
        self.ways.entry(way).or_default().own = Some(own);
    }

    /// Whether a way lets pass.
    pub(super) fn passage(&self, way: Way) -> Passage {
        let terms = self.ways.get(&way);
        terms.map_or(Passage::Open, |terms| terms.passage)
    }
}

/// A probability.
///
/// # Panics
///
/// Panics if it is none.
#[track_caller]
pub(super) fn checked(probability: f64) -> f64 {
    assert!(
        (0.0..=1.0).contains(&probability),
        "{probability} is no probability: those are between 0 and 1"
    );
    probability
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time_to_the_nanosecond() {
        let of = |bandwidth| Conditions {
            bandwidth,
            ..Conditions::default()
        };
        assert_eq!(of(None).time_of(usize::MAX), Duration::ZERO);
        assert_eq!(of(Some(1000)).time_of(4000), Duration::from_secs(4));
        assert_eq!(of(Some(3)).time_of(1), Duration::from_nanos(333_333_334));
        assert_eq!(of(Some(u64::MAX)).time_of(1), Duration::from_nanos(1));
        assert_eq!(of(Some(1)).time_of(0), Duration::ZERO);
    }

    #[test]
    fn a_way_is_as_all_are_until_something_is_said_of_it() {
        let mut setup = Setup::default();
        setup.usual.latency = Duration::from_millis(1);
        setup.change((0, 1), |own| own.loss = 0.5);
        setup.usual.latency = Duration::from_millis(2);
        assert_eq!(setup.conditions((0, 1)).latency, Duration::from_millis(1));
        assert_eq!(setup.conditions((1, 0)).latency, Duration::from_millis(2));
        assert!(setup.conditions((1, 0)).loss == 0.0);
    }
}
