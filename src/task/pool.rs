//! The memory of task cells: freed cells are kept and used again, by size.
//!
//! ```text
//!   class 9 (72 bytes)   ► [free] ─► [free] ─► [free] ─► nothing
//!   class 10 (80 bytes)  ► [free] ─► nothing
//!   …
//! ```
//!
//! A program spawns few kinds of tasks and many of each, so a cell that ends is most often followed
//! by one of its size. Taking it from a list costs a load and a store, where `malloc` and `free` cost
//! more than all the rest of a spawn (rows `spawn_join` in `benches/peers`). The lists belong to the
//! thread, as the cells do; they hold a bounded amount together, and the memory goes back to the
//! allocator when the thread ends.
//!
//! Laws. (A) What is in a list is memory from the allocator of this class's layout, that nobody uses.
//! (B) Its first word is the link to the next. Debug builds keep nothing, so that every cell is the
//! allocator's own business, and a sanitizer's.
#![expect(unsafe_code, reason = "memory, and links in memory that is free")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

/// The step from one class to the next, and the alignment of all: that of a word.
const STEP: usize = 8;
/// How many classes there are: cells of up to a kilobyte are kept.
const CLASSES: usize = 128;
/// How much is kept by a thread: a million small tasks come and go without the allocator.
const KEPT_BYTES_MAX: usize = 128 << 20;

/// The free cells of one class: the first one, or null.
struct Class(Cell<*mut u8>);

/// The free cells of one thread.
struct Pool {
    /// By size.
    classes: [Class; CLASSES],
    /// How much they are together.
    bytes: Cell<usize>,
}

thread_local! {
    /// The free cells of this thread.
    static POOL: Pool = const {
        Pool {
            classes: [const { Class(Cell::new(ptr::null_mut())) }; CLASSES],
            bytes: Cell::new(0),
        }
    };
}

/// The memory that a cell needs: what is asked of the allocator, and where it is kept afterwards.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    /// What is asked of the allocator.
    layout: Layout,
    /// The class, or [`CLASSES`] if such cells are not kept.
    class: usize,
}

impl Room {
    /// The room of a cell of this type, whose size is not zero.
    pub(crate) const fn of<T>() -> Self {
        let layout = Layout::new::<T>();
        let class = layout.size().div_ceil(STEP);
        assert!(class > 0, "a cell begins with a header");
        if cfg!(debug_assertions) || class >= CLASSES || layout.align() > STEP {
            let class = CLASSES;
            return Self { layout, class };
        }
        let layout = layout_of(class);
        Self { layout, class }
    }

    /// Memory of this room; aborts if there is none.
    #[inline]
    pub(crate) fn allocate(self) -> NonNull<u8> {
        let kept = POOL.try_with(|pool| pool.take(self));
        kept.ok().flatten().unwrap_or_else(|| self.allocate_anew())
    }

    /// Memory from the allocator.
    #[cold]
    fn allocate_anew(self) -> NonNull<u8> {
        // SAFETY: the size is not zero, `of` has seen to it.
        let memory = unsafe { alloc(self.layout) };
        NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(self.layout))
    }

    /// Takes memory back.
    ///
    /// # Safety
    ///
    /// `memory` comes from `allocate` of this room, and nobody uses it any more.
    #[inline]
    pub(crate) unsafe fn free(self, memory: NonNull<u8>) {
        let is_kept = POOL.try_with(|pool| pool.keep(self, memory));
        if is_kept != Ok(true) {
            // SAFETY: by the caller, it was allocated with this layout.
            unsafe { dealloc(memory.as_ptr(), self.layout) };
        }
    }
}

/// Has the processor fetch the first two cache lines of a cell: with many tasks, a poll is mostly the
/// waiting for these. Does nothing where the processor cannot be asked.
#[inline]
pub(crate) fn prefetch(memory: NonNull<u8>) {
    #[cfg(target_arch = "x86_64")]
    for offset in [0, 64] {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let line = memory.as_ptr().wrapping_add(offset);
        // SAFETY: a hint reads nothing, whatever the address; SSE is part of this architecture.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = memory;
}

/// What is asked of the allocator for cells of a class.
const fn layout_of(class: usize) -> Layout {
    match Layout::from_size_align(class * STEP, STEP) {
        Ok(layout) => layout,
        Err(_) => panic!("a small layout"),
    }
}

impl Pool {
    /// Takes a free cell.
    #[inline]
    fn take(&self, room: Room) -> Option<NonNull<u8>> {
        let memory = self.classes.get(room.class)?.pop()?;
        self.bytes.set(self.bytes.get() - room.layout.size());
        Some(memory)
    }

    /// Keeps a free cell, unless there are enough.
    #[inline]
    fn keep(&self, room: Room, memory: NonNull<u8>) -> bool {
        let bytes = self.bytes.get() + room.layout.size();
        match self.classes.get(room.class) {
            Some(class) if bytes <= KEPT_BYTES_MAX => {
                class.push(memory);
                self.bytes.set(bytes);
                true
            }
            _ => false,
        }
    }
}

impl Class {
    /// Takes a free cell.
    #[inline]
    fn pop(&self) -> Option<NonNull<u8>> {
        let first = NonNull::new(self.0.get())?;
        // SAFETY: it is in the list, so its first word is the link (B).
        let next = unsafe { first.cast::<*mut u8>().read() };
        self.0.set(next);
        Some(first)
    }

    /// Keeps a free cell of this class.
    #[inline]
    fn push(&self, memory: NonNull<u8>) {
        // SAFETY: nobody uses it (A), and it has room for a word: the class is not zero.
        unsafe { memory.cast::<*mut u8>().write(self.0.get()) };
        self.0.set(memory.as_ptr());
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (class, list) in self.classes.iter().enumerate() {
            while let Some(memory) = list.pop() {
                // SAFETY: it was in this list, so it is of this class and unused (A).
                unsafe { dealloc(memory.as_ptr(), layout_of(class)) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_gives_back_what_it_was_given_last_first() {
        let layout = layout_of(8);
        let class = Class(Cell::new(ptr::null_mut()));
        let cells: Vec<_> = (0..3)
            // SAFETY: the layout is of 64 bytes.
            .map(|_| NonNull::new(unsafe { alloc(layout) }).unwrap())
            .collect();
        for cell in &cells {
            class.push(*cell);
        }
        for expected in cells.iter().rev() {
            assert_eq!(class.pop(), Some(*expected));
        }
        assert_eq!(class.pop(), None);
        for cell in cells {
            // SAFETY: it was allocated above with this layout.
            unsafe { dealloc(cell.as_ptr(), layout) };
        }
    }
}
