//! Random programs, run by bibelot under virtual time and by a model, must have the same history.
//!
//! ```text
//!   seed ─► random.rs ─► program.rs ─┬─► real.rs    bibelot ──────────┬─► trace ─► the same?
//!                                    │                                │     └─► check.rs: what
//!                                    └─► naive.rs   the model ────────┘             always holds
//!                                         debts.rs, groups.rs
//! ```
//!
//! A program is a tree of steps: spawn, join, cancel (at once, in time), sleep, yield; timeout, cancel
//! scope, race, join of two; shield, finally, bracket; groups, ended in each way; errors and panics. A
//! trace tells of each step when it began, when and how it ended or that it was dropped, what was
//! reported, and what handles say that are left. The model is written from the promises and knows
//! nothing of futures and wakers.
//!
//! **How strict.** Bibelot is first in, first out, and so is the model's ready queue. So the traces are
//! the same event for event and to the instant, with two freedoms. Within one instant only the order
//! in each task is compared, not that among tasks: the members of a group, say, are cancelled in no
//! promised order. And if two tasks wait for one and the same time, whose timer fires first is not
//! promised: the model notices that, and such a program is only checked. Times are drawn far apart,
//! so that is one in a hundred; a tie within one task (a timeout in a timeout) is compared.
//!
//! A second family has all times within four of each other, where nearly all is tied. There, and with
//! the ready queue shuffled, the checks look for what holds in any order.
//!
//! 10 000 seeds of each take some ten seconds in a debug build. `BIBELOT_MODEL_SEEDS` says how many
//! instead, `BIBELOT_MODEL_FIRST` where to begin; `cargo test --release --test model -- --ignored`
//! looks at a million. A failure shows its seed and a program that was made as small as it goes.

mod check;
mod debts;
mod groups;
mod naive;
mod program;
mod random;
mod real;
mod trace;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use program::{Block, Id};
use random::Times;
use trace::{End, Entry, Event};

/// How many seeds are looked at, unless the environment says.
const SEEDS: u64 = 10_000;
/// How long epilogues may take.
const GRACE: u64 = 5000;
/// No task.
const NOBODY: Id = Id::MAX;

/// What is wrong with a run, and the run.
type Wrong = Result<(), String>;

#[test]
fn bibelot_does_what_the_model_does() {
    for seed in seeds(SEEDS) {
        assert_right(seed, Times::Apart, is_as_told);
    }
}

#[test]
fn of_what_is_over_at_once_the_outer_ends_the_inner() {
    for seed in seeds(SEEDS) {
        assert_right(seed, Times::Tied, is_as_told);
    }
}

#[test]
fn in_any_order_nobody_is_left_and_nothing_is_skipped() {
    for seed in seeds(SEEDS) {
        assert_right(seed, Times::Apart, |program| holds(program, Some(seed)));
        assert_right(seed, Times::Tied, |program| holds(program, Some(seed)));
    }
}

#[test]
#[ignore = "takes minutes"]
fn a_million_seeds() {
    for seed in seeds(1_000_000) {
        for times in [Times::Apart, Times::Tied] {
            assert_right(seed, times, is_as_told);
            assert_right(seed, times, |program| holds(program, Some(seed)));
        }
    }
}

