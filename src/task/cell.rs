//! One allocation for one task: first its future, then its output.
//!
//! ```text
//!              ┌── Header, 64 bytes ─────────────────────────────┬─ stage ──────────────┐
//!   TaskRef ──►│ vtable · id · parent · places · joiner · status │ future│output│error  │◄── JoinRef
//!   (the slot) └─────────────────────────────────────────────────┴──────────────────────┘ (the handle)
//!
//!   FUTURE ── poll: ready ──► OUTPUT ── join ──► EMPTY
//!      ├───── poll: panic ──► ERROR ─── join ──► EMPTY
//!      └───── cancel ───────► ERROR
//! ```
//!
//! Two owners at most: the scheduler's slot and the join handle. Each has a bit in the status, not a
//! count, and the one that leaves last frees the cell. Wakers own nothing (`waker.rs`).
//!
//! Laws, to which every `SAFETY` refers. (A) The cell lives as long as one owner's bit is set, and an
//! owner clears its bit only in its `Drop`. (B) The stage says which field of the union is alive; it
//! is set to EMPTY *before* that field is dropped or moved out, so a panic or a re-entrant call finds
//! nothing to drop twice. (C) The status lies beside the stage, and no reference to the stage exists
//! while a future or an output is dropped: destructors are user code and may come back here through
//! the handle. (D) Only the slot's owner polls, and it polls with `&mut TaskRef`: never twice at a
//! time. (E) The vtable was made for the cell's own future type, and both owners stay on one thread.
//!
//! Why not `Rc<RefCell<dyn …>>`: two words of counts and a borrow flag a task, a fat pointer a slot,
//! and pinning would be unsafe all the same. Read next: `task/join.rs`.
#![expect(
    unsafe_code,
    reason = "the union of future and output, and its two owners"
)]

use std::alloc::{Layout, handle_alloc_error};
use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll, Waker};

use crate::error::{JoinError, Panicked};
use crate::report::{self, discard};
use crate::scheduler::Current;
use crate::task::extras;
use crate::task::id::TaskId;
use crate::task::pool;
use crate::task::waits::Waits;
use crate::waker::{self, Token};

/// Which field of the stage is alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The future, which has not ended.
    Future,
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
const SLOT: u8 = 1;
/// The join handle holds the cell.
const HANDLE: u8 = 1 << 1;
/// A cancel was asked for.
const CANCEL: u8 = 1 << 2;
/// `extras` knows something about this task.
const EXTRAS: u8 = 1 << 3;

/// What every task has, whatever its future: one cache line.
pub(crate) struct Header {
    /// What depends on the future's type.
    vtable: &'static Vtable,
    /// The task's number, and in the low sixteen bits its token's generation.
    number: u64,
    /// Who spawned it.
    parent: Option<TaskId>,
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

/// The stage in the high bits, flags in the low ones.
#[derive(Clone, Copy, Debug)]
struct Status(u8);

impl Status {
    /// Where the stage begins.
    const STAGE_SHIFT: u32 = 4;

    /// A status of this stage and these flags.
    fn new(stage: Stage, flags: u8) -> Self {
        Self((stage as u8) << Self::STAGE_SHIFT | flags)
    }

    /// The stage.
    fn stage(self) -> Stage {
        match self.0 >> Self::STAGE_SHIFT {
            0 => Stage::Future,
            1 => Stage::Output,
            2 => Stage::Error,
            _ => Stage::Empty,
        }
    }

    /// The flags alone.
    fn flags(self) -> u8 {
        self.0 & ((1 << Self::STAGE_SHIFT) - 1)
    }
}

impl Header {
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
        self.waits.set(waits);
        self.waits_at.set(at);
    }

    /// Who the task is.
    pub(crate) fn current(&self) -> Current {
        Current {
            token: self.token(),
            id: self.id(),
            parent: self.parent,
            spawned_at: self.spawned_at,
        }
    }

    /// The task's name for wakers.
    pub(crate) fn token(&self) -> Token {
        Token::new(self.executor, self.number as u16, self.slot)
    }

    /// Whether the future has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.stage() != Stage::Future
    }

    /// Whether a cancel was asked for.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.has(CANCEL)
    }

    /// Notes that a cancel was asked for.
    pub(crate) fn set_cancelled(&self) {
        self.set(CANCEL);
    }

    /// Notes that `extras` knows something about this task and is to forget it at the end.
    pub(crate) fn set_extras(&self) {
        self.set(EXTRAS);
    }

    /// Takes who is to be woken at the end.
    pub(crate) fn take_joiner(&self) -> Option<Waker> {
        self.joiner.take()
    }

    /// Which field of the stage is alive.
    fn stage(&self) -> Stage {
        self.status.get().stage()
    }

    /// Sets which field of the stage is alive.
    fn set_stage(&self, stage: Stage) {
        self.status
            .set(Status::new(stage, self.status.get().flags()));
    }

    /// Whether a flag is set.
    fn has(&self, flag: u8) -> bool {
        self.status.get().0 & flag != 0
    }

    /// Sets a flag.
    fn set(&self, flag: u8) {
        self.status.set(Status(self.status.get().0 | flag));
    }

    /// Clears a flag.
    fn clear(&self, flag: u8) {
        self.status.set(Status(self.status.get().0 & !flag));
    }
}

