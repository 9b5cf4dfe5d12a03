//! One allocation for one task: first its future, then its output.
//!
//! ```text
//!                ┌─ as much as a cache line holds ────────────────────────┬─ stage ─┐
//!    TaskRef ──► │ vtable │ header: number, parent, places, joiner, status │ future  │ ◄── JoinRef
//!   (the slot)   │        │                                                │ output  │   (the handle)
//!                │        │                                                │ error   │
//!                └────────┴────────────────────────────────────────────────┴─────────┘
//!                      ▲ Turn (while it is polled or dropped)
//!
//!   FUTURE ─┬─ ready ─────────► ENDING ──► OUTPUT ─── join ──► EMPTY
//!           └─ panic, cancel ─► ENDING ──► ERROR ──── join ──► EMPTY
//! ```
//!
//! Three owners at most: the scheduler's slot, the join handle, and the turn in which the task is
//! polled or dropped. Each has a bit in the status, not a count, and the one that leaves last frees
//! the cell. Wakers own nothing (`waker.rs`).
//!
//! Laws, to which every `SAFETY` refers. (A) The cell lives as long as one owner's bit is set, and an
//! owner clears its bit only where it ends: in its `Drop`, or in `JoinRef::detach`. (B) The stage says which field of the union is alive; it
//! is set to ENDING or EMPTY *before* that field is dropped or moved out, so a panic or a re-entrant
//! call finds nothing to drop twice. (C) The status lies beside the stage, and no reference to the
//! stage exists while a future or an output is dropped: destructors are user code and may come back
//! here through the handle. (D) Only a `Turn` polls or cancels; there is one at a time, and it has the
//! cell's future for itself as long as it lives. (E) The vtable was made for the cell's own future
//! type, the handle for its output, and all owners stay on one thread.
//!
//! Why not `Rc<RefCell<dyn …>>`: two words of counts and a borrow flag a task, a fat pointer a slot,
//! and pinning would be unsafe all the same. Read next: `task/join.rs`.
#![expect(unsafe_code, reason = "the union of future and output, and its owners")]

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop, offset_of};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll};

use crate::error::{JoinError, Panicked, Payload};
use crate::observer::Finish;
use crate::report::{self, discard};
use crate::task::extras;
use crate::task::header::{Birth, HANDLE, Header, SLOT, Stage, TURN};
use crate::task::pool;
use crate::waker;

/// This file, where no program waits: whose place a future has that is a task's all by itself.
pub(super) const FILE: &str = file!();

/// The beginning of every cell, whatever its future.
struct Head {
    /// What depends on the future's type.
    vtable: &'static Vtable,
    /// What is known of the task.
    header: Header,
}

const _: () = assert!(size_of::<Head>() <= 64, "as much as a cache line holds");

