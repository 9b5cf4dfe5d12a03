//! bibelot beside its peers.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml [-- OPTIONS]
//!
//!   --rows a,b        only these rows
//!   --runtimes x,y    only these runtimes
//!   --rounds N        so many rounds (3; 9 where the other core takes part)
//!   --quick           less time for each cell
//!   embedding         what it costs to build an echo server into a small program
//!   instructions      instructions per operation, counted by valgrind
//!   scale             bibelot alone, with a thousand to a million tasks
//!   policies          what each policy costs at a switch, in instructions (--rows names policies)
//!   observers         what it costs to have an executor looked at
//!   structured        what groups, timeouts and cleanups of bibelot cost (--rows names cells)
//!   sharing           locks, channels, queues with threads and worker threads (--rows names rows)
//!   --child ROW RUNTIME [--ops N] [--tasks N]
//!                     one cell in this process, for a profiler; with --ops one batch of N
//! ```
//!
//! A cell is the **CPU time of the executor's thread**, in nanoseconds per operation: the least of
//! the rounds, and for the echo rows their median. The rounds of a row are interleaved over the
//! runtimes, each in a process of its own, so that a busy machine is as hard on one as on another.
//! Compare ratios of one run, never figures of two. `–`: the runtime has no such thing, or the
//! machine has not what it needs (io_uring, locked memory).
//!
//! What each row asks:
//!
//! - `spawn_join_1`: spawn an empty task and join it, one by one, by the runtime's own join handle.
//! - `spawn_join_1000`: spawn a thousand empty tasks, then join all of them.
//! - `yield_1`, `yield_1000`: one task, or a thousand, that wake themselves and return pending.
//! - `ping_pong`: two tasks and two one-slot cells with a waker; a round trip.
//! - `ring_10000`: a token goes round 10 000 tasks; a hop.
//! - `timers_100k`: 100 000 tasks, a hundred spawned at a time, sleep for 1 to 201 ms, in scattered
//!   order, and end; a timer with its task. In brackets how late they woke: mean and 99th
//!   percentile.
//! - `timeout_unused`: a sleep of 30 s is boxed, polled once and dropped: what a timeout costs that
//!   does not fire.
//! - `cross_wake`: another thread, on the other core, lets the executor fall asleep (20 µs), wakes it
//!   and sleeps until it is answered; a round trip. `futures` has no sockets to wait for meanwhile, and so
//!   parks its thread, on a futex; bibelot has none in this row, and then parks as well. The others wait
//!   in `epoll` or a ring, as bibelot does once there is a socket.
//! - `memory_per_task_bytes`: resident bytes for each of a million tasks that are parked for ever.
//! - `echo_CONNECTIONSxBYTES`: a TCP echo server on 127.0.0.1; a request. The client is a bare epoll
//!   loop on the other core, and each connection waits for its echo before it sends the next.
//!   `raw-epoll` is the floor: a server that only waits, reads and writes.
//!
//! What `structured` asks: a thousand members of a group spawned and joined, beside a thousand
//! tasks; a `timeout` of 30 s around a future that is ready, made, polled and dropped, beside a
//! `sleep` of 30 s, made and dropped, since a `timeout` sets no timer for what is ready at once;
//! one around a future that is ready at its second poll, for which it sets one, to be read beside a
//! `sleep` that is polled once; a `finally` that ends, and one that is dropped and whose cleanup is
//! paid in the task's next turn; a wake, and the poll it leads to, at the bottom of nested groups,
//! where depth is to cost nothing, and of nested scopes, where each one is a step on the way down.
//! tokio's `JoinSet` and moro's scopes, which run in a task of tokio, stand beside them.
//! Allocations are counted in all rows of all tables, at one instruction each.
//!
//! What `sharing` asks: a lock that is free, taken and given back; one that several tasks hand to each
//! other, with a yield inside; an item through a channel from task to task (without a limit: in bursts
//! of a hundred); a oneshot made, sent and received, by one task, or with the receiver waiting first;
//! an item between a thread and a task, and there and back; an empty closure that a thread runs. Where
//! threads meet the cell is the median of the rounds, and of the batches of each, as for echo.
//! `sharing.rs` says who stands beside.
//!
//! All runtimes run the same code: the same hand-written yield, cells and workloads (`cells.rs`,
//! `workload.rs`), not their own `yield_now` or channels, which differ in what they promise. Only
//! the echo servers are written for each, because some take the buffer by value. Runtimes are as
//! their documentation sets them up, with timers and I/O switched on; bibelot keeps its metadata,
//! and for `timers_100k` has a timer slack of 50 µs. A workload is a task that joins others, or the
//! main future where a runtime joins from there at less cost (compio, futures). Threads that help
//! the executor (workers of the kernel's rings, async-io's) are not counted. In monoio a task that
//! wakes itself runs again before all others: its yields are not fair, and counted all the same.

mod cells;
mod child;
mod client;
mod compio;
mod counting;
mod embedding;
mod epoll;
mod futures;
mod glommio;
mod instructions;
mod machine;
mod monoio;
mod rows;
mod runtime;
mod smol;
mod table;
mod tokio;
mod workload;

