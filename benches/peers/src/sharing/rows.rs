//! The rows of the table: which workloads, with what of which library, and what bibelot wants to reach.

use std::io;

use super::works::{self, Nanos};
use super::{library as of, threads};
use crate::bibelot::Bibelot;
use crate::futures::Pool;
use crate::glommio::Glommio;
use crate::monoio::Legacy as Monoio;
use crate::smol::Smol;
use crate::tokio::Local as Tokio;

/// Which clock counts.
#[derive(Clone, Copy)]
pub enum Clock {
    /// CPU time of the thread.
    Thread,
    /// CPU time of all threads.
    Process,
    /// The time that it takes.
    Wall,
}

/// One workload with the primitive of one library.
pub struct Side {
    pub library: &'static str,
    /// In the library's own runtime, and in bibelot's.
    pub run: [Option<fn(u64) -> io::Result<Nanos>>; 2],
}

/// In the library's own runtime.
pub const HERE: usize = 0;
/// In bibelot's.
pub const THERE: usize = 1;

/// One row of the table.
pub struct Row {
    pub name: &'static str,
    pub what: &'static str,
    pub clock: Clock,
    /// At most how many times the cost of the best peer that threads may share it should have.
    pub goal: f64,
    /// How many operations make one batch.
    pub ops: u64,
    pub sides: &'static [Side],
}

pub const OURS: &str = "bibelot";

/// Whether what a library has stays on one thread, as ours.
pub fn is_of_one_thread(library: &str) -> bool {
    ["local-sync", "glommio"].contains(&library)
}

/// At most how many times the cost of the best of those ours should have.
pub const OF_ONE_THREAD_GOAL: f64 = 1.0;

/// What libraries there are, in the order of the columns.
pub const LIBRARIES: [&str; 8] = [
    OURS,
    "tokio",
    "smol",
    "futures",
    "flume",
    "local-sync",
    "glommio",
    "std",
];

/// A workload with ours, and with theirs: in their own runtimes, and in bibelot.
macro_rules! sides {
    ($work:path, $n:expr, $ours:ty $(, $library:literal $runtime:ty => $theirs:ty)*) => {{
        use $work as work;
        &[
            Side { library: OURS, run: [Some(work::<Bibelot, $ours, { $n }>), None] },
            $(Side {
                library: $library,
                run: [
                    Some(work::<$runtime, $theirs, { $n }>),
                    Some(work::<Bibelot, $theirs, { $n }>),
                ],
            },)*
        ]
    }};
}

/// The same, in their own runtimes only.
macro_rules! at_home {
    ($work:path, $ours:ty $(, $library:literal $runtime:ty => $theirs:ty)*) => {{
        use $work as work;
        &[
            Side { library: OURS, run: [Some(work::<Bibelot, $ours>), None] },
            $(Side { library: $library, run: [Some(work::<$runtime, $theirs>), None] },)*
        ]
    }};
}

macro_rules! mutexes {
    ($tasks:literal) => {
        sides!(
            works::lock, $tasks, ::bibelot::sync::Mutex<u64>,
            "tokio" Tokio => ::tokio::sync::Mutex<u64>,
            "smol" Smol => ::smol::lock::Mutex<u64>,
            "futures" Pool => ::futures::lock::Mutex<u64>
        )
    };
}

macro_rules! semaphores {
    ($tasks:literal) => {
        sides!(
            works::lock, $tasks, ::bibelot::sync::Semaphore,
            "tokio" Tokio => ::tokio::sync::Semaphore,
            "smol" Smol => ::smol::lock::Semaphore,
            "local-sync" Monoio => ::local_sync::semaphore::Semaphore,
            "glommio" Glommio => ::glommio::sync::Semaphore
        )
    };
}

macro_rules! channels {
    ($bound:literal) => {
        sides!(
            works::channel, $bound, of::Ours<$bound>,
            "tokio" Tokio => of::Tokio<$bound>,
            "smol" Smol => of::Smol<$bound>,
            "futures" Pool => of::Futures<$bound>,
            "flume" Tokio => of::Flume<$bound>,
            "local-sync" Monoio => of::Local<$bound>,
            "glommio" Glommio => of::Glommio<$bound>
        )
    };
}

