//! What tasks share, beside what other libraries have for it.
//!
//! Each library is in the single-threaded runtime that it is made for, or, if for none, in the best of
//! them: tokio's in a `LocalRuntime`, async-lock, async-channel and `blocking` in smol's
//! `LocalExecutor`, futures' in a `LocalPool`, flume in tokio's, local-sync (which never leaves its
//! thread, as bibelot's) in monoio, glommio's in its own, std's in bare threads. What threads may share
//! is dearer by its atomics and locks, so these and those that stay on one thread have a goal each.
//! *theirs in bibelot* is the best of all in bibelot's executor: how much of the difference is that.
//!
//! Each cell is a process of its own. Its nanoseconds are the least of interleaved rounds, or their
//! median where threads meet; its instructions, of all threads, are counted by callgrind at two sizes,
//! whose difference counts. Where threads take part, valgrind runs them one at a time: who sleeps there
//! how often is not what it is outside, and the count says less.

mod library;
mod rows;
mod threads;
mod works;

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::child;
use crate::instructions::collected;
use rows::{
    Clock, HERE, LIBRARIES, OF_ONE_THREAD_GOAL, OURS, ROWS, Row, Side, THERE, is_of_one_thread,
};
use works::Nanos;

const ROUNDS: usize = 5;
const BATCHES: Duration = Duration::from_millis(150);
const TOO_LONG: Duration = Duration::from_secs(120);

/// Runs one cell in this process: one batch of so many operations, or the best of some.
pub fn cell(row: &str, library: &str, host: &str, ops: Option<u64>) -> io::Result<()> {
    let no_such = || io::Error::other("no such cell");
    let row = ROWS.iter().find(|had| had.name == row);
    let row = row.ok_or_else(no_such)?;
    let side = row.sides.iter().find(|side| side.library == library);
    let run = side.and_then(|side| side.run[host.parse::<usize>().ok()?]);
    let run = run.ok_or_else(no_such)?;
    let (start, mut costs) = (Instant::now(), Vec::new());
    while costs.len() < 3 || start.elapsed() < BATCHES {
        let nanos = run(ops.unwrap_or(row.ops))?;
        costs.push(by(row.clock, nanos));
        if ops.is_some() {
            break;
        }
    }
    let cost = choose(row, costs).ok_or_else(no_such)?;
    println!("cell {cost}");
    Ok(())
}

fn by(clock: Clock, nanos: Nanos) -> f64 {
    match clock {
        Clock::Thread => nanos.thread,
        Clock::Process => nanos.process,
        Clock::Wall => nanos.wall,
    }
}

/// The command line of a cell.
fn args(row: &Row, side: &Side, host: usize) -> [String; 5] {
    [
        "--child",
        "sharing",
        row.name,
        side.library,
        &host.to_string(),
    ]
    .map(String::from)
}

/// What another process says of a cell.
fn ask(row: &Row, side: &Side, host: usize) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let (out, _) = child::run(Command::new(program).args(args(row, side, host)), TOO_LONG)?;
    let nanos = out.lines().find_map(|line| line.strip_prefix("cell "));
    nanos
        .and_then(|nanos| nanos.parse().ok())
        .ok_or("no answer".into())
}

