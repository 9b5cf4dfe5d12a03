//! The policies that are compared, by name.

use bibelot::sched::{
    EarliestDeadline, FairShare, Fifo, Lifo, Policy, Priority, ShortestJob, Shuffle,
};

/// A policy, and what it is called.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Who comes first.
    pub(crate) about: &'static str,
    /// Makes one; what is random in it comes from the seed.
    pub(crate) make: fn(u64) -> Box<dyn Policy>,
}

/// Those of `bibelot::sched`.
pub(crate) const POLICIES: &[Named] = &[
    Named {
        name: "fifo",
        about: "first come, first served",
        make: |_| Box::new(Fifo::default()),
    },
    Named {
        name: "lifo",
        about: "last come, first served",
        make: |_| Box::new(Lifo::default()),
    },
    Named {
        name: "priority",
        about: "the highest priority first, and waiting counts",
        make: |_| Box::new(Priority::new()),
    },
    Named {
        name: "strict",
        about: "the highest priority first, whoever waits",
        make: |_| Box::new(Priority::aging(u64::MAX)),
    },
    Named {
        name: "deadline",
        about: "the earliest deadline first",
        make: |_| Box::new(EarliestDeadline::default()),
    },
    Named {
        name: "fair-share",
        about: "who has had the least of its share comes first",
        make: |_| Box::new(FairShare::new()),
    },
    Named {
        name: "shortest-job",
        about: "whose polls were shortest so far comes first",
        make: |_| Box::new(ShortestJob::default()),
    },
    Named {
        name: "shuffle",
        about: "anybody",
        make: |seed| Box::new(Shuffle::new(seed)),
    },
];
