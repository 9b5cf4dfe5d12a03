//! What is known of every task, whatever its future: who it is, what it waits for, how far it is.
//!
//! It lies at the beginning of the task's cell (`task/cell.rs`) and is all that the rest of the crate
//! sees of one. Nothing here is polled or dropped; the fields are cells, so that a destructor which
//! comes back through a handle finds no borrow.

use std::cell::Cell;
use std::panic::Location;
use std::task::Waker;

use crate::scheduler::Current;
use crate::task::id::TaskId;
use crate::task::waits::Waits;
use crate::waker::Token;

/// What a task is born with.
pub(crate) struct Birth {
    /// Its number.
    pub(crate) id: TaskId,
    /// Who spawned it.
    pub(crate) parent: Option<TaskId>,
    /// Where it was spawned.
    pub(crate) spawned_at: &'static Location<'static>,
    /// Its name for wakers.
    pub(crate) token: Token,
}

/// Which field of the stage is alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// The future, which has not ended.
    Future,
    /// Nothing yet: the future is being dropped, and the task ends with that.
    Ending,
    /// The value it ended with.
    Output,
    /// Why there is none.
    Error,
    /// Nothing: it was taken, or is being dropped.
    Empty,
}

/// How much of a header's `number` is the generation. It leaves 48 bits to the task's own number:
/// ninety years of a hundred thousand tasks a second.
const GENERATION_BITS: u32 = 16;

/// The slot holds the cell.
pub(super) const SLOT: u8 = 1;
/// The join handle holds the cell.
pub(super) const HANDLE: u8 = 1 << 1;
/// A turn holds the cell: it is being polled or dropped.
pub(super) const TURN: u8 = 1 << 2;
/// Something is to be looked up before a poll: a cancel was asked for, the task has locals, or it is
/// the main one.
const SPECIAL: u8 = 1 << 3;
/// It has an entry in the executor's ledger, and does not end before that is paid.
const OWES: u8 = 1 << 7;

/// What every task has, whatever its future.
pub(crate) struct Header {
    /// The task's number, and in the low sixteen bits its token's generation.
    number: u64,
    /// The number of the task that spawned it, or zero.
    parent: u64,
    /// Where it was spawned.
    spawned_at: &'static Location<'static>,
    /// Where it waits.
    waits_at: Cell<Option<&'static Location<'static>>>,
    /// Who is to be woken at its end.
    joiner: Cell<Option<Waker>>,
    /// Its place in the scheduler.
    slot: u32,
    /// The number of its executor.
    executor: u16,
    /// What it waits for.
    waits: Cell<Waits>,
    /// The owners' bits and the stage.
    status: Cell<Status>,
}

/// Four flags, the stage, and [`OWES`] on top: so one comparison tells whether a task is finished.
#[derive(Clone, Copy, Debug)]
struct Status(u8);

impl Status {
    /// Where the stage begins.
    const STAGE_SHIFT: u32 = 4;
    /// The stage.
    const STAGE: u8 = 0b111 << Self::STAGE_SHIFT;
    /// Set, one or both, in the stages of a future that has ended: all but the first two.
    const ENDED: u8 = 0b110 << Self::STAGE_SHIFT;

    /// A status of this stage and these flags.
    fn new(stage: Stage, flags: u8) -> Self {
        Self((stage as u8) << Self::STAGE_SHIFT | flags)
    }

    /// The stage.
    fn stage(self) -> Stage {
        match (self.0 & Self::STAGE) >> Self::STAGE_SHIFT {
            0 => Stage::Future,
            1 => Stage::Ending,
            2 => Stage::Output,
            3 => Stage::Error,
            _ => Stage::Empty,
        }
    }

    /// The flags without the stage.
    fn flags(self) -> u8 {
        self.0 & !Self::STAGE
    }
}

impl Header {
    /// The header of a task that is in its slot and has a handle.
    pub(super) fn new(birth: &Birth) -> Self {
        Self {
            number: birth.id.get() << GENERATION_BITS | u64::from(birth.token.generation()),
            parent: birth.parent.map_or(0, TaskId::get),
            spawned_at: birth.spawned_at,
            waits_at: Cell::new(None),
            joiner: Cell::new(None),
            slot: birth.token.slot() as u32,
            executor: birth.token.executor(),
            waits: Cell::new(Waits::NOTHING),
            status: Cell::new(Status::new(Stage::Future, SLOT | HANDLE)),
        }
    }

