//! What is known of every task, whatever its future: who it is, what it waits for, how far it is.
//!
//! It lies at the beginning of the task's cell (`task/cell.rs`) and is all that the rest of the crate
//! sees of one. Nothing here is polled or dropped; the fields are cells, so that a destructor which
//! comes back through a handle finds no borrow.

use std::cell::Cell;
use std::panic::Location;
use std::task::Waker;

use crate::task::id::{Current, TaskId};
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

/// Which field of the stage is alive: as small as it is in the status, which is asked all the time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Stage(u8);

impl Stage {
    /// The future, which has not ended.
    pub(super) const FUTURE: Self = Self(0);
    /// Nothing yet: the future is being dropped, and has ended with that.
    pub(super) const ENDING: Self = Self(1);
    /// The value it ended with.
    pub(super) const OUTPUT: Self = Self(2);
    /// Why there is none.
    pub(super) const ERROR: Self = Self(3);
    /// Nothing: it was taken, or is being dropped.
    pub(super) const EMPTY: Self = Self(4);
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
/// It has no entry in the executor's ledger; one that has does not end before that is paid. It is
/// the highest bit, above the stage, so that one comparison tells whether the task has ended.
const PAID: u8 = 1 << 7;

/// What the main task of a run has for a parent: the last number of 48 bits.
const NO_PARENT: u64 = (1 << 48) - 1;

/// What every task has, whatever its future.
pub(crate) struct Header {
    /// The task's number, and in the low sixteen bits its token's generation.
    number: u64,
    /// Where it was spawned.
    spawned_at: &'static Location<'static>,
    /// Where it waits.
    waits_at: Cell<Option<&'static Location<'static>>>,
    /// Who is to be woken at its end.
    joiner: Cell<Option<Waker>>,
    /// The low bits of its parent's number: that of the task that spawned it, or zero; [`NO_PARENT`]
    /// for the main task.
    parent_low: Cell<u32>,
    /// Its place in the scheduler.
    slot: u32,
    /// The other bits of its parent's number.
    parent_high: Cell<u16>,
    /// The number of its executor.
    executor: u16,
    /// What it waits for.
    waits: Cell<Waits>,
    /// The owners' bits and the stage.
    status: Cell<Status>,
}

/// From the highest bit: [`PAID`], the stage in three bits, the other flags.
#[derive(Clone, Copy, Debug)]
struct Status(u8);

impl Status {
    /// Where the stage begins.
    const STAGE_SHIFT: u32 = 4;
    /// The bits of the stage.
    const STAGE: u8 = 0b111 << Self::STAGE_SHIFT;
    /// Of these one or both are set when the future has ended: in all stages but the first two.
    const ENDED: u8 = 0b110 << Self::STAGE_SHIFT;

    /// A status of this stage and these flags.
    const fn new(stage: Stage, flags: u8) -> Self {
        Self(stage.0 << Self::STAGE_SHIFT | flags)
    }

    /// The stage.
    fn stage(self) -> Stage {
        Stage((self.0 & Self::STAGE) >> Self::STAGE_SHIFT)
    }

    /// The flags alone.
    fn flags(self) -> u8 {
        self.0 & !Self::STAGE
    }
}

impl Header {
    /// The header of a task that is in its slot and has a handle.
    pub(super) fn new(birth: &Birth) -> Self {
        let header = Self {
            number: birth.id.get() << GENERATION_BITS | u64::from(birth.token.generation()),
            spawned_at: birth.spawned_at,
            waits_at: Cell::new(None),
            joiner: Cell::new(None),
            parent_low: Cell::new(0),
            slot: birth.token.slot() as u32,
            parent_high: Cell::new(0),
            executor: birth.token.executor(),
            waits: Cell::new(Waits::NOTHING),
            status: Cell::new(Status::new(Stage::FUTURE, SLOT | HANDLE | PAID)),
        };
        header.set_parent(birth.parent.map_or(0, TaskId::get));
        header
    }

    /// Its parent's number, or what stands for none.
    fn parent(&self) -> u64 {
        u64::from(self.parent_high.get()) << 32 | u64::from(self.parent_low.get())
    }

    /// Sets its parent's number, or what stands for none.
    fn set_parent(&self, parent: u64) {
        self.parent_low.set(parent as u32);
        self.parent_high.set((parent >> 32) as u16);
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
            parent: match self.parent() {
                0 | NO_PARENT => None,
                parent => Some(TaskId::new(parent)),
            },
            spawned_at: self.spawned_at,
            is_main: self.is_main(),
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
        self.status.get().0 >= const { Status::new(Stage::OUTPUT, PAID).0 }
    }

    /// Whether it has an entry in the executor's ledger.
    pub(crate) fn owes(&self) -> bool {
        !self.has(PAID)
    }

    /// Notes whether it has an entry in the executor's ledger.
    pub(crate) fn set_owes(&self, owes: bool) {
        if owes {
            self.clear(PAID);
        } else {
            self.set(PAID);
        }
    }

    /// Whether nobody is left to join it, and it has left a value or an error.
    pub(crate) fn has_left_overs(&self) -> bool {
        self.is_detached() && self.stage() != Stage::EMPTY
    }

    /// Whether the task ended with an error that nobody has seen.
    pub(crate) fn has_error(&self) -> bool {
        self.stage() == Stage::ERROR
    }

    /// Whether nobody is left to join it.
    pub(crate) fn is_detached(&self) -> bool {
        !self.has(HANDLE)
    }

    /// Whether `extras` is to be asked before a poll.
    pub(crate) fn is_special(&self) -> bool {
        self.has(SPECIAL)
    }

    /// Whether its future is to be polled, and nothing to be looked up before.
    pub(crate) fn is_to_poll(&self) -> bool {
        !self.has(SPECIAL | Status::ENDED)
    }

    /// Whether there is more to its end than that of the future: nobody is left to join it, or there
    /// is something to be looked up.
    pub(crate) fn has_ties(&self) -> bool {
        self.status.get().0 & (HANDLE | PAID | SPECIAL) != HANDLE | PAID
    }

    /// Whether it has left nothing, and there is nothing to be looked up at its end: most tasks without
    /// a handle.
    pub(crate) fn is_over(&self) -> bool {
        let status = self.status.get().0 & (Status::STAGE | PAID | SPECIAL);
        status == const { Status::new(Stage::EMPTY, PAID).0 }
    }

    /// Whether there is nothing to be looked up at its end, neither in `extras` nor in the ledger.
    pub(crate) fn is_plain(&self) -> bool {
        self.status.get().0 & (PAID | SPECIAL) == PAID
    }

    /// Notes that `extras` is to be asked before a poll.
    pub(crate) fn set_special(&self) {
        self.set_extras();
        self.set(SPECIAL);
    }

    /// Whether it is the main task of a run.
    pub(crate) fn is_main(&self) -> bool {
        self.parent() == NO_PARENT
    }

    /// Notes that it is the main task of a run.
    pub(crate) fn set_main(&self) {
        self.set_parent(NO_PARENT);
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
