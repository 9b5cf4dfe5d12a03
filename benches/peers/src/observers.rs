//! What it costs to look on: tasks that yield under an observer, in CPU time, beside the same ones without.
//! The observers take turns in each round, and the least of the rounds counts.
//!
//! What each event costs is the difference, over the events that there were: with an observer that does
//! nothing that is the reading of the clock, the noting and the telling; the others do something with it.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use bibelot::time::Instant;
use bibelot::trace::{Event, Metrics, Recorder};
use bibelot::{Executor, ExecutorBuilder};

use crate::cells::Yield;
use crate::machine;

/// How many tasks yield.
const TASKS: u64 = 1_000;
/// How often each.
const YIELDS: u64 = 500;
/// How many events a `Recorder` keeps: fewer than there are.
const KEPT: usize = 100_000;
/// How many rounds, unless the command line says.
const ROUNDS: usize = 7;

/// An observer's name, and how an executor is told of it.
type Named = (&'static str, fn(ExecutorBuilder) -> ExecutorBuilder);

const OBSERVERS: &[Named] = &[
    ("none", |builder| builder),
    ("a closure that does nothing", |builder| {
        builder.observer(|_: Instant, _: &Event| ())
    }),
    ("`Recorder`", |builder| {
        builder.observer(Recorder::new(KEPT))
    }),
    ("`Metrics`", |builder| builder.observer(Metrics::new())),
];

/// Nanoseconds of CPU time of one yield.
fn measure(builder: ExecutorBuilder) -> io::Result<f64> {
    let executor = builder.build()?;
    executor.run(async {
        let since = machine::cpu();
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                bibelot::spawn(async {
                    for _ in 0..YIELDS {
                        Yield::default().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("it only yields");
        }
        Ok((machine::cpu() - since) as f64 / (TASKS * YIELDS) as f64)
    })
}

/// How many events there are to one yield.
fn events() -> io::Result<f64> {
    let told = Rc::new(Cell::new(0_u64));
    let count = Rc::clone(&told);
    measure(Executor::builder().observer(move |_: Instant, _: &Event| count.set(count.get() + 1)))?;
    Ok(told.get() as f64 / (TASKS * YIELDS) as f64)
}

/// Measures all observers and prints the table.
pub fn print(rounds: Option<usize>) -> io::Result<()> {
    machine::pin(0);
    let mut least = [f64::INFINITY; OBSERVERS.len()];
    for _ in 0..rounds.unwrap_or(ROUNDS) {
        for (least, (_, with)) in least.iter_mut().zip(OBSERVERS) {
            *least = least.min(measure(with(Executor::builder()))?);
        }
    }
    let events = events()?;
    println!("| observer | ns a yield, of {events:.2} events | ns an event |");
    println!("| --- | --: | --: |");
    for (nanos, (name, _)) in least.iter().zip(OBSERVERS) {
        let event = (nanos - least[0]) / events;
        println!("| {name} | {nanos:.1} | {event:.1} |");
    }
    Ok(())
}
