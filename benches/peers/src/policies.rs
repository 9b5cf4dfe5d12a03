//! What a policy costs at each switch: tasks that yield, under each policy of bibelot, in instructions
//! counted by callgrind at two sizes, whose difference counts. Every task has a priority, a deadline
//! and a weight, scattered, so that the policies have something to sort.
//!
//! An executor that is given `Fifo` has no policy, as its own queue does that: so `fifo` beside `none` only
//! shows that it was recognised. What the seam costs who has none cannot be seen in one build: with the
//! policies taken out of the crate by hand a yield took as many instructions (196), and 2 % fewer (192) with
//! the observers taken out as well.

use std::io;
use std::time::Duration;

use bibelot::sched::{EarliestDeadline, FairShare, Fifo, Lifo, Priority, ShortestJob, Shuffle};
use bibelot::task::Builder;
use bibelot::time::Instant;
use bibelot::{Executor, ExecutorBuilder};

use crate::cells::Yield;
use crate::instructions::collected;

/// How many tasks yield.
const TASKS: [u64; 3] = [1, 1_000, 1_000_000];
/// How much more than an executor without a policy `Fifo` may cost.
const FIFO: f64 = 1.02;
/// How many times the cost of `Fifo` another policy may have, at a thousand tasks.
const OTHERS: f64 = 2.0;
/// How many times more a million tasks may cost than a thousand: twice as many steps of a logarithm.
const GROWS: f64 = 2.0;

/// A policy's name, and how an executor is told of it.
type Named = (&'static str, fn(ExecutorBuilder) -> ExecutorBuilder);

const POLICIES: &[Named] = &[
    ("none", |builder| builder),
    // The executor's own queue does it.
    ("fifo", |builder| builder.policy(Fifo::default())),
    // Boxed it is not recognised, hence a policy like any other: what it costs to ask one.
    ("fifo-asked", |builder| {
        builder.policy(Box::new(Fifo::default()))
    }),
    ("lifo", |builder| builder.policy(Lifo::default())),
    ("shuffle", |builder| builder.policy(Shuffle::new(7))),
    ("priority", |builder| builder.policy(Priority::new())),
    ("deadline", |builder| {
        builder.policy(EarliestDeadline::default())
    }),
    ("shortest-job", |builder| {
        builder.policy(ShortestJob::default())
    }),
    ("fair-share", |builder| builder.policy(FairShare::new())),
];

/// Runs one cell in this process: so many yields by so many tasks.
pub fn cell(name: &str, ops: Option<u64>, tasks: Option<u64>) -> io::Result<()> {
    let policy = POLICIES.iter().find(|(known, _)| *known == name);
    let (_, with) = policy.ok_or_else(|| io::Error::other("no such policy"))?;
    let tasks = tasks.unwrap_or(1_000);
    let each = ops.unwrap_or(100_000) / tasks;
    with(Executor::builder()).build()?.run(async {
        let start = Instant::now();
        let mut handles = Vec::with_capacity(tasks as usize);
        for nth in 0..tasks {
            let scattered = nth.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            let task = Builder::new()
                .priority((scattered % 8) as i32)
                .deadline(start + Duration::from_micros(scattered % 1_000_000))
                .weight((1 + scattered % 4) as u32);
            handles.push(task.spawn(async move {
                for _ in 0..each {
                    Yield::default().await;
                }
            }));
        }
        for handle in handles {
            handle.await.expect("it only yields");
        }
    });
    Ok(())
}

/// Instructions for a yield under this policy.
fn count(name: &str, tasks: u64) -> Result<f64, String> {
    let small = 10_000_u64.next_multiple_of(tasks);
    let large = small * 2;
    let (of, tasks) = (small as f64, tasks.to_string());
    let instructions = |ops: u64| {
        let ops = ops.to_string();
        let mode = ["--child", "policies", name];
        collected(&[&mode[..], &["--ops", &ops, "--tasks", &tasks]].concat())
    };
    Ok((instructions(large)? - instructions(small)?) / of)
}

/// Counts all policies, or those that are named, and prints the table.
pub fn print(only: Option<&str>) -> Result<(), String> {
    let is_wanted = |name: &str| only.is_none_or(|only| only.split(',').any(|other| other == name));
    println!("| policy | 1 task | 1000 | 1 000 000 | × fifo | growth | goal | met |");
    println!("| --- |{}", " --: |".repeat(7));
    let (none, fifo) = (count("none", 1_000)?, count("fifo", 1_000)?);
    for (name, _) in POLICIES.iter().filter(|(name, _)| is_wanted(name)) {
        let mut counts = [0.0; TASKS.len()];
        for (count_of, tasks) in counts.iter_mut().zip(TASKS) {
            *count_of = count(name, tasks)?;
            eprintln!("{name} {tasks} tasks: counted");
        }
        let [one, thousand, million] = counts;
        let (by_fifo, growth) = (thousand / fifo, million / thousand);
        let (goal, is_met) = match *name {
            "none" => (String::from("–"), true),
            "fifo" => (format!("{FIFO} × none"), thousand <= FIFO * none),
            _ => (format!("{OTHERS} × fifo"), by_fifo <= OTHERS),
        };
        let met = if is_met && growth <= GROWS {
            "yes"
        } else {
            "**no**"
        };
        println!(
            "| {name} | {one:.0} | {thousand:.0} | {million:.0} | {by_fifo:.2} | {growth:.2} | {goal} | {met} |"
        );
    }
    Ok(())
}
