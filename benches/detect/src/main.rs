//! How soon planted bugs are found: each strategy of `testing::explore`, beside shuttle and loom.
//!
//! ```text
//! cargo run --release --manifest-path benches/detect/Cargo.toml [-- OPTIONS] 2>/dev/null
//!
//!   --seeds N         so many seeds for strategies that go by chance (100)
//!   --limit N         so many schedules are tried for each (1000)
//! ```
//!
//! A cell says in how many of a hundred seeds the bug was found within the limit, after how many schedules
//! (the median, where it was found), and how many milliseconds of the processor that took (the median of
//! all; a strategy without chance does the same in each). `–`: the tool cannot express the case. Shuttle tells of each
//! failure on standard error.
//!
//! The bugs are those of `tests/explore/bugs.rs`. In shuttle they are written twice: as futures, with the
//! same awaits, and as threads, where each operation on what is shared is a place to switch; loom has only
//! threads. What is a step differs between tasks and threads, so compare the strategies of one tool with
//! each other, and between tools the kind of bug that is found, and at what price.
//!
//! bibelot runs the plain order twice before all others, and a schedule that fails three times more, to see
//! that it does so again; that is in its milliseconds. Nothing is made small here.

#[path = "../../../tests/explore/bugs.rs"]
#[expect(
    dead_code,
    reason = "the mended versions, and what is said, are for the tests"
)]
mod bugs;
mod futures;
mod threads;

use std::env;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use bibelot::testing::Explorer;
use rustix::time::{ClockId, clock_gettime};
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, Runner};

/// A case as a tool has it.
type Case = fn();

/// What came of one seed: after how many schedules the bug was found, and how long it took.
type Outcome = (Option<usize>, f64);

/// A row of the table.
struct Row {
    /// The tool, and its strategy.
    name: &'static str,
    /// Looks for the `n`th bug, with this seed, in so many schedules; `None` if it cannot be expressed.
    find: Box<dyn Fn(usize, u64, usize) -> Option<Outcome>>,
}

/// A row of bibelot.
fn explorer(name: &'static str, plan: fn(Explorer, usize) -> Explorer) -> Row {
    let find = move |nth: usize, seed, limit| {
        let explorer = plan(Explorer::new(), limit).seed(seed);
        let explorer = explorer.reruns_max(0).replay_file("/dev/null");
        let start = now();
        let found = explorer.try_run(async || bugs::ALL[nth].broken().await);
        let found = found.err().map(|found| found.schedules());
        Some((found, now() - start))
    };
    Row {
        name,
        find: Box::new(find),
    }
}

/// Counts the runs of a case until one fails.
fn count(case: Case, run: impl FnOnce(Box<dyn Fn() + Send + Sync>)) -> Outcome {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    RUNS.store(0, Ordering::Relaxed);
    let counted = move || {
        RUNS.fetch_add(1, Ordering::Relaxed);
        case();
    };
    let start = now();
    let result = catch_unwind(AssertUnwindSafe(|| run(Box::new(counted))));
    let found = result.err().map(|_| RUNS.load(Ordering::Relaxed));
    (found, now() - start)
}

/// How many milliseconds this thread has had the processor: others want it as well.
fn now() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}

/// A row of shuttle.
fn shuttle<S: Scheduler + 'static>(
    name: &'static str,
    cases: [Option<Case>; 7],
    scheduler: fn(u64, usize) -> S,
) -> Row {
    let find = move |nth: usize, seed, limit| {
        let case = cases[nth]?;
        Some(count(case, |case| {
            let mut config = Config::new();
            config.failure_persistence = FailurePersistence::None;
            Runner::new(scheduler(seed, limit), config).run(case);
        }))
    };
    Row {
        name,
        find: Box::new(find),
    }
}