/// What depends on the future's type.
struct Vtable {
    /// Polls the future; at its end leaves output or error in the stage.
    poll: unsafe fn(NonNull<Head>, &mut Context<'_>) -> Poll<()>,
    /// Drops what is alive in the stage; what its destructor panicked with comes back.
    drop_stage: unsafe fn(NonNull<Head>) -> Result<(), Payload>,
    /// How far the stage is from the head.
    stage_at: usize,
    /// What was allocated.
    room: pool::Room,
}

/// The one allocation.
#[repr(C)]
struct TaskCell<F: Future> {
    /// First, so that a pointer to it is one to the cell.
    head: Head,
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

/// Allocates the cell of a task: the slot's part and the handle's.
pub(crate) fn new<F: Future>(birth: &Birth, future: F) -> (TaskRef, JoinRef<F::Output>) {
    let room = const { pool::Room::of::<TaskCell<F>>() };
    let cell = room.allocate().cast::<TaskCell<F>>();
    let value = TaskCell {
        head: Head {
            vtable: &Vtable {
                poll: poll::<F>,
                drop_stage: drop_stage::<F>,
                stage_at: offset_of!(TaskCell<F>, stage),
                room: const { pool::Room::of::<TaskCell<F>>() },
            },
            header: Header::new(birth),
        },
        stage: UnsafeCell::new(StageOf {
            future: ManuallyDrop::new(future),
        }),
    };
    // SAFETY: the memory was just allocated with this very room, and nobody else knows it.
    unsafe { cell.write(value) };
    let head = cell.cast();
    (Owner(head), JoinRef(Owner(head), PhantomData))
}

/// A pointer to the stage of the cell.
fn stage_of<F: Future>(cell: NonNull<Head>) -> *mut StageOf<F> {
    let cell = cell.cast::<TaskCell<F>>().as_ptr();
    // SAFETY: the cell is alive (A) and of this type (E); only a place is computed, nothing is read.
    let stage = unsafe { &raw const (*cell).stage };
    UnsafeCell::raw_get(stage)
}

/// See [`Vtable::poll`]. The stage must be FUTURE.
unsafe fn poll<F: Future>(cell: NonNull<Head>, cx: &mut Context<'_>) -> Poll<()> {
    let future = stage_of::<F>(cell).cast::<F>();
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
    // SAFETY: the stage is FUTURE, and nobody else drops it (D).
    let dropped = unsafe { drop_future::<F>(cell) };
    // SAFETY: the cell is alive (A).
    let header = unsafe { &cell.as_ref().header };
    match (output, dropped) {
        (Ok(output), Ok(())) => {
            let stage = stage_of::<F>(cell).cast::<F::Output>();
            // SAFETY: the stage is ENDING, so nothing is overwritten (B), and it has room (E).
            unsafe { stage.write(output) };
            // What nobody joins and has no destructor is as good as dropped.
            let is_left = mem::needs_drop::<F::Output>() || !header.is_detached();
            header.set_stage(if is_left { Stage::OUTPUT } else { Stage::EMPTY });
        }
        (Ok(output), Err(payload)) => {
            discard(output);
            // SAFETY: the stage is ENDING (B), the type the cell's own (E).
            unsafe { fail(cell, panicked(header, payload)) };
        }
        (Err(payload), dropped) => {
            if let Err(second) = dropped {
                discard(second);
            }
            // SAFETY: the stage is ENDING (B), the type the cell's own (E).
            unsafe { fail(cell, panicked(header, payload)) };
        }
    }
    Poll::Ready(())
}

/// Drops the future. The stage must be FUTURE.
unsafe fn drop_future<F: Future>(cell: NonNull<Head>) -> Result<(), Payload> {
    // SAFETY: the cell is alive (A).
    let header = unsafe { &cell.as_ref().header };
    header.set_stage(Stage::ENDING);
    let future = stage_of::<F>(cell).cast::<F>();
    // SAFETY: the status said that the future is alive, and it does no longer (B).
    catch_unwind(AssertUnwindSafe(|| unsafe { ptr::drop_in_place(future) }))
}

/// See [`Vtable::drop_stage`].
unsafe fn drop_stage<F: Future>(cell: NonNull<Head>) -> Result<(), Payload> {
    // SAFETY: the cell is alive (A).
    let header = unsafe { &cell.as_ref().header };
    let was = header.stage();
    if was == Stage::FUTURE {
        // SAFETY: the stage is FUTURE.
        return unsafe { drop_future::<F>(cell) };
    }
    header.set_stage(Stage::EMPTY);
    let stage = stage_of::<F>(cell);
    catch_unwind(AssertUnwindSafe(|| match was {
        // SAFETY: the status says that the output is alive, and it does no longer (B).
        Stage::OUTPUT => unsafe { ptr::drop_in_place(stage.cast::<F::Output>()) },
        // SAFETY: the status says that the error is alive, and it does no longer (B).
        Stage::ERROR => unsafe { ptr::drop_in_place(stage.cast::<Box<JoinError>>()) },
        _ => {}
    }))
}

/// The place of the stage, where the future is not known: that of an output or of an error.
fn place_of<T>(cell: NonNull<Head>) -> NonNull<T> {
    // SAFETY: the cell is alive (A).
    let stage_at = unsafe { cell.as_ref() }.vtable.stage_at;
    // SAFETY: the vtable is the cell's own (E), so that is a place within it.
    unsafe { cell.byte_add(stage_at) }.cast()
}

/// The place of an error.
fn error_of(cell: NonNull<Head>) -> NonNull<Box<JoinError>> {
    place_of(cell)
}

/// Leaves an error in the stage, which is ENDING.
unsafe fn fail(cell: NonNull<Head>, error: JoinError) {
    // SAFETY: the caller says that the stage is ENDING, so nothing is overwritten (B).
    unsafe { error_of(cell).write(Box::new(error)) };
    // SAFETY: the cell is alive (A).
    let header = unsafe { &cell.as_ref().header };
    header.set_stage(Stage::ERROR);
}

/// Moves the error out of the stage, if there is one.
unsafe fn take_error(cell: NonNull<Head>) -> Option<JoinError> {
    // SAFETY: the cell is alive (A).
    let header = unsafe { &cell.as_ref().header };
    if header.stage() != Stage::ERROR {
        return None;
    }
    header.set_stage(Stage::EMPTY);
    // SAFETY: the status said that the error is alive; it is moved out once (B).
    Some(*unsafe { error_of(cell).read() })
}

/// The error of a task that panicked.
fn panicked(header: &Header, payload: Payload) -> JoinError {
    JoinError::Panicked(Panicked::new(extras::describe(header), payload))
}

/// One owner's part of a task, known by its bit.
pub(crate) struct Owner<const BIT: u8>(NonNull<Head>);

/// The scheduler's part. Dropping it drops a future that is left.
pub(crate) type TaskRef = Owner<SLOT>;
/// The right to poll or cancel a task: there is one at a time.
pub(crate) type Turn = Owner<TURN>;

impl<const BIT: u8> Owner<BIT> {
    /// What depends on the future's type.
    fn vtable(&self) -> &'static Vtable {
        // SAFETY: the owner's bit is set as long as this value lives (A).
        unsafe { self.0.as_ref() }.vtable
    }

