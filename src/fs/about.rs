//! What the system knows of a path.

use std::fs::{self, Metadata, Permissions};
use std::path::{Path, PathBuf};

use crate::io;
use crate::worker::try_in_thread;

/// Returns what the system knows of a file or folder, and of where a symbolic link leads to;
/// [`std::fs::metadata`].
///
/// # Errors
///
/// Those of [`std::fs::metadata`].
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
/// assert!(fs::metadata("/").await?.is_dir());
/// # Ok::<(), bibelot::io::Error>(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn metadata<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<Metadata>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::metadata(path))
}

/// Returns what the system knows of a file or folder, or of the symbolic link itself;
/// [`std::fs::symlink_metadata`].
///
/// # Errors
///
/// Those of [`std::fs::symlink_metadata`].
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
/// # let link = std::env::temp_dir().join(format!("bibelot-about-{}", std::process::id()));
/// fs::symlink("/", &link).await?;
/// assert!(fs::symlink_metadata(&link).await?.is_symlink());
/// assert!(fs::metadata(&link).await?.is_dir());
/// # fs::remove_file(&link).await
/// # }).unwrap();
/// ```
#[track_caller]
pub fn symlink_metadata<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<Metadata>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::symlink_metadata(path))
}

/// Whether there is something at the path, where links lead to; [`std::fs::exists`].
///
/// # Errors
///
/// Returns an error if that cannot be told: if a folder on the way may not be searched, say.
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
/// assert!(!fs::exists("/no/such/file").await?);
/// # Ok::<(), bibelot::io::Error>(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn exists<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<bool>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::exists(path))
}

/// Returns the absolute path without links, `.` and `..`; [`std::fs::canonicalize`].
///
/// # Errors
///
/// Those of [`std::fs::canonicalize`]: what the path names must be there.
///
/// # Cancel safety
///
/// Nothing is lost.
///
/// # Examples
///
/// ```
/// use bibelot::fs;
/// use std::path::Path;
///
/// # bibelot::run(async {
/// assert_eq!(fs::canonicalize("/./..").await?, Path::new("/"));
/// # Ok::<(), bibelot::io::Error>(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn canonicalize<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<PathBuf>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::canonicalize(path))
}

/// Changes the permissions of a file or folder; [`std::fs::set_permissions`].
///
/// # Errors
///
/// Those of [`std::fs::set_permissions`].
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
/// # let path = std::env::temp_dir().join(format!("bibelot-mode-{}", std::process::id()));
/// # fs::write(&path, "").await?;
/// let mut permissions = fs::metadata(&path).await?.permissions();
/// permissions.set_readonly(true);
/// fs::set_permissions(&path, permissions).await?;
/// # fs::remove_file(&path).await
/// # }).unwrap();
/// ```
#[track_caller]
pub fn set_permissions<P: AsRef<Path>>(
    path: P,
    permissions: Permissions,
) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::set_permissions(path, permissions))
}