/// What depends on the future's type.
struct Vtable {
    /// Polls the future; at its end leaves output or error in the stage.
    poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> Poll<()>,
    /// Drops what is alive in the stage; what its destructor panicked with comes back.
    drop_stage: unsafe fn(NonNull<Header>) -> Result<(), Box<dyn Any + Send>>,
    /// Leaves an error in the stage, which is empty.
    fail: unsafe fn(NonNull<Header>, JoinError),
    /// Moves output or error out of the stage, to where the second pointer says.
    take: unsafe fn(NonNull<Header>, *mut ()),
    /// Moves the error out of the stage, if there is one.
    take_error: unsafe fn(NonNull<Header>) -> Option<JoinError>,
    /// What was allocated.
    layout: Layout,
}

/// The one allocation.
#[repr(C)]
struct TaskCell<F: Future> {
    /// What every task has. First, so that a pointer to it is one to the cell.
    header: Header,
    /// Future, output or error.
    stage: UnsafeCell<StageOf<F>>,
}

/// Future, output or error; the status says which.
union StageOf<F: Future> {
    /// Alive in FUTURE; never moved until it is dropped.
    future: ManuallyDrop<F>,
    /// Alive in OUTPUT.
    #[expect(
        dead_code,
        reason = "it makes room; it is reached by a pointer to the stage"
    )]
    output: ManuallyDrop<F::Output>,
    /// Alive in ERROR.
    #[expect(
        dead_code,
        reason = "it makes room; it is reached by a pointer to the stage"
    )]
    error: ManuallyDrop<Box<JoinError>>,
}

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

/// Allocates the cell of a task: the slot's part and the handle's.
pub(crate) fn new<F: Future>(birth: &Birth, future: F) -> (TaskRef, JoinRef<F::Output>) {
    let layout = const { Layout::new::<TaskCell<F>>() };
    let Some(memory) = pool::allocate(layout) else {
        handle_alloc_error(layout)
    };
    let cell = memory.cast::<TaskCell<F>>();
    let value = TaskCell {
        header: Header {
            vtable: &Vtable {
                poll: poll::<F>,
                drop_stage: drop_stage::<F>,
                fail: fail::<F>,
                take: take::<F>,
                take_error: take_error::<F>,
                layout: const { Layout::new::<TaskCell<F>>() },
            },
            number: birth.id.get() << GENERATION_BITS | u64::from(birth.token.generation()),
            parent: birth.parent,
            spawned_at: birth.spawned_at,
            waits_at: Cell::new(None),
            joiner: Cell::new(None),
            slot: birth.token.slot() as u32,
            executor: birth.token.executor(),
            waits: Cell::new(Waits::NOTHING),
            status: Cell::new(Status::new(Stage::Future, SLOT | HANDLE)),
        },
        stage: UnsafeCell::new(StageOf {
            future: ManuallyDrop::new(future),
        }),
    };
    // SAFETY: the memory was just allocated with this very layout, and nobody else knows it.
    unsafe { cell.write(value) };
    let header = cell.cast();
    (TaskRef(header), JoinRef(header, PhantomData))
}

/// A pointer to the stage of the cell behind `header`.
fn stage_of<F: Future>(header: NonNull<Header>) -> *mut StageOf<F> {
    let cell = header.cast::<TaskCell<F>>().as_ptr();
    // SAFETY: the cell is alive (A) and of this type (E); only a place is computed, nothing is read.
    let stage = unsafe { &raw const (*cell).stage };
    UnsafeCell::raw_get(stage)
}