    /// Takes the error, if the task has ended with one.
    pub(crate) fn take_error(&self) -> Option<JoinError> {
        // SAFETY: the vtable is the cell's own (E).
        unsafe { take_error(self.0) }
    }

    /// How the task has ended, which it has.
    pub(crate) fn finish(&self) -> Finish {
        if self.stage() != Stage::ERROR {
            return Finish::Returned;
        }
        // SAFETY: the stage is ERROR, so the error is alive (B), and nothing is dropped meanwhile (C).
        match **unsafe { error_of(self.0).as_ref() } {
            JoinError::Cancelled(_) => Finish::Cancelled,
            JoinError::Panicked(_) => Finish::Panicked,
        }
    }

    /// Ends the part where nobody can want the future any more, nor an output without a handle.
    #[inline(never)]
    fn end(&mut self) {
        if self.stage() != Stage::EMPTY {
            self.drop_unwanted();
        }
        // A destructor may have dropped the handle meanwhile.
        let is_last = self.others(BIT) == 0;
        self.clear(BIT);
        if is_last {
            free(self.0);
        }
    }

    /// Drops what is alive in the stage, and reports the panic of its destructor.
    #[cold]
    fn drop_unwanted(&mut self) {
        // SAFETY: the vtable is the cell's own (E), and there is no turn but the owner's (D).
        if let Err(payload) = unsafe { (self.vtable().drop_stage)(self.0) } {
            report::send_panic(Panicked::new(extras::describe(self), payload));
        }
        self.set_stage(Stage::EMPTY);
    }
}

impl<const BIT: u8> Deref for Owner<BIT> {
    type Target = Header;

