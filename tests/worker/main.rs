//! What is promised of real threads beside the tasks of an executor: who waits, who goes on, what comes
//! back, and that nothing is lost on the way.
//!
//! Threads and tasks wait for each other by channels, never by time.

#![cfg(feature = "worker")]

#[path = "../support/mod.rs"]
mod support;

mod call;
mod jobs;
mod joins;
mod limiter;
mod portal;
mod threads;
mod universal;

use std::sync::mpsc::{Receiver, Sender, channel};

use bibelot::spawn;
use bibelot::task::yield_now;
use bibelot::time::Duration;

/// So many milliseconds.
const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A gate that a thread waits at until somebody opens it.
fn gate() -> (Opener, Gate) {
    let (open, opened) = channel();
    let (arrived, has_arrived) = channel();
    (Opener { open, has_arrived }, Gate { opened, arrived })
}

/// The side of a [`gate`] where it is opened; that is done as well when this is dropped.
struct Opener {
    open: Sender<()>,
    has_arrived: Receiver<()>,
}

impl Opener {
    /// Blocks until somebody waits at the gate.
    fn wait(&self) {
        self.has_arrived.recv().expect("somebody comes to the gate");
    }

    /// Lets the thread pass, if there is one.
    fn open(&self) {
        let _ = self.open.send(());
    }
}

/// The side of a [`gate`] where a thread waits.
struct Gate {
    opened: Receiver<()>,
    arrived: Sender<()>,
}

impl Gate {
    /// Blocks the thread until the gate is open.
    fn pass(&self) {
        let _ = self.arrived.send(());
        let _ = self.opened.recv();
    }
}

/// Begins a job, and drops it when its thread has come to the gate.
async fn abandon<T: 'static>(job: impl Future<Output = T> + 'static, door: &Opener) {
    let task = spawn(job);
    yield_now().await;
    door.wait();
    task.cancel();
    let error = task.await.map(drop).unwrap_err();
    assert!(error.is_cancelled());
}

/// Lets others go on until it is so.
async fn run_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        yield_now().await;
    }
}