/// See [`Vtable::poll`]. The stage must be FUTURE.
unsafe fn poll<F: Future>(header: NonNull<Header>, cx: &mut Context<'_>) -> Poll<()> {
    let future = stage_of::<F>(header).cast::<F>();
    let polled = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the stage is FUTURE, so the future is alive (B), and nobody else polls it (D).
        let future = unsafe { &mut *future };
        // SAFETY: it lies in the cell, which does not move, and is dropped there (C).
        let future = unsafe { Pin::new_unchecked(future) };
        future.poll(cx)
    }));
    let output = match polled {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready(output)) => Ok(output),
        Err(payload) => Err(payload),
    };
    // SAFETY: the header is alive by (A) and of this type (E).
    let dropped = unsafe { drop_stage::<F>(header) };
    // SAFETY: the cell is alive (A).
    let head = unsafe { header.as_ref() };
    match (output, dropped) {
        (Ok(output), Ok(())) => {
            let stage = stage_of::<F>(header).cast::<F::Output>();
            // SAFETY: the stage is EMPTY, so nothing is overwritten (B), and it has room (E).
            unsafe { stage.write(output) };
            head.set_stage(Stage::Output);
        }
        (Ok(output), Err(payload)) => {
            discard(output);
            // SAFETY: the stage is EMPTY (B), the type the cell's own (E).
            unsafe { fail::<F>(header, panicked(head, payload)) };
        }
        (Err(payload), dropped) => {
            if let Err(second) = dropped {
                discard(second);
            }
            // SAFETY: the stage is EMPTY (B), the type the cell's own (E).
            unsafe { fail::<F>(header, panicked(head, payload)) };
        }
    }
    Poll::Ready(())
}

/// See [`Vtable::drop_stage`].
unsafe fn drop_stage<F: Future>(header: NonNull<Header>) -> Result<(), Box<dyn Any + Send>> {
    // SAFETY: the cell is alive (A).
    let head = unsafe { header.as_ref() };
    let was = head.stage();
    head.set_stage(Stage::Empty);
    let stage = stage_of::<F>(header);
    catch_unwind(AssertUnwindSafe(|| match was {
        // SAFETY: the status says that the future is alive, and it does no longer (B).
        Stage::Future => unsafe { ptr::drop_in_place(stage.cast::<F>()) },
        // SAFETY: the status says that the output is alive, and it does no longer (B).
        Stage::Output => unsafe { ptr::drop_in_place(stage.cast::<F::Output>()) },
        // SAFETY: the status says that the error is alive, and it does no longer (B).
        Stage::Error => unsafe { ptr::drop_in_place(stage.cast::<Box<JoinError>>()) },
        Stage::Empty => {}
    }))
}

/// See [`Vtable::fail`].
unsafe fn fail<F: Future>(header: NonNull<Header>, error: JoinError) {
    let stage = stage_of::<F>(header).cast::<Box<JoinError>>();
    // SAFETY: the caller says that the stage is EMPTY, so nothing is overwritten (B).
    unsafe { stage.write(Box::new(error)) };
    // SAFETY: the cell is alive (A).
    let head = unsafe { header.as_ref() };
    head.set_stage(Stage::Error);
}

/// See [`Vtable::take`]; `into` points to an `Option<Result<F::Output, JoinError>>`.
unsafe fn take<F: Future>(header: NonNull<Header>, into: *mut ()) {
    // SAFETY: the cell is alive (A).
    let head = unsafe { header.as_ref() };
    let taken = if head.stage() == Stage::Output {
        head.set_stage(Stage::Empty);
        let output = stage_of::<F>(header).cast::<F::Output>();
        // SAFETY: the status said that the output is alive; it is moved out once (B).
        Some(Ok(unsafe { output.read() }))
    } else {
        // SAFETY: the type is the cell's own (E).
        unsafe { take_error::<F>(header) }.map(Err)
    };
    // SAFETY: the caller passes a place of this type (E) that may be overwritten: it holds `None`.
    unsafe {
        into.cast::<Option<Result<F::Output, JoinError>>>()
            .write(taken)
    };
}

/// See [`Vtable::take_error`].
unsafe fn take_error<F: Future>(header: NonNull<Header>) -> Option<JoinError> {
    // SAFETY: the cell is alive (A).
    let head = unsafe { header.as_ref() };
    if head.stage() != Stage::Error {
        return None;
    }
    head.set_stage(Stage::Empty);
    let error = stage_of::<F>(header).cast::<Box<JoinError>>();
    // SAFETY: the status said that the error is alive; it is moved out once (B).
    Some(*unsafe { error.read() })
}

/// The error of a task that panicked.
fn panicked(header: &Header, payload: Box<dyn Any + Send>) -> JoinError {
    JoinError::Panicked(Panicked {
        task: extras::describe(header),
        payload,
    })
}

/// The scheduler's part of a task. Dropping it drops what is left of the task.
pub(crate) struct TaskRef(NonNull<Header>);

