//! Programs from seeds.

use crate::program::{Block, How, Id, Step, What};

/// Which times a program has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// Seldom the same twice.
    Apart,
    /// All but the same.
    Tied,
}

/// A generator of numbers (SplitMix64).
pub(crate) struct Rng(u64);

impl Rng {
    /// The generator of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

/// What was written so far.
struct Writer {
    /// Chooses.
    rng: Rng,
    /// Which times it chooses.
    times: Times,
    /// The next name.
    next: Id,
    /// How many more steps there may be.
    left: u32,
    /// The tasks that a step may name.
    tasks: Vec<Id>,
    /// The members of groups.
    members: Vec<Id>,
    /// The scopes.
    scopes: Vec<Id>,
    /// The groups.
    groups: Vec<Id>,
}

/// Where a step is written.
#[derive(Clone, Copy)]
struct Around {
    /// The task.
    task: Id,
    /// How many blocks are around.
    depth: u32,
    /// Whether it may panic: not in the main future's own poll.
    may_panic: bool,
    /// The group whose body is the innermost around, if any.
    group: Option<Id>,
    /// The innermost scope around, if any.
    scope: Option<Id>,
}

/// The program of a seed.
pub(crate) fn program(seed: u64, times: Times) -> Block {
    let mut writer = Writer {
        rng: Rng::new(seed),
        times,
        next: 0,
        left: 0,
        tasks: Vec::new(),
        members: Vec::new(),
        scopes: Vec::new(),
        groups: Vec::new(),
    };
    writer.left = 6 + writer.rng.below(40) as u32;
    let around = Around {
        task: 0,
        depth: 0,
        may_panic: false,
        group: None,
        scope: None,
    };
    let mut program = writer.block(around);
    while writer.left > 0 {
        writer.step(around, &mut program.steps);
    }
    program
}

impl Writer {
    /// A name.
    fn name(&mut self) -> Id {
        self.next += 1;
        self.next - 1
    }

    /// A time.
    fn time(&mut self) -> u64 {
        match self.times {
            Times::Apart => 1 + self.rng.below(9973),
            Times::Tied if self.rng.below(24) == 0 => 6000,
            Times::Tied => self.rng.below(4),
        }
    }

    /// One of what may be named.
    fn one_of(rng: &mut Rng, names: &[Id]) -> Option<Id> {
        if names.is_empty() {
            return None;
        }
        Some(names[rng.below(names.len() as u64) as usize])
    }

    /// A block.
    fn block(&mut self, around: Around) -> Block {
        let id = self.name();
        let mut steps = Vec::new();
        for _ in 0..=self.rng.below(4) {
            self.step(around, &mut steps);
        }
        Block { id, steps }
    }

    /// A step, after a sleep more often than not.
    fn step(&mut self, around: Around, steps: &mut Vec<Step>) {
        if self.rng.below(3) == 0 {
            let what = What::Sleep(self.time());
            let id = self.name();
            steps.push(Step { id, what });
        }
        self.left = self.left.saturating_sub(1);
        let id = self.name();
        let what = if self.left > 0 && around.depth < 5 && self.rng.below(5) < 3 {
            self.compound(id, around)
        } else {
            self.simple(around)
        };
        let is_cancel = matches!(what, What::CancelScope(_));
        steps.push(Step { id, what });
        if is_cancel && self.rng.below(2) == 0 {
            // Two at once, of which one may be in the other.
            let what = Self::one_of(&mut self.rng, &self.scopes).map(What::CancelScope);
            let id = self.name();
            steps.extend(what.map(|what| Step { id, what }));
        }
    }

    /// A step without blocks in it.
    fn simple(&mut self, around: Around) -> What {
        let rng = &mut self.rng;
        let younger = |names: &[Id]| -> Vec<Id> {
            let names = names.iter().copied();
            names.filter(|name| *name > around.task).collect()
        };
        let found = match rng.below(24) {
            0..=1 => Some(What::Yield),
            2 => (rng.below(3) == 0).then_some(What::Fail),
            3 => (around.may_panic && rng.below(2) == 0).then_some(What::Panic),
            4..=6 | 19 => Self::one_of(rng, &younger(&self.tasks)).map(What::Join),
            7 => Self::one_of(rng, &younger(&self.members)).map(What::JoinMember),
            8..=9 => Self::one_of(rng, &self.tasks).map(What::Cancel),
            10 => Self::one_of(rng, &self.members).map(What::Cancel),
            11 => Self::one_of(rng, &self.tasks).map(What::Detach),
            12 => Self::one_of(rng, &self.scopes).map(What::CancelScope),
            13 => Self::one_of(rng, &self.scopes).map(|scope| What::MoveScope(scope, self.time())),
            14 => Self::one_of(rng, &self.groups).map(What::CancelAll),
            15 => Self::one_of(rng, &self.tasks).map(|task| What::CancelWithin(task, self.time())),
            17..=18 => around.scope.map(What::CancelScope),
            16 => Some(What::Cancelled(self.time())),
            _ => None,
        };
        found.unwrap_or_else(|| What::Sleep(self.time()))
    }

    /// A step with blocks in it.
    fn compound(&mut self, id: Id, around: Around) -> What {
        let inside = Around {
            depth: around.depth + 1,
            ..around
        };
        let task = Around {
            task: id,
            may_panic: true,
            ..inside
        };
        if let Some(group) = around.group
            && self.rng.below(2) == 0
        {
            return self.member(id, group, task);
        }
        match self.rng.below(16) {
            0..=2 => {
                self.tasks.push(id);
                What::Spawn(self.block(task))
            }
            3 => match Self::one_of(&mut self.rng, &self.groups) {
                Some(group) => self.member(id, group, task),
                None => What::Shield(self.block(inside)),
            },
            4 => What::Shield(self.block(inside)),
            5..=6 => What::Finally(self.block(inside), self.block(inside)),
            7 => What::Bracket(self.block(inside), self.block(inside)),
            8..=9 => What::Timeout(self.time(), self.block(inside)),
            10 => {
                self.scopes.push(id);
                What::Scope(self.block(Around {
                    scope: Some(id),
                    ..inside
                }))
            }
            11..=12 => What::Race(self.block(inside), self.block(inside)),
            13 => What::Both(self.block(inside), self.block(inside)),
            _ => self.group(id, inside),
        }
    }

    /// A member of a group.
    fn member(&mut self, id: Id, group: Id, task: Around) -> What {
        self.members.push(id);
        What::SpawnIn(group, self.block(task))
    }

    /// A group.
    fn group(&mut self, id: Id, inside: Around) -> What {
        self.groups.push(id);
        let body = self.block(Around {
            group: Some(id),
            ..inside
        });
        let how = match self.rng.below(8) {
            0..=1 => How::Join,
            2 => How::NextAll,
            3 => How::NextOnce,
            4 => How::NextWithin(self.time()),
            5 => How::Any,
            6 => How::FirstOk,
            _ => How::Drop,
        };
        What::Group(body, how)
    }
}
