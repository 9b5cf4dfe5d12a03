//! The memory of task cells: freed cells are kept and used again, by size.
//!
//! ```text
//!   class 5 (80 bytes)   ► [free] ─► [free] ─► [free] ─► nothing
//!   class 6 (96 bytes)   ► [free] ─► nothing
//!   …
//! ```
//!
//! A program spawns few kinds of tasks and many of each, so a cell that ends is most often followed
//! by one of its size. Taking it from a list costs a load and a store, where `malloc` and `free` cost
//! more than all the rest of a spawn (rows `spawn_join` in `benches/peers`). The lists belong to the
//! thread, as the cells do; they hold a bounded number each, and the memory goes back to the
//! allocator when the thread ends.
//!
//! Laws. (A) What is in a list is memory from the allocator of this class's layout, that nobody uses.
//! (B) Its first word is the link to the next. Debug builds keep nothing, so that every cell is the
//! allocator's own business, and a sanitizer's.
#![expect(unsafe_code, reason = "memory, and links in memory that is free")]

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::{self, NonNull};

/// The step from one class to the next, and the alignment of all: that of `malloc`.
const STEP: usize = 16;
/// How many classes there are: cells of up to a kilobyte are kept.
const CLASSES: usize = 64;
/// How many free cells of one class are kept: four thousand tasks come and go without the allocator.
const KEPT_MAX: usize = 4096;

/// The free cells of one class.
struct Class {
    /// The first one, or null.
    first: Cell<*mut u8>,
    /// How many there are.
    count: Cell<usize>,
}

/// The free cells of one thread.
struct Pool([Class; CLASSES]);

thread_local! {
    /// The free cells of this thread.
    static POOL: Pool = const {
        Pool([const { Class { first: Cell::new(ptr::null_mut()), count: Cell::new(0) } }; CLASSES])
    };
}

/// The class of a layout, if such cells are kept.
fn class_of(layout: Layout) -> Option<usize> {
    let class = layout.size().div_ceil(STEP);
    (!cfg!(debug_assertions) && class < CLASSES && layout.align() <= STEP).then_some(class)
}

/// What is asked of the allocator for cells of a class.
fn layout_of(class: usize) -> Layout {
    Layout::from_size_align(class * STEP, STEP).expect("a small layout")
}

/// Memory for a cell, or `None` if there is none.
pub(crate) fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    let Some(class) = class_of(layout) else {
        // SAFETY: a cell begins with a header, so its size is not zero.
        return NonNull::new(unsafe { alloc(layout) });
    };
    let kept = POOL.try_with(|pool| pool.0[class].pop()).ok().flatten();
    kept.or_else(|| {
        // SAFETY: a cell begins with a header, so its class is not zero.
        NonNull::new(unsafe { alloc(layout_of(class)) })
    })
}

/// Takes back the memory of a cell.
///
/// # Safety
///
/// `memory` comes from `allocate` with this layout, and nobody uses it any more.
pub(crate) unsafe fn free(memory: NonNull<u8>, layout: Layout) {
    let Some(class) = class_of(layout) else {
        // SAFETY: by the caller, and `allocate` asked with this layout.
        return unsafe { dealloc(memory.as_ptr(), layout) };
    };
    let is_kept = POOL.try_with(|pool| pool.0[class].push(memory));
    if is_kept != Ok(true) {
        // SAFETY: by the caller, and `allocate` asked with the layout of this class.
        unsafe { dealloc(memory.as_ptr(), layout_of(class)) };
    }
}

impl Class {
    /// Takes a free cell.
    fn pop(&self) -> Option<NonNull<u8>> {
        let first = NonNull::new(self.first.get())?;
        // SAFETY: it is in the list, so its first word is the link (B).
        let next = unsafe { first.cast::<*mut u8>().read() };
        self.first.set(next);
        self.count.set(self.count.get() - 1);
        Some(first)
    }

    /// Keeps a free cell, unless there are enough.
    fn push(&self, memory: NonNull<u8>) -> bool {
        if self.count.get() == KEPT_MAX {
            return false;
        }
        // SAFETY: nobody uses it (A), and it has room for a word: the class is not zero.
        unsafe { memory.cast::<*mut u8>().write(self.first.get()) };
        self.first.set(memory.as_ptr());
        self.count.set(self.count.get() + 1);
        true
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (class, list) in self.0.iter().enumerate() {
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
        let layout = layout_of(4);
        let class = Class {
            first: Cell::new(ptr::null_mut()),
            count: Cell::new(0),
        };
        let cells: Vec<_> = (0..3)
            // SAFETY: the layout is of 64 bytes.
            .map(|_| NonNull::new(unsafe { alloc(layout) }).unwrap())
            .collect();
        assert!(cells.iter().all(|cell| class.push(*cell)));
        for expected in cells.iter().rev() {
            assert_eq!(class.pop(), Some(*expected));
        }
        assert_eq!((class.pop(), class.count.get()), (None, 0));
        for cell in cells {
            // SAFETY: it was allocated above with this layout.
            unsafe { dealloc(cell.as_ptr(), layout) };
        }
    }
}
