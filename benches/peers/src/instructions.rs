//! Instructions per operation, counted by valgrind's callgrind: the same on a busy machine as on an
//! idle one. Each row runs at two sizes, and the difference counts, so that the start does not.

use std::io;
use std::process::Command;
use std::time::Duration;

use crate::child;
use crate::rows::{Kind, Row};
use crate::table::{Plan, cell};

const TOO_LONG: Duration = Duration::from_secs(300);
const TASKS: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// The rows that the kernel has no part in, on all runtimes.
pub fn print(plan: &Plan) -> io::Result<()> {
    let runtimes = plan.runtimes.iter().filter(|name| **name != "raw-epoll");
    let names: Vec<&str> = runtimes.copied().collect();
    println!("| instructions | {} |", names.join(" | "));
    println!("| --- |{}", " --: |".repeat(names.len()));
    for row in plan.rows.iter().filter(|row| counts(row)) {
        let cells: Vec<String> = names.iter().map(|name| show(count(row, name))).collect();
        println!("| {} | {} |", row.name, cells.join(" | "));
    }
    Ok(())
}

fn counts(row: &Row) -> bool {
    matches!(
        row.kind,
        Kind::SpawnJoin | Kind::Yield | Kind::PingPong | Kind::Timeout
    )
}

/// How much the instructions of an operation may grow from the fewest tasks to the most.
const INSTRUCTIONS_GROW: f64 = 1.1;
/// How much its time may: more tasks need more memory than the caches have.
const TIME_GROWS: f64 = 3.5;

/// bibelot alone, with ever more tasks: instructions and CPU time of a yield, of a wake from task to
/// task, and of a spawn with its join.
pub fn print_scale() -> io::Result<()> {
    println!(
        "| tasks | yield instructions | ns | wake instructions | ns | spawn+join instructions | ns |"
    );
    println!("| --: |{}", " --: |".repeat(6));
    let mut lines = Vec::new();
    for tasks in TASKS {
        let mut line = Vec::new();
        for name in ["yield_1000", "ring_10000", "spawn_join_1000"] {
            let row = Row {
                tasks,
                ..Row::named(name).expect("a row of the table")
            };
            line.push(count(&row, "bibelot"));
            line.push(cpu(&row));
        }
        let cells: Vec<String> = line.iter().cloned().map(show).collect();
        println!("| {tasks} | {} |", cells.join(" | "));
        lines.push(line);
    }
    let (first, last) = (&lines[0], &lines[TASKS.len() - 1]);
    let growth: Vec<Option<f64>> = first
        .iter()
        .zip(last)
        .map(|pair| match pair {
            (Ok(first), Ok(last)) => Some(last / first),
            _ => None,
        })
        .collect();
    let goals = [INSTRUCTIONS_GROW, TIME_GROWS].into_iter().cycle();
    let line = |what: &str, cells: Vec<String>| println!("| {what} | {} |", cells.join(" | "));
    let cell = |growth: Option<f64>| growth.map_or("–".into(), |growth| format!("{growth:.2}"));
    line("growth", growth.iter().copied().map(cell).collect());
    line(
        "goal",
        goals.clone().take(6).map(|goal| cell(Some(goal))).collect(),
    );
    let met = growth.iter().zip(goals).map(|(growth, goal)| match growth {
        Some(growth) if *growth <= goal => "yes".into(),
        Some(_) => "**no**".into(),
        None => "–".into(),
    });
    line("met", met.collect());
    Ok(())
}

/// The two sizes: whole rounds of all tasks.
fn sizes(row: &Row, least: u64) -> (u64, u64) {
    let small = least.next_multiple_of(row.tasks) + row.tasks;
    (small, small * 3)
}

/// Instructions per operation.
fn count(row: &Row, runtime: &str) -> Result<f64, String> {
    let (small, large) = sizes(row, 10_000);
    let difference = callgrind(row, runtime, large)? - callgrind(row, runtime, small)?;
    eprintln!("{} {runtime} {} tasks: counted", row.name, row.tasks);
    Ok(difference / (large - small) as f64)
}

fn callgrind(row: &Row, runtime: &str, ops: u64) -> Result<f64, String> {
    collected(&args(
        row,
        runtime,
        &ops.to_string(),
        &row.tasks.to_string(),
    ))
}

/// How many instructions this program takes when it is run with other arguments.
pub fn collected(args: &[&str]) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(args);
    let (_, err) = child::run(&mut valgrind, TOO_LONG)?;
    let count = err
        .lines()
        .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    count.ok_or("valgrind counted nothing".into())
}

/// CPU nanoseconds per operation: the least of three rounds at each size.
fn cpu(row: &Row) -> Result<f64, String> {
    let (small, large) = sizes(row, 500_000);
    let least = |ops: u64| -> Result<f64, String> {
        let mut least = f64::INFINITY;
        for _ in 0..3 {
            let (ops, tasks) = (ops.to_string(), row.tasks.to_string());
            least = least.min(cell(&args(row, "bibelot", &ops, &tasks))?.value);
        }
        Ok(least * ops as f64)
    };
    Ok((least(large)? - least(small)?) / (large - small) as f64)
}

fn args<'a>(row: &Row, runtime: &'a str, ops: &'a str, tasks: &'a str) -> [&'a str; 7] {
    ["--child", row.name, runtime, "--ops", ops, "--tasks", tasks]
}

fn show(value: Result<f64, String>) -> String {
    match value {
        Ok(value @ ..100.0) => format!("{value:.1}"),
        Ok(value) => format!("{value:.0}"),
        Err(why) => {
            eprintln!("– ({why})");
            "–".into()
        }
    }
}
