//! Names of files: to change, to link and to remove them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::io;
use crate::worker::try_in_thread;

/// Renames a file or a folder; one that has the new name already is replaced, a folder only if it is
/// empty. [`std::fs::rename`].
///
/// # Errors
///
/// Those of [`std::fs::rename`]; `CrossesDevices` if the two are on different file systems.
///
/// # Cancel safety
///
/// If it is dropped, it may happen still.
///
/// # Examples
///
/// A file that others never see half written:
///
/// ```
/// use bibelot::fs;
///
/// # bibelot::run(async {
/// # let folder = std::env::temp_dir().join(format!("bibelot-rename-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("settings.new"), "all of them").await?;
/// fs::rename(folder.join("settings.new"), folder.join("settings")).await?;
/// # fs::remove_dir_all(&folder).await
/// # }).unwrap();
/// ```
#[track_caller]
pub fn rename<P: AsRef<Path>, Q: AsRef<Path>>(
    from: P,
    to: Q,
) -> impl Future<Output = io::Result<()>> {
    let (from, to) = (from.as_ref().to_path_buf(), to.as_ref().to_path_buf());
    try_in_thread(move || fs::rename(from, to))
}

/// Removes a file; [`std::fs::remove_file`].
///
/// # Errors
///
/// Those of [`std::fs::remove_file`].
///
/// # Cancel safety
///
/// If it is dropped, it may happen still.
///
/// # Examples
///
/// ```
/// use bibelot::fs;
/// use bibelot::io::ErrorKind;
///
/// # bibelot::run(async {
/// let error = fs::remove_file("/no/such/file").await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// # });
/// ```
#[track_caller]
pub fn remove_file<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::remove_file(path))
}

/// Gives a file one more name; [`std::fs::hard_link`].
///
/// # Errors
///
/// Those of [`std::fs::hard_link`].
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
/// # let folder = std::env::temp_dir().join(format!("bibelot-hard-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// # let (original, link) = (folder.join("original"), folder.join("link"));
/// fs::write(&original, "one file").await?;
/// fs::hard_link(&original, &link).await?;
/// assert_eq!(fs::read(&link).await?, b"one file");
/// # fs::remove_dir_all(&folder).await
/// # }).unwrap();
/// ```
#[track_caller]
pub fn hard_link<P: AsRef<Path>, Q: AsRef<Path>>(
    original: P,
    link: Q,
) -> impl Future<Output = io::Result<()>> {
    let original = original.as_ref().to_path_buf();
    let link = link.as_ref().to_path_buf();
    try_in_thread(move || fs::hard_link(original, link))
}

/// Makes a symbolic link to a path, which need not be there; [`std::os::unix::fs::symlink`].
///
/// # Errors
///
/// Those of [`std::os::unix::fs::symlink`].
///
/// # Cancel safety
///
/// If it is dropped, it may happen still.
///
/// # Examples
///
/// ```
/// use bibelot::fs;
/// use std::path::Path;
///
/// # bibelot::run(async {
/// # let link = std::env::temp_dir().join(format!("bibelot-link-{}", std::process::id()));
/// fs::symlink("anywhere", &link).await?;
/// assert_eq!(fs::read_link(&link).await?, Path::new("anywhere"));
/// # fs::remove_file(&link).await
/// # }).unwrap();
/// ```
#[track_caller]
pub fn symlink<P: AsRef<Path>, Q: AsRef<Path>>(
    original: P,
    link: Q,
) -> impl Future<Output = io::Result<()>> {
    let original = original.as_ref().to_path_buf();
    let link = link.as_ref().to_path_buf();
    try_in_thread(move || std::os::unix::fs::symlink(original, link))
}

/// Returns the path that a symbolic link leads to; [`std::fs::read_link`].
///
/// # Errors
///
/// `InvalidInput` if it is no link, else those of [`std::fs::read_link`].
///
/// # Cancel safety
///
/// Nothing is lost.
///
/// # Examples
///
/// See [`symlink`].
#[track_caller]
pub fn read_link<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<PathBuf>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::read_link(path))
}