impl TaskRef {
    /// Polls the future. Ready says that it has ended, in whatever way.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_finished() {
            return Poll::Ready(());
        }
        // SAFETY: the stage is FUTURE, and the vtable is the cell's own (E).
        unsafe { (self.vtable.poll)(self.0, cx) }
    }

    /// Drops the future and leaves `error` for who joins, or what the destructor panicked with.
    pub(crate) fn cancel(&mut self, error: JoinError) {
        if self.is_finished() {
            return;
        }
        // SAFETY: the vtable is the cell's own (E), and nobody polls (D).
        let error = match unsafe { (self.vtable.drop_stage)(self.0) } {
            Ok(()) => error,
            Err(payload) => panicked(self, payload),
        };
        // SAFETY: the stage is EMPTY after drop_stage (B), the vtable the cell's own (E).
        unsafe { (self.vtable.fail)(self.0, error) };
    }

    /// Whether nobody is left to join it.
    pub(crate) fn is_detached(&self) -> bool {
        !self.has(HANDLE)
    }

    /// Drops the output of a task that nobody is left to join.
    pub(crate) fn drop_unwanted(&mut self) {
        if self.is_detached() && self.is_finished() {
            drop_rest(self.0);
        }
    }

    /// Takes the error of a task that nobody is left to join.
    pub(crate) fn take_error(&mut self) -> Option<JoinError> {
        if !self.is_detached() {
            return None;
        }
        // SAFETY: the vtable is the cell's own (E).
        unsafe { (self.vtable.take_error)(self.0) }
    }
}

impl Deref for TaskRef {
    type Target = Header;

    fn deref(&self) -> &Header {
        // SAFETY: the slot's bit is set as long as this value lives (A).
        unsafe { self.0.as_ref() }
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        release(self.0, SLOT);
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskRef({}, {:?})", self.id(), self.stage())
    }
}

/// The join handle's part of a task. Dropping it detaches the task.
pub(crate) struct JoinRef<T>(NonNull<Header>, PhantomData<T>);

impl<T> JoinRef<T> {
    /// Takes how the task ended; before that, sets whom to wake at its end.
    ///
    /// # Panics
    ///
    /// Panics if the value was taken before.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        if !self.is_finished() {
            let waker = waker::keep(cx.waker());
            // Looked at again: a foreign waker's clone is user code, and may have had the task ended.
            if !self.is_finished() {
                drop(self.joiner.replace(Some(waker)));
                return Poll::Pending;
            }
        }
        let mut taken: Option<Result<T, JoinError>> = None;
        // SAFETY: the vtable is the cell's own, and `T` its future's output (E).
        unsafe { (self.vtable.take)(self.0, (&raw mut taken).cast()) };
        Poll::Ready(taken.expect("a JoinHandle was polled after it had given its value"))
    }

    /// Takes the error, if the task ended with one that nobody has seen.
    pub(crate) fn take_error(&mut self) -> Option<JoinError> {
        // SAFETY: the vtable is the cell's own (E).
        unsafe { (self.vtable.take_error)(self.0) }
    }
}

impl<T> Deref for JoinRef<T> {
    type Target = Header;

    fn deref(&self) -> &Header {
        // SAFETY: the handle's bit is set as long as this value lives (A).
        unsafe { self.0.as_ref() }
    }
}

impl<T> Drop for JoinRef<T> {
    fn drop(&mut self) {
        drop(self.joiner.take());
        release(self.0, HANDLE);
    }
}

/// Drops what is alive in the stage; what its destructor panics with is reported.
fn drop_rest(header: NonNull<Header>) {
    // SAFETY: the caller's owner's bit is set (A).
    let head = unsafe { header.as_ref() };
    // SAFETY: the vtable is the cell's own (E).
    if let Err(payload) = unsafe { (head.vtable.drop_stage)(header) } {
        report::send_panic(Panicked {
            task: extras::describe(head),
            payload,
        });
    }
}

/// Ends one owner's part; the last one drops what is alive and frees the cell.
fn release(header: NonNull<Header>, owner: u8) {
    // SAFETY: the owner's bit is still set (A).
    let head = unsafe { header.as_ref() };
    let others = head.status.get().flags() & (SLOT | HANDLE) & !owner;
    if others == 0
        || (owner == HANDLE && head.is_finished())
        || owner == SLOT && !head.is_finished()
    {
        // An output without a handle, a future without a slot: nobody can want it any more. The
        // owner's bit is still set, so the cell outlives the destructor.
        drop_rest(header);
    }
    head.clear(owner);
    if head.has(SLOT | HANDLE) {
        return;
    }
    if head.has(EXTRAS) {
        extras::forget(head);
    }
    drop(head.joiner.take());
    let layout = head.vtable.layout;
    // SAFETY: both bits are clear, so nobody uses the cell after this (A); header and stage have
    // nothing left to drop; the layout is that of the allocation.
    unsafe { pool::free(header.cast(), layout) };
}
