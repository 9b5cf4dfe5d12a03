//! What structure costs: a group beside bare tasks, a timeout beside a bare sleep, a cleanup beside
//! none, and a wake at the bottom of nested groups.
//!
//! Each cell is a process of its own, as in the table of rows. Its nanoseconds are the least of
//! interleaved rounds; its instructions are counted by callgrind at two sizes, whose difference
//! counts, so they are the same each time and decide where the clock does not.

mod works;

use std::io;
use std::process::Command;
use std::time::Duration;

use crate::child;
use crate::instructions::collected;
use works::{
    Cost, MEMBERS, cost, finally_dropped, finally_ready, group, in_groups, in_moro, in_scopes,
    in_sets, join_set, ours, sleep_once, sleep_unpolled, spawn_and_join, timeout_ready,
    timeout_yield, tokio, tokio_spawn_and_join,
};

const ROUNDS: usize = 5;
const TOO_LONG: Duration = Duration::from_secs(120);

/// One cell: operations of one kind, in one runtime.
struct Work {
    name: &'static str,
    /// How deep it is nested.
    depth: u64,
    /// How many operations make one batch.
    ops: u64,
    run: fn(u64, u64) -> io::Result<()>,
}

/// One line of the table: a cell, and the bare one that it is measured by.
struct Line {
    what: &'static str,
    work: Work,
    /// The name of another cell, and at most how many times its cost this one should have.
    bare: Option<(&'static str, f64)>,
}

const fn line(
    what: &'static str,
    (name, depth, ops): (&'static str, u64, u64),
    run: fn(u64, u64) -> io::Result<()>,
    bare: Option<(&'static str, f64)>,
) -> Line {
    let work = Work {
        name,
        depth,
        ops,
        run,
    };
    Line { what, work, bare }
}

/// What a wake at the bottom may cost, beside one in a single group: the same, but for the clock.
const FLAT: f64 = 1.1;

const LINES: &[Line] = &[
    line(
        "1000 tasks spawned, each joined",
        ("spawn", 0, 100_000),
        |_, ops| ours(spawn_and_join(ops)),
        None,
    ),
    line(
        "1000 members of a `TaskGroup`, joined",
        ("group", 0, 100_000),
        |_, ops| ours(group(ops)),
        Some(("spawn", 1.25)),
    ),
    line(
        "tokio: 1000 `spawn_local`, each joined",
        ("tokio_spawn", 0, 100_000),
        |_, ops| tokio(tokio_spawn_and_join(ops)),
        None,
    ),
    line(
        "tokio: 1000 members of a `JoinSet`, joined",
        ("tokio_set", 0, 100_000),
        |_, ops| tokio(join_set(ops)),
        Some(("tokio_spawn", f64::INFINITY)),
    ),
    line(
        "`sleep`, made and dropped",
        ("sleep_unpolled", 0, 200_000),
        |_, ops| ours(sleep_unpolled(ops)),
        None,
    ),
    line(
        "`sleep`, polled once, dropped",
        ("sleep", 0, 200_000),
        |_, ops| ours(sleep_once(ops)),
        None,
    ),
    line(
        "`timeout` around what is ready",
        ("timeout", 0, 200_000),
        |_, ops| ours(timeout_ready(ops)),
        Some(("sleep_unpolled", 1.5)),
    ),
    line(
        "`timeout` around what is ready at its second poll",
        ("timeout_yield", 0, 200_000),
        |_, ops| ours(timeout_yield(ops)),
        None,
    ),
    line(
        "`finally`, body and cleanup ready",
        ("finally", 0, 200_000),
        |_, ops| ours(finally_ready(ops)),
        None,
    ),
    line(
        "`finally`, dropped; the cleanup is paid in the next turn",
        ("finally_dropped", 0, 200_000),
        |_, ops| ours(finally_dropped(ops, true)),
        None,
    ),
    line(
        "the same without `finally`: a turn",
        ("dropped", 0, 200_000),
        |_, ops| ours(finally_dropped(ops, false)),
        None,
    ),
    line("wake in 1 group", ("group_1", 1, 100_000), in_groups, None),
    line(
        "in 10 nested groups",
        ("group_10", 10, 100_000),
        in_groups,
        Some(("group_1", FLAT)),
    ),
    line(
        "in 100",
        ("group_100", 100, 100_000),
        in_groups,
        Some(("group_1", FLAT)),
    ),
    line(
        "in 1000",
        ("group_1000", 1_000, 100_000),
        in_groups,
        Some(("group_1", FLAT)),
    ),
    line("wake in 1 scope", ("scope_1", 1, 50_000), in_scopes, None),
    line(
        "in 10 nested scopes",
        ("scope_10", 10, 20_000),
        in_scopes,
        Some(("scope_1", f64::INFINITY)),
    ),
    line(
        "in 100",
        ("scope_100", 100, 5_000),
        in_scopes,
        Some(("scope_1", f64::INFINITY)),
    ),
    line(
        "in 1000",
        ("scope_1000", 1_000, 1_000),
        in_scopes,
        Some(("scope_1", f64::INFINITY)),
    ),
    line(
        "tokio: wake in 1 `JoinSet`",
        ("tokio_1", 1, 100_000),
        in_sets,
        None,
    ),
    line(
        "tokio: in 10 nested `JoinSet`s",
        ("tokio_10", 10, 100_000),
        in_sets,
        Some(("tokio_1", f64::INFINITY)),
    ),
    line(
        "tokio: in 100",
        ("tokio_100", 100, 100_000),
        in_sets,
        Some(("tokio_1", f64::INFINITY)),
    ),
    line(
        "tokio: in 1000",
        ("tokio_1000", 1_000, 100_000),
        in_sets,
        Some(("tokio_1", f64::INFINITY)),
    ),
    line(
        "moro: wake in 1 scope",
        ("moro_1", 1, 50_000),
        in_moro,
        None,
    ),
    line(
        "moro: in 10 nested scopes",
        ("moro_10", 10, 20_000),
        in_moro,
        Some(("moro_1", f64::INFINITY)),
    ),
    line(
        "moro: in 100",
        ("moro_100", 100, 5_000),
        in_moro,
        Some(("moro_1", f64::INFINITY)),
    ),
    line(
        "moro: in 1000",
        ("moro_1000", 1_000, 1_000),
        in_moro,
        Some(("moro_1", f64::INFINITY)),
    ),
];

/// Runs one cell in this process: one batch of so many operations, or the best of some.
pub fn cell(name: &str, ops: Option<u64>) -> io::Result<()> {
    let work = LINES.iter().map(|line| &line.work);
    let work = { work }.find(|work| work.name == name);
    let work = work.ok_or_else(|| io::Error::other("no such cell"))?;
    let mut best = f64::INFINITY;
    for _ in 0..if ops.is_some() { 1 } else { 5 } {
        (work.run)(work.depth, ops.unwrap_or(work.ops))?;
        let cost = cost();
        best = best.min(cost.nanos);
        println!("cell {best} {}", cost.allocations);
    }
    Ok(())
}

/// What another process says of a cell: in its last line, the best of all.
fn ask(work: &Work) -> Result<Cost, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    let (out, _) = child::run(command.args(["--child", "structured", work.name]), TOO_LONG)?;
    let mut words = (out.lines().last())
        .and_then(|line| line.strip_prefix("cell "))
        .into_iter()
        .flat_map(|line| line.split(' ').map(str::parse));
    match (words.next(), words.next()) {
        (Some(Ok(nanos)), Some(Ok(allocations))) => Ok(Cost { nanos, allocations }),
        _ => Err("no answer".into()),
    }
}

/// Instructions per operation.
fn count(work: &Work) -> Result<f64, String> {
    let small = (work.ops / 10).next_multiple_of(MEMBERS);
    let large = small * 3;
    let instructions = |ops: u64| {
        collected(&[
            "--child",
            "structured",
            work.name,
            "--ops",
            &ops.to_string(),
        ])
    };
    Ok((instructions(large)? - instructions(small)?) / (large - small) as f64)
}

/// Measures all cells and prints the table. `only` names cells, all by default.
pub fn print(only: Option<&str>, rounds: Option<usize>) -> Result<(), String> {
    let is_wanted = |line: &&Line| {
        only.is_none_or(|only| only.split(',').any(|wanted| wanted == line.work.name))
    };
    let lines: Vec<&Line> = LINES.iter().filter(is_wanted).collect();
    let mut costs: Vec<Option<Cost>> = vec![None; lines.len()];
    for round in 1..=rounds.unwrap_or(ROUNDS) {
        for (line, best) in lines.iter().zip(&mut costs) {
            let cost = ask(&line.work)?;
            let before = best.map_or(f64::INFINITY, |best| best.nanos);
            let nanos = cost.nanos.min(before);
            *best = Some(Cost { nanos, ..cost });
            eprintln!("{} round {round}: {:.1} ns", line.work.name, cost.nanos);
        }
    }
    let counts: Vec<Option<f64>> = (lines.iter())
        .map(|line| match count(&line.work) {
            Ok(count) => Some(count),
            Err(why) => {
                eprintln!("{}: – ({why})", line.work.name);
                None
            }
        })
        .collect();
    println!(
        "| structured | ns | instructions | allocations | ratio ns | instructions | goal | met |"
    );
    println!("| --- |{}", " --: |".repeat(7));
    for (nth, line) in lines.iter().enumerate() {
        let nanos = |nth: usize| costs[nth].map(|cost| cost.nanos);
        let allocations = costs[nth].map(|cost| cost.allocations);
        let bare = line.bare.and_then(|(name, most)| {
            let bare = lines.iter().position(|line| line.work.name == name)?;
            let ratio = |of: Option<f64>, to: Option<f64>| Some(of? / to?);
            let by_clock = ratio(nanos(nth), nanos(bare));
            Some((by_clock, ratio(counts[nth], counts[bare]), most))
        });
        println!(
            "| {} | {} | {} | {} | {} |",
            line.what,
            show(nanos(nth), 1),
            show(counts[nth], 0),
            show(allocations, 2),
            bare.map_or("– | – | – | –".into(), verdict),
        );
    }
    Ok(())
}

/// Both ratios, the goal, and whether it is met.
fn verdict((by_clock, by_count, most): (Option<f64>, Option<f64>, f64)) -> String {
    let ratios = format!("{} | {}", show(by_clock, 2), show(by_count, 2));
    if most.is_infinite() {
        return format!("{ratios} | – | –");
    }
    let is_met = |ratio: Option<f64>| ratio.is_none_or(|ratio| ratio <= most);
    let met = match (is_met(by_clock), is_met(by_count)) {
        (true, true) => "yes",
        (false, true) => "by count",
        (true, false) => "by clock",
        (false, false) => "**no**",
    };
    format!("{ratios} | {most:.2} | {met}")
}

fn show(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".into(), |value| format!("{value:.digits$}"))
}