/// A model that agrees on nothing at all would agree always.
#[test]
fn the_programs_do_all_that_they_can() {
    let (mut seen, mut tied, count) = (BTreeMap::new(), 0, 2000);
    for seed in 0..count {
        let program = random::program(seed, Times::Apart);
        let (trace, is_tied) = naive::run(&program).expect("main does not panic");
        tied += u64::from(is_tied);
        for entry in trace {
            let name = match entry.event {
                Event::End(_, End::Group(Ok(_))) => String::from("Group: values"),
                Event::End(_, End::Group(Err(_))) => String::from("Group: failures"),
                Event::End(_, End::Joined(fate)) => format!("Joined: {fate:?}"),
                Event::End(_, end) => format!("End: {end:?}"),
                event => format!("{event:?}"),
            };
            let end = name.find('(').unwrap_or(name.len());
            *seen.entry(name[..end].to_owned()).or_insert(0) += 1;
        }
    }
    let at_least = [
        ("Abandoned", 50),
        ("Begin", 10_000),
        ("Dropped", 1000),
        ("End: Absent", 100),
        ("End: Done", 10_000),
        ("End: Elapsed", 200),
        ("End: Failed", 200),
        ("Group: failures", 50),
        ("Group: values", 100),
        ("Joined: Cancelled", 50),
        ("Joined: Failed", 5),
        ("Joined: Panicked", 5),
        ("Joined: Value", 100),
        ("Left", 500),
        ("Next", 50),
        ("Reported", 10),
    ];
    for (name, least) in at_least {
        assert!(seen.get(name) >= Some(&least), "{name}: {seen:?}");
    }
    assert!(tied * 50 < count, "{tied} of {count} programs are tied");
}

/// The seeds that are looked at.
fn seeds(count: u64) -> impl Iterator<Item = u64> {
    let number = |name| {
        let text = env::var(name).ok()?;
        Some(text.parse().expect("a number"))
    };
    let first: u64 = number("BIBELOT_MODEL_FIRST").unwrap_or(0);
    first..first + number("BIBELOT_MODEL_SEEDS").unwrap_or(count)
}

/// Looks at the program of a seed; if something is wrong, fails with one that is as small as it goes.
fn assert_right(seed: u64, times: Times, right: impl Fn(&Block) -> Wrong) {
    let caught = |program: &Block| {
        let caught = catch_unwind(AssertUnwindSafe(|| right(program)));
        caught.unwrap_or_else(|_| Err(String::from("it panics")))
    };
    let program = random::program(seed, times);
    if caught(&program).is_err() {
        let small = program.shrink(|smaller| caught(smaller).is_err());
        let wrong = caught(&small).unwrap_err();
        panic!("seed {seed}, times {times:?}:\n{small}\n{wrong}");
    }
}

/// Whether bibelot does with a program what the model says, and what always holds.
fn is_as_told(program: &Block) -> Wrong {
    let Some((expected, is_tied)) = naive::run(program) else {
        return Ok(());
    };
    let real = real::run(program, None);
    checked(program, &real)?;
    let (expected, real) = (by_task(expected), by_task(real));
    if is_tied || expected == real {
        return Ok(());
    }
    let mut text = String::from("the model (-) and bibelot (+) disagree\n");
    for nth in 0..expected.len().max(real.len()) {
        let (expected, real) = (expected.get(nth), real.get(nth));
        if expected == real {
            writeln!(text, "  {}", line(real)).expect("a String takes all");
        } else {
            let (expected, real) = (line(expected), line(real));
            writeln!(text, "- {expected}\n+ {real}").expect("a String takes all");
        }
    }
    Err(text)
}

/// Whether in bibelot's run of a program that holds which always does.
fn holds(program: &Block, shuffle: Option<u64>) -> Wrong {
    // A main future that panics ends the run, and says nothing.
    if naive::run(program).is_none() {
        return Ok(());
    }
    checked(program, &real::run(program, shuffle))
}

/// Checks a run.
fn checked(program: &Block, trace: &[Entry]) -> Wrong {
    check::wrong(program, trace).map_err(|wrong| {
        let lines: Vec<String> = trace.iter().map(|entry| line(Some(entry))).collect();
        format!("{wrong}\n{}", lines.join("\n"))
    })
}

/// What has happened at each instant, task by task.
fn by_task(mut trace: Vec<Entry>) -> Vec<Entry> {
    trace.sort_by_key(|entry| (entry.at, entry.task));
    trace
}

/// An event as a line.
fn line(entry: Option<&Entry>) -> String {
    match entry {
        Some(Entry { at, task, event }) if *task == NOBODY => format!("{at:6}       {event:?}"),
        Some(Entry { at, task, event }) => format!("{at:6} #{task:<4} {event:?}"),
        None => String::from("nothing"),
    }
}
