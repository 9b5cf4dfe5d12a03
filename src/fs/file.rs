//! [`File`]: an open file, whose operations come in line.
//!
//! ```text
//!   read, write, seek, set_len, … ─► io/pooled.rs ─► one job at a time ─► std's File
//! ```
//!
//! Two tasks that use one file come one after the other, first come, first served: they share its
//! position, as threads do. What does not wait for the disk (`as_fd`) does not wait in line.
//!
//! Law: who is dropped while it waits has lost and repeated nothing: the job goes on, and what it has read
//! belongs to the next (`io/pooled.rs`, to be read next).

mod at;

use std::fmt;
use std::fs::{self, FileTimes, Metadata, Permissions};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::SystemTime;

use crate::fs::OpenOptions;
use crate::io::inherent::{reads, writes};
use crate::io::pooled::Pooled;
use crate::io::{self, SeekFrom};
use crate::place::placed;

/// An open file; [`std::fs::File`], awaited.
///
/// Its operations are done one after another, in the order in which they were first polled, each by a
/// thread. One `read`, `write`, `read_at` or `write_at` moves at most 256 KiB; for small pieces wrap it
/// in a [`BufReader`](crate::io::BufReader) or a [`BufWriter`](crate::io::BufWriter). To have several
/// operations at once, open the file several times.
///
/// It is closed when it is dropped. A write that was not awaited to its end, or not flushed after it
/// was dropped, may by then not have happened.
///
/// # Cancel safety
///
/// An operation that is dropped before a thread has begun it does not happen. After that it runs to its
/// end, and what comes later waits for it:
///
/// - What a dropped `read` has read is there for the next one, and does not count for the position.
/// - What a dropped `write` has written counts when it is written again: a next write that begins
///   with the same bytes goes on behind them. If something else is written, it stands behind the
///   first, which has happened.
/// - If a dropped `write` has failed, the same bytes written again give its error. If something else is
///   done instead, the next `flush`, [`sync_all`](Self::sync_all) or [`sync_data`](Self::sync_data)
///   does: so who ends with one of these knows that nothing is missing.
///
/// So both may stand in a race or under a timeout, in a loop, and a `BufReader` or `BufWriter` over a
/// file loses nothing and repeats nothing.
///
/// # Examples
///
/// ```
/// use bibelot::fs::{self, File};
/// use bibelot::io::{BufReader, SeekFrom};
///
/// # bibelot::run(async {
/// # let path = std::env::temp_dir().join(format!("bibelot-file-{}", std::process::id()));
/// let file = File::options().read(true).write(true).create_new(true).open(&path).await?;
/// file.write_all(b"one\ntwo\n").await?;
/// file.seek(SeekFrom::Start(0)).await?;
/// let mut lines = BufReader::new(&file).lines();
/// while let Some(line) = lines.next().await {
///     println!("{}", line?);
/// }
/// # fs::remove_file(&path).await
/// # }).unwrap();
/// ```
pub struct File {
    /// The file, and the line of those who use it.
    pooled: Pooled,
}

reads!(File);
writes!(
    File,
    dropped: "If a thread had begun it, it happens, and counts when the same bytes are written again (see \
              [`File`]); else no byte was written.",
    flush: "Waits for a write that was dropped, if it is still under way. What was awaited is the \
            system's already; [`sync_all`](Self::sync_all) brings it to the disk.",
    errors: "That of a dropped write that has failed, unless the same bytes were written again: then it \
             was that write's. It is told once."
);

impl File {
    /// Opens a file to be read.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::open`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a file that is opened for nobody is closed again.
    #[track_caller]
    pub fn open<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<Self>> {
        Self::options().read(true).open(path)
    }

    /// Opens a file to be written, empty: it is made if it is not there, and emptied if it is.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::create`].
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the file may have been made, or emptied.
    #[track_caller]
    pub fn create<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<Self>> {
        let mut options = Self::options();
        options.write(true).create(true).truncate(true).open(path)
    }

    /// Makes a file, to be read and written; it is an error if it is there.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::create_new`].
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the file may have been made.
    #[track_caller]
    pub fn create_new<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<Self>> {
        let mut options = Self::options();
        options.read(true).write(true).create_new(true).open(path)
    }

    /// Options of which none is set; see [`OpenOptions`].
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Takes in a file that std has opened.
    #[must_use]
    pub fn from_std(file: fs::File) -> Self {
        Self {
            pooled: Pooled::new(file),
        }
    }

    /// Waits for every operation that is under way, and returns std's file, at the same position.
    /// Whether a dropped write has failed, `flush` tells, before this.
    ///
    /// # Errors
    ///
    /// Returns the system's error if the file cannot be brought to that position; it is closed then.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: the file is closed.
    #[track_caller]
    pub fn into_std(self) -> impl Future<Output = io::Result<fs::File>> {
        placed(self.pooled.into_file())
    }