/// The row of loom, in a process of its own: where it finds a deadlock, its destructors abort.
fn loom() -> Row {
    let find = |nth: usize, _, limit: usize| {
        threads::loom_cases::ALL[nth]?;
        let output = Command::new(env::current_exe().expect("this program"))
            .args(["--loom", &nth.to_string(), "--limit", &limit.to_string()])
            .output()
            .expect("a child");
        let said = String::from_utf8_lossy(&output.stdout);
        let mut words = said.split_whitespace();
        let found = words.next().and_then(|runs| runs.parse().ok());
        let ms = words.next().and_then(|ms| ms.parse().ok());
        Some((found, ms.expect("the child says how long it took")))
    };
    Row {
        name: "loom, threads",
        find: Box::new(find),
    }
}

/// All rows.
fn rows() -> Vec<Row> {
    let random = |seed, limit| RandomScheduler::new_from_seed(seed, limit);
    let pct = |seed, limit| PctScheduler::new_from_seed(seed, 3, limit);
    let dfs = |_, limit| DfsScheduler::new(Some(limit), false);
    let (tasks, threads) = (futures::ALL, threads::shuttle_cases::ALL);
    vec![
        explorer("explore, usual plan", |it, _| it),
        explorer("explore, fewest first", Explorer::exhaustive),
        explorer("explore, depth first", Explorer::depth_first),
        explorer("explore, random", Explorer::random),
        explorer("explore, PCT 2", |it, n| it.pct(n, 2)),
        explorer("explore, PCT 3", |it, n| it.pct(n, 3)),
        shuttle("shuttle futures, DFS", tasks, dfs),
        shuttle("shuttle futures, random", tasks, random),
        shuttle("shuttle futures, PCT 3", tasks, pct),
        shuttle("shuttle threads, DFS", threads, dfs),
        shuttle("shuttle threads, random", threads, random),
        shuttle("shuttle threads, PCT 3", threads, pct),
        loom(),
    ]
}

/// A cell: what came of all seeds.
fn cell(row: &Row, nth: usize, seeds: u64, limit: usize) -> String {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for seed in 0..seeds {
        let Some(outcome) = (row.find)(nth, seed, limit) else {
            return "–".into();
        };
        outcomes.push(outcome);
    }
    let mut times: Vec<f64> = outcomes.iter().map(|(_, ms)| *ms).collect();
    times.sort_by(f64::total_cmp);
    let ms = times[times.len() / 2];
    let mut found: Vec<usize> = outcomes.iter().filter_map(|(found, _)| *found).collect();
    found.sort_unstable();
    let rate = 100 * found.len() / outcomes.len();
    match found.get(found.len() / 2) {
        Some(median) => format!("{rate} % · {median} · {ms:.2}"),
        None => format!("0 % · {ms:.1}"),
    }
}

fn main() {
    let mut seeds = 100;
    let mut limit = 1_000;
    let mut loom_case = None;
    let mut args = env::args().skip(1);
    while let Some(option) = args.next() {
        let number = args.next().and_then(|number| number.parse::<usize>().ok());
        match (option.as_str(), number) {
            ("--seeds", Some(number)) => seeds = number as u64,
            ("--limit", Some(number)) => limit = number,
            ("--loom", Some(number)) => loom_case = Some(number),
            _ => {
                eprintln!("usage: detect [--seeds N] [--limit N]");
                std::process::exit(2);
            }
        }
    }
    if let Some(nth) = loom_case {
        return threads::loom_child(nth, limit);
    }
    // What the tools run panics on purpose, on this thread and on others.
    panic::set_hook(Box::new(|_| {}));
    println!("found in % of seeds · after so many schedules · in so many ms of the processor\n");
    print!("| |");
    for bug in &bugs::ALL {
        print!(" {} |", bug.name);
    }
    println!("\n| --- |{}", " --- |".repeat(bugs::ALL.len()));
    for row in rows() {
        print!("| {} |", row.name);
        for nth in 0..bugs::ALL.len() {
            print!(" {} |", cell(&row, nth, seeds, limit));
        }
        println!();
    }
}
