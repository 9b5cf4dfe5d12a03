//! The rows of the table: what is measured, how large, and what bibelot wants to reach.

/// What a row measures.
#[derive(Clone, Copy)]
pub enum Kind {
    SpawnJoin,
    Yield,
    PingPong,
    Ring,
    Timers,
    Timeout,
    CrossWake,
    Memory,
    Echo { connections: usize, bytes: usize },
}

/// What bibelot wants to reach.
#[derive(Clone, Copy)]
pub enum Goal {
    /// At most so many times the best peer.
    Best(f64),
    /// At most so many times the best peer, and less than so many milliseconds late on average.
    BestAndLate(f64, f64),
    /// At most so many times the best peer and the bare loop.
    BestAndRaw(f64, f64),
    /// At most so much.
    Absolute(f64),
}

/// One row.
#[derive(Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    pub kind: Kind,
    /// How many tasks take part.
    pub tasks: u64,
    /// How many operations make one batch.
    pub ops: u64,
    pub goal: Goal,
}

const fn row(name: &'static str, kind: Kind, tasks: u64, ops: u64, goal: Goal) -> Row {
    Row {
        name,
        kind,
        tasks,
        ops,
        goal,
    }
}

const fn echo(name: &'static str, connections: usize, bytes: usize) -> Row {
    let kind = Kind::Echo { connections, bytes };
    row(
        name,
        kind,
        connections as u64,
        0,
        Goal::BestAndRaw(1.00, 1.05),
    )
}

/// All rows, in the order of the table.
pub const ROWS: &[Row] = &[
    row("spawn_join_1", Kind::SpawnJoin, 1, 50_000, Goal::Best(0.95)),
    row(
        "spawn_join_1000",
        Kind::SpawnJoin,
        1_000,
        100_000,
        Goal::Best(0.90),
    ),
    row("yield_1", Kind::Yield, 1, 200_000, Goal::Best(0.50)),
    row(
        "yield_1000",
        Kind::Yield,
        1_000,
        1_000_000,
        Goal::Best(0.70),
    ),
    row("ping_pong", Kind::PingPong, 2, 100_000, Goal::Best(0.60)),
    row("ring_10000", Kind::Ring, 10_000, 500_000, Goal::Best(0.70)),
    row(
        "timers_100k",
        Kind::Timers,
        100_000,
        100_000,
        Goal::BestAndLate(0.80, 0.1),
    ),
    row("timeout_unused", Kind::Timeout, 1, 50_000, Goal::Best(0.65)),
    row("cross_wake", Kind::CrossWake, 1, 1_000, Goal::Best(1.00)),
    row(
        "memory_per_task_bytes",
        Kind::Memory,
        1_000_000,
        1_000_000,
        Goal::Absolute(104.0),
    ),
    echo("echo_1x64", 1, 64),
    echo("echo_64x64", 64, 64),
    echo("echo_1000x64", 1_000, 64),
    echo("echo_64x16384", 64, 16_384),
];

impl Row {
    pub fn named(name: &str) -> Option<Row> {
        ROWS.iter().copied().find(|row| row.name == name)
    }

    pub fn is_echo(&self) -> bool {
        matches!(self.kind, Kind::Echo { .. })
    }

    /// Whether somebody on the other core takes part, which makes rounds differ more.
    pub fn has_other_side(&self) -> bool {
        self.is_echo() || matches!(self.kind, Kind::CrossWake)
    }
}