    /// Moves the position, and returns where it is then, in bytes from the start. It may be behind the
    /// end.
    ///
    /// # Errors
    ///
    /// An error of kind `InvalidInput` if that is before the start, of kind `NotSeekable` if the file
    /// has no position, as a pipe; else the system's.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the position may have been moved.
    #[track_caller]
    pub fn seek(&self, to: SeekFrom) -> impl Future<Output = io::Result<u64>> {
        placed(self.pooled.seek(to))
    }

    /// Moves the position to the start.
    ///
    /// # Errors
    ///
    /// Those of [`seek`](Self::seek).
    ///
    /// # Cancel safety
    ///
    /// As [`seek`](Self::seek).
    #[track_caller]
    pub fn rewind(&self) -> impl Future<Output = io::Result<()>> {
        placed(async move { self.pooled.seek(SeekFrom::Start(0)).await.map(drop) })
    }

    /// Returns the position, in bytes from the start.
    ///
    /// # Errors
    ///
    /// Those of [`seek`](Self::seek).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn stream_position(&self) -> impl Future<Output = io::Result<u64>> {
        self.seek(SeekFrom::Current(0))
    }

    /// Waits until the system has brought all bytes and what is known of the file to the disk.
    ///
    /// # Errors
    ///
    /// Returns the system's error, or that of a dropped write; then what was written before may be lost.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn sync_all(&self) -> impl Future<Output = io::Result<()>> {
        placed(self.pooled.sync(fs::File::sync_all))
    }

    /// Waits until the system has brought all bytes to the disk, and as much of what is known of the
    /// file as is needed to find them.
    ///
    /// # Errors
    ///
    /// Returns the system's error, or that of a dropped write; then what was written before may be lost.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn sync_data(&self) -> impl Future<Output = io::Result<()>> {
        placed(self.pooled.sync(fs::File::sync_data))
    }

    /// Cuts the file to `size` bytes, or extends it by zeroes. The position stays.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::set_len`].
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it may have happened.
    #[track_caller]
    pub fn set_len(&self, size: u64) -> impl Future<Output = io::Result<()>> {
        placed(self.pooled.change(move |file| file.set_len(size)))
    }

    /// Returns what the system knows of the file.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn metadata(&self) -> impl Future<Output = io::Result<Metadata>> {
        placed(self.pooled.ask(fs::File::metadata))
    }

    /// Changes the file's permissions.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it may have happened.
    #[track_caller]
    pub fn set_permissions(
        &self,
        permissions: Permissions,
    ) -> impl Future<Output = io::Result<()>> {
        let set = move |file: &fs::File| file.set_permissions(permissions);
        placed(self.pooled.ask(set))
    }

    /// Changes when the file was last read and written, as it says.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it may have happened.
    #[track_caller]
    pub fn set_times(&self, times: FileTimes) -> impl Future<Output = io::Result<()>> {
        placed(self.pooled.ask(move |file| file.set_times(times)))
    }

    /// Changes when the file was last written, as it says.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it may have happened.
    #[track_caller]
    pub fn set_modified(&self, time: SystemTime) -> impl Future<Output = io::Result<()>> {
        self.set_times(FileTimes::new().set_modified(time))
    }

    /// Returns another handle of the same open file: the position is common to both, but each has a
    /// line of its own.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn try_clone(&self) -> impl Future<Output = io::Result<Self>> {
        let cloned = self.pooled.change(fs::File::try_clone);
        placed(async move { Ok(Self::from_std(cloned.await?)) })
    }

    /// The line of this file.
    fn pooled(&self) -> &Pooled {
        &self.pooled
    }
}

impl io::Read for File {
    fn read(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        placed(self.pooled.read(buf))
    }

    fn read_to_end(&self, buf: &mut Vec<u8>) -> impl Future<Output = io::Result<usize>> {
        placed(self.pooled.read_to_end(buf))
    }
}

impl io::Write for File {
    fn write(&self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
        placed(self.pooled.write(buf))
    }

    /// Waits for a write that was dropped, if it is still under way, and tells if it has failed.
    fn flush(&self) -> impl Future<Output = io::Result<()>> {
        placed(self.pooled.flush())
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pooled.file().as_fd()
    }
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl From<fs::File> for File {
    fn from(file: fs::File) -> Self {
        Self::from_std(file)
    }
}

impl From<OwnedFd> for File {
    fn from(fd: OwnedFd) -> Self {
        Self::from_std(fd.into())
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pooled.file().fmt(f)
    }
}