#[cfg(feature = "bibelot")]
mod bibelot;
#[cfg(feature = "bibelot")]
mod observers;
#[cfg(feature = "bibelot")]
mod policies;
#[cfg(feature = "bibelot")]
mod sharing;
#[cfg(feature = "bibelot")]
mod structured;

use std::io;
use std::process::ExitCode;

use rows::{Kind, ROWS, Row};
use workload::{Ask, Cost, measure};

type Measure = fn(Row, Ask) -> io::Result<Cost>;

const RUNTIMES: &[(&str, Measure)] = &[
    ("tokio", measure::<crate::tokio::Set>),
    ("tokio-local", measure::<crate::tokio::Local>),
    ("smol", measure::<crate::smol::Smol>),
    ("monoio-legacy", measure::<crate::monoio::Legacy>),
    ("monoio-uring", measure::<crate::monoio::Uring>),
    ("compio-poll", measure::<crate::compio::Polling>),
    ("compio-uring", measure::<crate::compio::Uring>),
    ("glommio", measure::<crate::glommio::Glommio>),
    ("futures", measure::<crate::futures::Pool>),
    ("raw-epoll", measure_bare),
    #[cfg(feature = "bibelot")]
    ("bibelot", measure::<crate::bibelot::Bibelot>),
];

fn measure_bare(row: Row, ask: Ask) -> io::Result<Cost> {
    match row.kind {
        Kind::Echo { connections, bytes } => {
            machine::pin(0);
            workload::with_client(connections, bytes, ask.quick, client::serve_bare)?;
            Err(io::Error::other("the server ended"))
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// The words of the command line.
#[derive(Default)]
struct Args {
    words: Vec<String>,
    rows: Option<String>,
    runtimes: Option<String>,
    rounds: Option<usize>,
    ops: Option<u64>,
    tasks: Option<u64>,
    quick: bool,
}

impl Args {
    fn parse() -> Result<Args, String> {
        let mut args = Args::default();
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} wants a value"));
            match word.as_str() {
                "--rows" => args.rows = Some(value()?),
                "--runtimes" => args.runtimes = Some(value()?),
                "--rounds" => args.rounds = Some(number(&value()?)? as usize),
                "--ops" => args.ops = Some(number(&value()?)?),
                "--tasks" => args.tasks = Some(number(&value()?)?),
                "--quick" => args.quick = true,
                _ => args.words.push(word),
            }
        }
        Ok(args)
    }
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("{word} is no number"))
}

fn run() -> Result<(), String> {
    let args = Args::parse()?;
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    match words[..] {
        [] => table::print(&plan(&args)?),
        ["embedding"] => embedding::print(args.runtimes.as_deref(), args.rounds.unwrap_or(1)),
        ["instructions"] => instructions::print(&plan(&args)?),
        ["scale"] => instructions::print_scale(),
        #[cfg(feature = "bibelot")]
        ["observers"] => observers::print(args.rounds),
        #[cfg(feature = "bibelot")]
        ["policies"] => return policies::print(args.rows.as_deref()),
        #[cfg(feature = "bibelot")]
        ["structured"] => return structured::print(args.rows.as_deref(), args.rounds),
        #[cfg(feature = "bibelot")]
        ["sharing"] => {
            sharing::print(args.rows.as_deref(), args.rounds);
            Ok(())
        }
        #[cfg(feature = "bibelot")]
        ["--child", "policies", name] => policies::cell(name, args.ops, args.tasks),
        #[cfg(feature = "bibelot")]
        ["--child", "sharing", row, library, host] => sharing::cell(row, library, host, args.ops),
        #[cfg(feature = "bibelot")]
        ["--child", "structured", name] => structured::cell(name, args.ops),
        ["--child", row, runtime] => child(&args, row, runtime),
        _ => return Err(format!("what is {words:?}? The head of src/main.rs tells")),
    }
    .map_err(|error| error.to_string())
}

fn plan(args: &Args) -> Result<table::Plan, String> {
    let rows = match &args.rows {
        None => ROWS.to_vec(),
        Some(names) => (names.split(','))
            .map(|name| Row::named(name).ok_or(format!("no row {name}")))
            .collect::<Result<_, _>>()?,
    };
    let all = RUNTIMES.iter().map(|(name, _)| *name);
    let runtimes = match &args.runtimes {
        None => all.collect(),
        Some(names) => (names.split(','))
            .map(|name| {
                all.clone()
                    .find(|had| *had == name)
                    .ok_or(format!("no runtime {name}"))
            })
            .collect::<Result<_, _>>()?,
    };
    Ok(table::Plan {
        rows,
        runtimes,
        rounds: args.rounds,
        quick: args.quick,
    })
}

fn child(args: &Args, row: &str, runtime: &str) -> io::Result<()> {
    let unknown = || io::Error::other("no such row or runtime");
    let mut row = Row::named(row).ok_or_else(unknown)?;
    let (_, measure) = RUNTIMES
        .iter()
        .find(|(name, _)| *name == runtime)
        .ok_or_else(unknown)?;
    row.tasks = args.tasks.unwrap_or(row.tasks);
    machine::raise_descriptor_limit();
    measure(
        row,
        Ask {
            ops: args.ops,
            quick: args.quick,
        },
    )?
    .tell();
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
