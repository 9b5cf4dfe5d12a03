//! The memory of task cells.
#![expect(unsafe_code, reason = "allocation")]
use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

/// Allocates.
pub(crate) fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    // SAFETY: the layout of a cell is not of size zero.
    NonNull::new(unsafe { alloc(layout) })
}

/// Frees.
pub(crate) unsafe fn free(memory: NonNull<u8>, layout: Layout) {
    // SAFETY: the caller's.
    unsafe { dealloc(memory.as_ptr(), layout) }
}