/// Instructions per operation.
fn count(row: &Row, side: &Side, host: usize) -> Result<f64, String> {
    let small = row.ops / 10;
    let large = small * 3;
    let instructions = |ops: u64| {
        let mut args = args(row, side, host).to_vec();
        args.extend(["--ops".into(), ops.to_string()]);
        collected(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    Ok((instructions(large)? - instructions(small)?) / (large - small) as f64)
}

/// The least, or the median where threads meet: how they happen to meet is luck, a batch in twenty being
/// ten times as fast as all others.
fn choose(row: &Row, mut costs: Vec<f64>) -> Option<f64> {
    costs.sort_by(f64::total_cmp);
    let nth = match row.clock {
        Clock::Wall => costs.len() / 2,
        Clock::Thread | Clock::Process => 0,
    };
    costs.get(nth).copied()
}

/// What the cells of one row have said: for each side, in its own runtime and in bibelot.
type Costs = Vec<[Option<f64>; 2]>;

/// Asks for the cells of a row, some of them again and again, and [chooses](choose).
fn collect(row: &Row, rounds: usize, cost: fn(&Row, &Side, usize) -> Result<f64, String>) -> Costs {
    let mut seen: Vec<[Vec<f64>; 2]> = vec![Default::default(); row.sides.len()];
    for round in 1..=rounds {
        for (side, seen) in row.sides.iter().zip(&mut seen) {
            for host in [HERE, THERE] {
                if side.run[host].is_none() || (round > 1 && seen[host].is_empty()) {
                    continue;
                }
                match cost(row, side, host) {
                    Ok(cost) => seen[host].push(cost),
                    Err(why) => eprintln!("{} {} {host}: – ({why})", row.name, side.library),
                }
            }
        }
        eprintln!("{} round {round}/{rounds}", row.name);
    }
    let chosen = |costs: [Vec<f64>; 2]| costs.map(|costs| choose(row, costs));
    seen.into_iter().map(chosen).collect()
}

/// Measures all rows and prints both tables. `only` names rows, all by default.
pub fn print(only: Option<&str>, rounds: Option<usize>) {
    let is_wanted =
        |row: &&Row| only.is_none_or(|only| only.split(',').any(|wanted| wanted == row.name));
    let rows: Vec<&Row> = ROWS.iter().filter(is_wanted).collect();
    head(
        "ns",
        "best for threads | ratio | goal | best for one | ratio | goal | met | theirs in bibelot",
    );
    for row in &rows {
        let costs = collect(row, rounds.unwrap_or(ROUNDS), ask);
        line(row, &costs, &verdict(row, &costs));
    }
    println!();
    head("instructions", "theirs in bibelot");
    for row in &rows {
        let costs = collect(row, 1, count);
        line(row, &costs, &in_bibelot(row, &costs));
    }
}

fn head(unit: &str, more: &str) {
    let columns = LIBRARIES.len() + more.split('|').count();
    println!("| {unit} | {} | {more} |", LIBRARIES.join(" | "));
    println!("| --- |{}", " --: |".repeat(columns));
}

fn line(row: &Row, costs: &Costs, more: &str) {
    let cells = LIBRARIES.map(|library| show(cost_of(row, costs, library, HERE)));
    println!("| {} | {} | {more} |", row.what, cells.join(" | "));
}

fn cost_of(row: &Row, costs: &Costs, library: &str, host: usize) -> Option<f64> {
    let nth = row.sides.iter().position(|side| side.library == library)?;
    costs[nth][host]
}

/// The cheapest of the peers that are wanted.
fn best(
    row: &Row,
    costs: &Costs,
    host: usize,
    is_wanted: impl Fn(&str) -> bool,
) -> Option<(&'static str, f64)> {
    let peers = LIBRARIES.iter().filter(|library| **library != OURS);
    peers
        .filter(|library| is_wanted(library))
        .filter_map(|library| Some((*library, cost_of(row, costs, library, host)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

/// The best peers, the ratios to them, the goals, and whether both are met.
fn verdict(row: &Row, costs: &Costs) -> String {
    let beside = |is_of_one: bool, goal: f64| {
        let best = best(row, costs, HERE, |library| {
            is_of_one_thread(library) == is_of_one
        });
        let ours = cost_of(row, costs, OURS, HERE);
        match best.zip(ours) {
            None => ("– | – | –".into(), true),
            Some(((library, cost), ours)) => {
                let ratio = ours / cost;
                let text = format!("{library} | {ratio:.2} | {goal:.2}");
                (text, ratio <= goal)
            }
        }
    };
    let (threads, is_met) = beside(false, row.goal);
    let (one, is_met_by_one) = beside(true, OF_ONE_THREAD_GOAL);
    let met = match (is_met, is_met_by_one) {
        (true, true) => "yes",
        _ => "**no**",
    };
    format!("{threads} | {one} | {met} | {}", in_bibelot(row, costs))
}

/// The best of the peers' in bibelot's executor.
fn in_bibelot(row: &Row, costs: &Costs) -> String {
    best(row, costs, THERE, |_| true).map_or("–".into(), |(library, cost)| {
        format!("{library} {}", show(Some(cost)))
    })
}

fn show(cost: Option<f64>) -> String {
    match cost {
        None => "–".into(),
        Some(cost @ ..100.0) => format!("{cost:.1}"),
        Some(cost) => format!("{cost:.0}"),
    }
}
