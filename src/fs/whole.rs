//! Whole files: each of these is one job.

use std::fs;
use std::path::Path;

use crate::io;
use crate::worker::try_in_thread;

/// Reads a whole file; [`std::fs::read`].
///
/// # Errors
///
/// Those of [`File::open`](crate::fs::File::open) and of reading.
///
/// # Cancel safety
///
/// Nothing is lost.
///
/// # Examples
///
/// ```
/// use bibelot::fs;
///
/// # bibelot::run(async {
/// # let path = std::env::temp_dir().join(format!("bibelot-read-{}", std::process::id()));
/// fs::write(&path, [1, 2, 3]).await?;
/// assert_eq!(fs::read(&path).await?, [1, 2, 3]);
/// # fs::remove_file(&path).await
/// # }).unwrap();
/// ```
#[track_caller]
pub fn read<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<Vec<u8>>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::read(path))
}

/// Reads a whole file as text; [`std::fs::read_to_string`].
///
/// # Errors
///
/// `InvalidData` if it is not UTF-8, else those of [`read`].
///
/// # Cancel safety
///
/// Nothing is lost.
///
/// # Examples
///
/// ```
/// use bibelot::fs;
///
/// # bibelot::run(async {
/// let hosts = fs::read_to_string("/etc/hosts").await?;
/// assert!(hosts.contains("localhost"));
/// # Ok::<(), bibelot::io::Error>(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn read_to_string<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<String>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::read_to_string(path))
}

/// Writes a whole file: makes it, or replaces what is in it; [`std::fs::write`]. The bytes are copied
/// for the thread.
///
/// # Errors
///
/// Those of [`File::create`](crate::fs::File::create) and of writing.
///
/// # Cancel safety
///
/// If it is dropped, it may happen still. It is not undone halfway: what a thread has begun it ends.
///
/// # Examples
///
/// ```
/// use bibelot::fs;
///
/// # bibelot::run(async {
/// # let path = std::env::temp_dir().join(format!("bibelot-write-{}", std::process::id()));
/// fs::write(&path, "all of it").await?;
/// # fs::remove_file(&path).await
/// # }).unwrap();
/// ```
#[track_caller]
pub fn write<P: AsRef<Path>, C: AsRef<[u8]>>(
    path: P,
    contents: C,
) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_path_buf();
    let contents = contents.as_ref().to_vec();
    try_in_thread(move || fs::write(path, contents))
}

/// Copies a file with its permissions, and returns how many bytes it has; [`std::fs::copy`]. What is in
/// `to` is replaced. Where the system can, the bytes do not pass through the program.
///
/// # Errors
///
/// Those of [`std::fs::copy`].
///
/// # Cancel safety
///
/// If it is dropped, it may happen still.
///
/// # Examples
///
/// ```
/// use bibelot::fs;
///
/// # bibelot::run(async {
/// # let folder = std::env::temp_dir().join(format!("bibelot-copy-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// # let (from, to) = (folder.join("from"), folder.join("to"));
/// fs::write(&from, "the same").await?;
/// assert_eq!(fs::copy(&from, &to).await?, 8);
/// assert_eq!(fs::read(&to).await?, b"the same");
/// # fs::remove_dir_all(&folder).await
/// # }).unwrap();
/// ```
#[track_caller]
pub fn copy<P: AsRef<Path>, Q: AsRef<Path>>(
    from: P,
    to: Q,
) -> impl Future<Output = io::Result<u64>> {
    let (from, to) = (from.as_ref().to_path_buf(), to.as_ref().to_path_buf());
    try_in_thread(move || fs::copy(from, to))
}