    fn deref(&self) -> &Header {
        // SAFETY: the owner's bit is set as long as this value lives (A).
        unsafe { &self.0.as_ref().header }
    }
}

impl<const BIT: u8> Drop for Owner<BIT> {
    #[inline]
    fn drop(&mut self) {
        let others = self.others(BIT);
        if others & (SLOT | TURN) != 0 || others != 0 && self.has_ended() {
            // The executor still has a part in it, or the handle may want what is left, and sees to it.
            self.clear(BIT);
        } else {
            self.end();
        }
    }
}

/// Frees a cell that no owner holds any more.
#[inline(never)]
fn free(cell: NonNull<Head>) {
    // SAFETY: the last owner is about to return, and the cell is freed below (A).
    let Head { vtable, header } = unsafe { cell.as_ref() };
    debug_assert!(header.stage() == Stage::EMPTY && header.others(0) == 0);
    if header.waits().has_extras() {
        extras::forget(header);
    }
    // SAFETY: no bit is set, so nobody uses the cell after this (A); the stage is EMPTY (B), the
    // joiner went with the handle or was taken, and nothing else in the header has a destructor; the room is the
    // one that it was allocated from.
    unsafe { vtable.room.free(cell.cast()) };
}

impl TaskRef {
    /// Has the processor fetch the cell, which will soon be polled.
    #[inline]
    pub(crate) fn prefetch(&self) {
        pool::prefetch(self.0.cast());
    }

    /// The right to poll or cancel the task; `None` if somebody has it already.
    #[inline]
    pub(crate) fn turn(&self) -> Option<Turn> {
        if self.has(TURN) {
            return None;
        }
        self.set(TURN);
        Some(Owner(self.0))
    }
}

impl Turn {
    /// Drops the value of a task that nobody is left to join.
    pub(crate) fn drop_value(&mut self) {
        self.drop_unwanted();
    }

    /// Polls the future. Ready says that it has ended, in whatever way.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_ended() {
            return Poll::Ready(());
        }
        // SAFETY: the stage is FUTURE, and the vtable is the cell's own (E).
        unsafe { (self.vtable().poll)(self.0, cx) }
    }

    /// Drops the future and leaves `error` for who joins, or what the destructor panicked with.
    pub(crate) fn cancel(&mut self, error: JoinError) {
        if self.has_ended() {
            return;
        }
        // SAFETY: the vtable is the cell's own (E), and nobody polls (D).
        let error = match unsafe { (self.vtable().drop_stage)(self.0) } {
            Ok(()) => error,
            Err(payload) => panicked(self, payload),
        };
        // SAFETY: the stage is ENDING after drop_stage (B), the vtable the cell's own (E).
        unsafe { fail(self.0, error) };
    }
}

/// The join handle's part of a task. Dropping it detaches the task.
pub(crate) struct JoinRef<T>(Owner<HANDLE>, PhantomData<T>);

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
                drop(self.set_joiner(Some(waker)));
                return Poll::Pending;
            }
        }
        let taken = self.take();
        Poll::Ready(taken.expect("a JoinHandle was polled after it had given its value"))
    }

    /// Drops the handle's part in the task's own turn, before the future has ended. There is nothing
    /// to be looked at: the end of the turn takes the joiner, drops the output, and frees the cell.
    pub(crate) fn detach(self) {
        let this = ManuallyDrop::new(self);
        debug_assert!(
            this.has(TURN) && !this.has_ended(),
            "nobody would free the cell"
        );
        this.clear(HANDLE);
    }

    /// Takes how the task has ended, unless that was taken before.
    fn take(&mut self) -> Option<Result<T, JoinError>> {
        if self.stage() != Stage::OUTPUT {
            return self.take_error().map(Err);
        }
        self.set_stage(Stage::EMPTY);
        // SAFETY: the status said that the output is alive, which is a `T` (E); it is moved out once (B).
        Some(Ok(unsafe { place_of::<T>(self.0.0).read() }))
    }
}

impl<T> Deref for JoinRef<T> {
    type Target = Owner<HANDLE>;

    fn deref(&self) -> &Owner<HANDLE> {
        &self.0
    }
}

impl<T> Drop for JoinRef<T> {
    fn drop(&mut self) {
        if self.has_error() {
            report_unseen(self.take_error());
        }
        drop(self.set_joiner(None));
    }
}

/// Reports how a task panicked that nobody has joined.
#[cold]
fn report_unseen(error: Option<JoinError>) {
    if let Some(JoinError::Panicked(panicked)) = error {
        report::send_panic(panicked);
    }
}
