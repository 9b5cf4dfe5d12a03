//! What textbooks say of scheduling, to the millisecond: the usual examples with their known results, under
//! the policies of `sched`, in virtual time.
//!
//! A process is a task here, its burst is [`consume`], and the quantum of preemptive schedules is the slice
//! after which it gives way: nobody is interrupted, but when every arrival falls on the end of a slice,
//! that makes no difference.

#[path = "../support/mod.rs"]
mod support;

mod bursts;
mod periodic;
mod shares;

#[cfg(feature = "sync")]
mod laboratory;
#[cfg(feature = "sync")]
mod locks;

// The laboratory's own, by the names that they have there.
#[cfg(feature = "sync")]
#[allow(dead_code, reason = "a test writes no report")]
#[path = "../../examples/lab/args.rs"]
mod args;
#[cfg(feature = "sync")]
#[allow(dead_code, reason = "a test runs nothing for real")]
#[path = "../../examples/lab/experiment.rs"]
mod experiment;
#[cfg(feature = "sync")]
#[allow(dead_code, reason = "a test draws no columns")]
#[path = "../../examples/lab/figures.rs"]
mod figures;
#[cfg(feature = "sync")]
#[path = "../../examples/lab/lab.rs"]
mod lab;
#[cfg(feature = "sync")]
#[path = "../../examples/lab/policies.rs"]
mod policies;
#[cfg(feature = "sync")]
#[allow(dead_code, reason = "a test draws no columns")]
#[path = "../../examples/lab/workloads.rs"]
mod workloads;
#[cfg(feature = "sync")]
#[path = "../../examples/lab/yours.rs"]
mod yours;

use std::cell::RefCell;
use std::rc::Rc;

use bibelot::Executor;
use bibelot::sched::Policy;
use bibelot::task::{Builder, consume, yield_now};
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, sleep_until};

/// So many milliseconds.
fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A simulation under a policy.
fn sim(policy: impl Policy + 'static) -> Sim {
    Sim::from_builder(Executor::builder().policy(policy))
}

/// A process: all times are in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Process {
    /// When it is there to be run.
    arrives: u64,
    /// For how long it runs.
    burst: u64,
    /// Higher ones are first.
    priority: i32,
    /// By when it is to have run, counted from its arrival.
    deadline: Option<u64>,
}

/// What became of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Done {
    /// When it was there.
    arrived: u64,
    /// When it ran.
    ran: Vec<(u64, u64)>,
    /// When it had run last.
    ended: u64,
}

impl Done {
    /// It ran.
    fn add(&mut self, from: u64, to: u64) {
        match self.ran.last_mut().filter(|last| last.1 == from) {
            Some(last) => last.1 = to,
            None => self.ran.push((from, to)),
        }
        self.ended = to;
    }

    /// How long it was there and did not run.
    fn waited(&self) -> u64 {
        let ran = self.ran.iter().map(|(from, to)| to - from);
        self.ended - self.arrived - ran.sum::<u64>()
    }
}

/// Runs processes that give way after `quantum`. Their weight is their burst, for policies that want to
/// know it.
fn schedule(policy: impl Policy + 'static, quantum: u64, processes: &[Process]) -> Vec<Done> {
    let done = { processes.iter() }
        .map(|process| Done {
            arrived: process.arrives,
            ran: Vec::new(),
            ended: 0,
        })
        .collect();
    let done: Rc<RefCell<Vec<Done>>> = Rc::new(RefCell::new(done));
    sim(policy).run(async {
        let start = Instant::now();
        let now = move || start.elapsed().as_millis() as u64;
        for (nth, &process) in processes.iter().enumerate() {
            let mut task = Builder::new()
                .priority(process.priority)
                .weight(process.burst as u32);
            let arrives = start + ms(process.arrives);
            if let Some(deadline) = process.deadline {
                task = task.deadline(arrives + ms(deadline));
            }
            let done = Rc::clone(&done);
            drop(task.spawn(async move {
                if process.arrives > 0 {
                    sleep_until(arrives).await;
                }
                let mut left = process.burst;
                while left > 0 {
                    if left < process.burst {
                        yield_now().await;
                    }
                    let slice = left.min(quantum);
                    let from = now();
                    consume(ms(slice));
                    left -= slice;
                    done.borrow_mut()[nth].add(from, now());
                }
            }));
        }
    });
    Rc::into_inner(done).expect("all have ended").into_inner()
}

/// Processes that are all there at the start, with these bursts.
fn bursts<const N: usize>(bursts: [u64; N]) -> [Process; N] {
    bursts.map(|burst| Process {
        burst,
        ..Process::default()
    })
}

/// How long each has waited.
fn waits(done: &[Done]) -> Vec<u64> {
    done.iter().map(Done::waited).collect()
}
