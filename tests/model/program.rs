//! Programs: trees of steps, made from a seed, printed for people, and made smaller.

use std::fmt;

/// The name of a step or a block. A task has that of the step which spawns it, and so have scopes and
/// groups. Names rise in the order of the text, and steps name only what is above them, except that
/// a join names what has a greater name than its own task: so no two tasks wait for each other.
pub(crate) type Id = u32;

/// Steps, one after another; its value is its name.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// Its name.
    pub(crate) id: Id,
    /// The steps.
    pub(crate) steps: Vec<Step>,
}

/// One step, which may have blocks in it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Its name.
    pub(crate) id: Id,
    /// What it does.
    pub(crate) what: What,
}

/// What a step does. An error of a block inside ends the block around, as `?` does.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// `sleep`.
    Sleep(u64),
    /// `yield_now`.
    Yield,
    /// Ends the block with an error.
    Fail,
    /// Panics.
    Panic,
    /// `spawn`; the handle is kept by the world.
    Spawn(Block),
    /// `Spawner::spawn` into a group; the member's handle is kept by the world.
    SpawnIn(Id, Block),
    /// Waits for a task by its handle; nothing, if that is gone or somebody waits already.
    Join(Id),
    /// `Member::join`; nothing, if the handle is gone or the value was given to the group's owner.
    JoinMember(Id),
    /// `JoinHandle::cancel` or `Member::cancel`; nothing, if the handle is gone.
    Cancel(Id),
    /// `JoinHandle::cancel_within`; nothing, if the handle is gone or is a member's.
    CancelWithin(Id, u64),
    /// `cancelled` under a timeout.
    Cancelled(u64),
    /// Drops a task's handle, unless somebody waits by it.
    Detach(Id),
    /// `CancelScope::cancel`, if there is such a scope.
    CancelScope(Id),
    /// `CancelScope::set_deadline`, counted from now.
    MoveScope(Id, u64),
    /// `TaskGroup::cancel_all`, while the group's body runs.
    CancelAll(Id),
    /// `shield`.
    Shield(Block),
    /// `finally`.
    Finally(Block, Block),
    /// `bracket`.
    Bracket(Block, Block),
    /// `timeout`.
    Timeout(u64, Block),
    /// `CancelScope::run`.
    Scope(Block),
    /// `race`.
    Race(Block, Block),
    /// `task::join`.
    Both(Block, Block),
    /// A `TaskGroup`: first the body, in which it may be filled, then its end.
    Group(Block, How),
}

/// How a group ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// `join`.
    Join,
    /// `next` until there is nobody.
    NextAll,
    /// `next` once; then it is dropped.
    NextOnce,
    /// `next` under a timeout, and if that elapses or not, `join`.
    NextWithin(u64),
    /// `join_any`.
    Any,
    /// `join_first_ok`.
    FirstOk,
    /// It is dropped.
    Drop,
}

impl What {
    /// The blocks inside.
    pub(crate) fn blocks(&self) -> Vec<&Block> {
        match self {
            Self::Spawn(a)
            | Self::SpawnIn(_, a)
            | Self::Shield(a)
            | Self::Timeout(_, a)
            | Self::Scope(a)
            | Self::Group(a, _) => vec![a],
            Self::Finally(a, b) | Self::Bracket(a, b) | Self::Race(a, b) | Self::Both(a, b) => {
                vec![a, b]
            }
            _ => Vec::new(),
        }
    }

    /// The blocks inside, to be changed.
    fn blocks_mut(&mut self) -> Vec<&mut Block> {
        match self {
            Self::Spawn(a)
            | Self::SpawnIn(_, a)
            | Self::Shield(a)
            | Self::Timeout(_, a)
            | Self::Scope(a)
            | Self::Group(a, _) => vec![a],
            Self::Finally(a, b) | Self::Bracket(a, b) | Self::Race(a, b) | Self::Both(a, b) => {
                vec![a, b]
            }
            _ => Vec::new(),
        }
    }

    /// The head of its line in a printed program.
    fn head(&self) -> String {
        match self {
            Self::Sleep(time) => format!("sleep({time})"),
            Self::Yield => "yield".into(),
            Self::Fail => "fail".into(),
            Self::Panic => "panic".into(),
            Self::Spawn(_) => "spawn".into(),
            Self::SpawnIn(group, _) => format!("spawn_in(#{group})"),
            Self::Join(task) => format!("join(#{task})"),
            Self::JoinMember(task) => format!("join_member(#{task})"),
            Self::Cancel(task) => format!("cancel(#{task})"),
            Self::CancelWithin(task, time) => format!("cancel_within(#{task}, {time})"),
            Self::Cancelled(time) => format!("cancelled, or after {time}"),
            Self::Detach(task) => format!("detach(#{task})"),
            Self::CancelScope(scope) => format!("cancel_scope(#{scope})"),
            Self::MoveScope(scope, time) => format!("move_scope(#{scope}, {time})"),
            Self::CancelAll(group) => format!("cancel_all(#{group})"),
            Self::Shield(_) => "shield".into(),
            Self::Finally(..) => "finally".into(),
            Self::Bracket(..) => "bracket".into(),
            Self::Timeout(time, _) => format!("timeout({time})"),
            Self::Scope(_) => "scope".into(),
            Self::Race(..) => "race".into(),
            Self::Both(..) => "both".into(),
            Self::Group(_, how) => format!("group, {how:?}"),
        }
    }
}

impl Block {
    /// Prints the steps, each on a line.
    fn print(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{:1$}#{2} {3}", "", depth * 4, step.id, step.what.head())?;
            for (nth, block) in step.what.blocks().into_iter().enumerate() {
                if nth > 0 {
                    writeln!(f, "{:1$}and", "", depth * 4 + 2)?;
                }
                writeln!(f, "{:1$}#{2}:", "", depth * 4 + 2, block.id)?;
                block.print(f, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Makes the change of number `nth` that leaves less of the program: a step is left out, or a
    /// block takes the place of the step around it. `false` says that there are no more.
    fn change(&mut self, nth: &mut usize) -> bool {
        for at in 0..self.steps.len() {
            if *nth == 0 {
                self.steps.remove(at);
                return true;
            }
            *nth -= 1;
            let blocks = self.steps[at].what.blocks_mut();
            let count = blocks.len();
            if *nth < count {
                let inner = blocks
                    .into_iter()
                    .nth(*nth)
                    .map(|block| block.steps.clone());
                self.steps.splice(at..=at, inner.into_iter().flatten());
                return true;
            }
            *nth -= count;
            if blocks.into_iter().any(|block| block.change(nth)) {
                return true;
            }
        }
        false
    }

    /// Makes the program smaller as long as it still fails.
    pub(crate) fn shrink(mut self, fails: impl Fn(&Self) -> bool) -> Self {
        let mut nth = 0;
        loop {
            let mut smaller = self.clone();
            if !smaller.change(&mut { nth }) {
                return self;
            }
            if fails(&smaller) {
                self = smaller;
                nth = 0;
            } else {
                nth += 1;
            }
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, 1)
    }
}
