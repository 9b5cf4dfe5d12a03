//! What a simulation promises: its two clocks, `advance` and `settle`, the sequencer, the numbers from the
//! seed, the report of a deadlock; what trio checks of its mock clock and its testing tools; and what users
//! of other runtimes complain of, as tests that show that it is not so here.

#[path = "../support/mod.rs"]
mod support;

mod advance;
mod cancel;
mod clock;
mod complaints;
mod outside;
mod random;
mod repeat;
mod sequencer;
mod settle;
#[cfg(feature = "sync")]
mod tree;

use std::cell::Cell;
use std::rc::Rc;

use bibelot::task::JoinHandle;
use bibelot::time::{Duration, Instant, sleep};

use support::Trace;

const SECOND: Duration = Duration::from_secs(1);

/// Seconds.
fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Milliseconds.
fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A task that sleeps, and then says when it is, and this.
fn says_after(trace: &Trace, start: Instant, nap: Duration, line: &'static str) -> JoinHandle<()> {
    let said = trace.clone();
    bibelot::spawn(async move {
        sleep(nap).await;
        said.say(format!("{:?} {line}", start.elapsed()));
    })
}

/// A flag that several have.
#[derive(Clone, Default)]
struct Flag(Rc<Cell<bool>>);

impl Flag {
    fn set(&self) {
        self.0.set(true);
    }

    fn is_set(&self) -> bool {
        self.0.get()
    }
}