macro_rules! onces {
    ($tasks:literal) => {
        sides!(
            works::once, $tasks, of::OursOnce,
            "tokio" Tokio => of::TokioOnce,
            "futures" Pool => of::FuturesOnce,
            "local-sync" Monoio => of::LocalOnce
        )
    };
}

macro_rules! bounded {
    ($work:path, $bound:literal) => {
        at_home!(
            $work, threads::Ours<$bound>,
            "tokio" Tokio => threads::Tokio<$bound>,
            "smol" Smol => threads::Smol<$bound>,
            "flume" Tokio => threads::Flume<$bound>,
            "std" Pool => threads::Std<$bound>
        )
    };
}

macro_rules! unbounded {
    ($work:path) => {
        at_home!(
            $work, threads::OursUnbounded,
            "tokio" Tokio => threads::TokioUnbounded,
            "smol" Smol => threads::SmolUnbounded,
            "flume" Tokio => threads::FlumeUnbounded,
            "std" Pool => threads::StdUnbounded
        )
    };
}

const WORKERS: &[Side] = at_home!(
    threads::in_thread, threads::OurWorker,
    "tokio" Tokio => threads::TokioWorker,
    "smol" Smol => threads::SmolWorker
);

/// What tasks share on one thread.
const fn tasks(name: &'static str, what: &'static str, sides: &'static [Side]) -> Row {
    Row {
        name,
        what,
        clock: Clock::Thread,
        goal: 0.5,
        ops: 100_000,
        sides,
    }
}

/// What a task and a thread share.
const fn both(name: &'static str, what: &'static str, ops: u64, sides: &'static [Side]) -> Row {
    Row {
        name,
        what,
        clock: Clock::Wall,
        goal: 1.0,
        ops,
        sides,
    }
}

/// What a thread does for a task.
const fn worker(name: &'static str, what: &'static str, clock: Clock) -> Row {
    Row {
        name,
        what,
        clock,
        goal: 0.9,
        ops: 5_000,
        sides: WORKERS,
    }
}

pub const ROWS: &[Row] = &[
    tasks("mutex", "mutex, free", mutexes!(1)),
    tasks("mutex_2", "mutex, 2 tasks", mutexes!(2)),
    tasks("mutex_100", "mutex, 100 tasks", mutexes!(100)),
    tasks("semaphore", "semaphore, free", semaphores!(1)),
    tasks("semaphore_2", "semaphore, 2 tasks", semaphores!(2)),
    tasks("semaphore_100", "semaphore, 100 tasks", semaphores!(100)),
    tasks("channel_1", "channel for 1", channels!(1)),
    tasks("channel_100", "channel for 100", channels!(100)),
    tasks(
        "unbounded",
        "channel without a limit",
        sides!(
            works::channel, u64::MAX, of::OursUnbounded,
            "tokio" Tokio => of::TokioUnbounded,
            "smol" Smol => of::SmolUnbounded,
            "futures" Pool => of::FuturesUnbounded,
            "flume" Tokio => of::FlumeUnbounded,
            "local-sync" Monoio => of::LocalUnbounded,
            "glommio" Glommio => of::GlommioUnbounded
        ),
    ),
    tasks(
        "rendezvous",
        "rendezvous",
        sides!(works::channel, 0, of::Ours<0>, "flume" Tokio => of::Flume<0>),
    ),
    tasks("oneshot", "oneshot, sent first", onces!(1)),
    tasks("oneshot_2", "oneshot, awaited first", onces!(2)),
    both(
        "to_task_100",
        "thread to task, 100, wall",
        100_000,
        bounded!(threads::to_task, 100),
    ),
    both(
        "to_task",
        "thread to task, wall",
        100_000,
        unbounded!(threads::to_task),
    ),
    both(
        "to_thread_100",
        "task to thread, 100, wall",
        100_000,
        bounded!(threads::to_thread, 100),
    ),
    both(
        "to_thread",
        "task to thread, wall",
        100_000,
        unbounded!(threads::to_thread),
    ),
    both(
        "round_trip",
        "task to thread and back, wall",
        5_000,
        bounded!(threads::round_trip, 1),
    ),
    worker("in_thread", "closure in a thread, wall", Clock::Wall),
    worker(
        "in_thread_cpu",
        "closure in a thread, CPU of all threads",
        Clock::Process,
    ),
];
