//! What is recorded of a run, by bibelot and by the model alike.

use crate::program::Id;

/// How a task has ended, for who joins it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// With its block's value.
    Value(Id),
    /// With the error of this step.
    Failed(Id),
    /// By a cancel.
    Cancelled,
    /// By the panic of this step.
    Panicked(Id),
}

/// How a step or block has ended that was not dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should.
    Done,
    /// With the error of this step.
    Failed(Id),
    /// The time was up, or the scope cancelled.
    Elapsed,
    /// There was nobody to wait for, or nothing to do it with.
    Absent,
    /// A join has seen this.
    Joined(Fate),
    /// A group has ended with these values, or with these failures.
    Group(Result<Vec<Id>, Vec<Fate>>),
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A step or block was polled for the first time.
    Begin(Id),
    /// It has ended.
    End(Id, End),
    /// It was dropped before its end.
    Dropped(Id),
    /// A group has handed out one of its members' ends.
    Next(Id, Fate),
    /// A panic was reported.
    Reported(Id),
    /// An epilogue was given up.
    Abandoned,
    /// After the run: this handle was left, and says this.
    Left(Id, Fate),
}

/// An event, and when it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When, counted from the start.
    pub(crate) at: u64,
    /// In which task.
    pub(crate) task: Id,
    /// What.
    pub(crate) event: Event,
}