    /// Which owners there are beside this one.
    pub(super) fn others(&self, owner: u8) -> u8 {
        self.status.get().0 & (SLOT | HANDLE | TURN) & !owner
    }

    /// Sets who is to be woken at the end; returns who was to be before.
    pub(super) fn set_joiner(&self, joiner: Option<Waker>) -> Option<Waker> {
        self.joiner.replace(joiner)
    }

    /// The task's number.
    pub(crate) fn id(&self) -> TaskId {
        TaskId::new(self.number >> GENERATION_BITS)
    }

    /// Where it was spawned.
    pub(crate) fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// What it waits for.
    pub(crate) fn waits(&self) -> Waits {
        self.waits.get()
    }

    /// Where it waits.
    pub(crate) fn waits_at(&self) -> Option<&'static Location<'static>> {
        self.waits_at.get()
    }

    /// Notes what it waits for, now that it parks.
    pub(crate) fn park(&self, waits: Waits, at: Option<&'static Location<'static>>) {
        self.waits.set(self.waits.get().kept() | waits);
        self.waits_at.set(at);
    }

    /// Who the task is.
    pub(crate) fn current(&self) -> Current {
        Current {
            token: self.token(),
            id: self.id(),
            parent: (self.parent > 0).then(|| TaskId::new(self.parent)),
            spawned_at: self.spawned_at,
        }
    }

    /// The task's name for wakers.
    pub(crate) fn token(&self) -> Token {
        Token::new(self.executor, self.number as u16, self.slot)
    }

    /// Whether the future has ended; the task has not, as long as it owes something.
    pub(crate) fn has_ended(&self) -> bool {
        self.has(Status::ENDED)
    }

    /// Whether the task has ended.
    pub(crate) fn is_finished(&self) -> bool {
        let first = (Stage::Output as u8) << Status::STAGE_SHIFT;
        (first..OWES).contains(&self.status.get().0)
    }

    /// Whether it has an entry in the executor's ledger.
    pub(crate) fn owes(&self) -> bool {
        self.has(OWES)
    }

    /// Notes whether it has an entry in the executor's ledger.
    pub(crate) fn set_owes(&self, owes: bool) {
        if owes {
            self.set(OWES);
        } else {
            self.clear(OWES);
        }
    }

    /// Whether the task ended with an error that nobody has seen.
    pub(crate) fn has_error(&self) -> bool {
        self.stage() == Stage::Error
    }

    /// Whether nobody is left to join it.
    pub(crate) fn is_detached(&self) -> bool {
        !self.has(HANDLE)
    }

    /// Whether there is more to end than the task itself: nobody is left to join it, it is special,
    /// or it owes something.
    pub(crate) fn has_ties(&self) -> bool {
        self.status.get().0 & (HANDLE | SPECIAL | OWES) != HANDLE
    }

    /// Whether `extras` is to be asked before a poll.
    pub(crate) fn is_special(&self) -> bool {
        self.has(SPECIAL)
    }

    /// Whether there is nothing to do in its turn but to poll the future.
    pub(crate) fn is_plain(&self) -> bool {
        !self.has(SPECIAL | Status::ENDED)
    }

    /// Notes that `extras` is to be asked before a poll.
    pub(crate) fn set_special(&self) {
        self.set_extras();
        self.set(SPECIAL);
    }

    /// Notes that `extras` knows something about this task and is to forget it at the end.
    pub(crate) fn set_extras(&self) {
        self.waits.set(self.waits.get() | Waits::EXTRAS);
    }

    /// Takes who is to be woken at the end.
    pub(crate) fn take_joiner(&self) -> Option<Waker> {
        self.joiner.take()
    }

    /// Which field of the stage is alive.
    pub(super) fn stage(&self) -> Stage {
        self.status.get().stage()
    }

    /// Sets which field of the stage is alive.
    pub(super) fn set_stage(&self, stage: Stage) {
        self.status
            .set(Status::new(stage, self.status.get().flags()));
    }

    /// Whether a flag is set.
    pub(super) fn has(&self, flag: u8) -> bool {
        self.status.get().0 & flag != 0
    }

    /// Sets a flag.
    pub(super) fn set(&self, flag: u8) {
        self.status.set(Status(self.status.get().0 | flag));
    }

    /// Clears a flag.
    pub(super) fn clear(&self, flag: u8) {
        self.status.set(Status(self.status.get().0 & !flag));
    }
}
