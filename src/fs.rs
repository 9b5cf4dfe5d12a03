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
//! Whatever waits here panics, when polled, if no executor is running on this thread. If the system
//! gives no thread, that is an error, that of [`std::thread::Builder::spawn`], and nothing was done.
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::io::{ErrorKind, SeekFrom};
    use crate::worker::scarce;

    /// A new folder.
    fn folder(name: &str) -> std::path::PathBuf {
        let name = format!("bibelot-scarce-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).expect("a new folder");
        folder
    }

    #[test]
    fn no_bytes_are_lost_when_there_is_no_thread() {
        let folder = folder("bytes");
        let path = folder.join("file");
        std::fs::write(&path, "0123456789").expect("a file");
        crate::run(async {
            let file = File::options().read(true).write(true).open(&path).await?;
            // A read that is dropped goes ahead.
            let mut reading = Box::pin(async { file.read(&mut [0; 8]).await });
            let began = std::future::poll_fn(|cx| {
                let polled = reading.as_mut().poll(cx);
                std::task::Poll::Ready(polled.is_pending())
            });
            let is_ahead = began.await;
            drop(reading);
            file.flush().await?;
            scarce::set(true);
            /// Fails unless each is refused for want of a thread.
            macro_rules! refused {
                ($($call:expr),*) => {$(
                    let error = $call.await.map(drop).expect_err("no thread");
                    assert_eq!(error.kind(), ErrorKind::WouldBlock, stringify!($call));
                )*};
            }
            let mut all = Vec::new();
            refused![
                file.write(b"ab"),
                file.read_to_end(&mut all),
                file.seek(SeekFrom::Start(0)),
                file.set_len(0),
                file.sync_all(),
                file.metadata(),
                file.write_all_at(b"ab", 0),
                file.read_at(&mut [0; 2], 0),
                read(&path),
                write(&path, "else"),
                copy(&path, folder.join("copy")),
                rename(&path, folder.join("new")),
                remove_file(&path),
                metadata(&path),
                create_dir(folder.join("folder")),
                File::open(&path),
                read_dir(&folder)
            ];
            scarce::set(false);
            assert!(all.is_empty());
            if is_ahead {
                assert_eq!(file.read_to_end(&mut all).await?, 10);
                assert_eq!(all, b"0123456789", "what was ahead is there still");
            }
            Ok::<_, crate::io::Error>(())
        })
        .expect("no other error");
        std::fs::remove_dir_all(folder).expect("it is there");
    }

    #[test]
    fn no_entry_is_lost_when_there_is_no_thread() {
        let folder = folder("entries");
        for nth in 0..40 {
            std::fs::write(folder.join(nth.to_string()), "").expect("a file");
        }
        crate::run(async {
            let mut entries = read_dir(&folder).await?;
            let (mut seen, mut refused) = (0, 0);
            scarce::set(true);
            while let Some(entry) = entries.next().await {
                match entry {
                    Ok(_) => seen += 1,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::WouldBlock);
                        refused += 1;
                        scarce::set(refused < 3);
                    }
                }
            }
            assert_eq!((seen, refused), (40, 3));
            Ok::<_, crate::io::Error>(())
        })
        .expect("no other error");
        std::fs::remove_dir_all(folder).expect("it is there");
    }
}
