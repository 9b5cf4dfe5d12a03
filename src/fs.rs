//! Files and folders: `std::fs`, where what blocks there waits here.
//!
//! ```text
//!   fs::read(path) ───────────────► run_in_thread(|| std::fs::read(path))      one job, whole
//!   File::read, write, seek, … ───► in line ─► one job                         one after another
//!   ReadDir::next ────────────────► one job for 32 entries
//! ```
//!
//! No system tells when a disk is "ready", so threads wait for it (see [`worker`](crate::worker)), and
//! the task waits for the thread: as many at once as
//! [`ExecutorBuilder::thread_limit`](crate::ExecutorBuilder::thread_limit) says. That costs some
//! microseconds a call. So the functions that do a whole thing, such as [`read`], [`write()`] and
//! [`copy`], are one job each, and small pieces go through a [`BufReader`](crate::io::BufReader) or a
//! [`BufWriter`](crate::io::BufWriter).
//!
//! Names, arguments and errors are std's: an error has std's kind and the system's code. What does not
//! wait is std's own: [`Metadata`], [`Permissions`], [`FileType`], [`FileTimes`].
//!
//! ```
//! use bibelot::fs;
//!
//! # bibelot::run(async {
//! # let folder = std::env::temp_dir().join(format!("bibelot-fs-{}", std::process::id()));
//! fs::create_dir(&folder).await?;
//! fs::write(folder.join("greeting"), "hello").await?;
//! assert_eq!(fs::read_to_string(folder.join("greeting")).await?, "hello");
//! fs::remove_dir_all(&folder).await
//! # }).unwrap();
//! ```
//!
//! # What a dropped future leaves behind
//!
//! A thread cannot be called back. A call that is dropped before a thread has begun it does nothing;
//! after that it runs to its end, and nobody learns how it ended: so a `remove_file` under a timeout
//! that has run out may remove the file still. What that means for the bytes of a [`File`], of which
//! none is lost, is said there.
//!
//! # Panics
//!
//! Whatever waits here panics, when polled, if no executor is running on this thread, or if the system
//! gives no thread, as [`run_in_thread`](crate::worker::run_in_thread) does.
//!
//! # Closing
//!
//! Closing a file is left to its drop, as in std, and done on the executor's thread.
//!
//! Read next: `fs/file.rs`, then `io/pooled.rs`, where the line of a file is.

mod about;
mod dir;
mod file;
mod names;
mod open_options;
mod whole;

pub use std::fs::{FileTimes, FileType, Metadata, Permissions};

pub use about::{canonicalize, exists, metadata, set_permissions, symlink_metadata};
pub use dir::{
    DirBuilder, DirEntry, ReadDir, create_dir, create_dir_all, read_dir, remove_dir, remove_dir_all,
};
pub use file::File;
pub use names::{hard_link, read_link, remove_file, rename, symlink};
pub use open_options::OpenOptions;
pub use whole::{copy, read, read_to_string, write};
