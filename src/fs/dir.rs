//! Folders: to make, to remove and to read them.
//!
//! ```text
//!   read_dir ─► job: open, 32 entries ─► ReadDir: [ entry │ entry │ … ] ─► next
//!                                            ▲ none left
//!                                            └─ job: the next 32, which stays here if it is dropped
//! ```

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, FileType, Metadata};
use std::future::poll_fn;
use std::mem;
use std::os::unix::fs::{DirBuilderExt, DirEntryExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::executor::context;
use crate::io;
use crate::place::{self, placed};
use crate::task::waits::Waits;
use crate::task::yields::at_once;
use crate::worker::{Work, permit, try_in_thread};

/// How many entries one job brings: a folder of usual size in one or two.
const BATCH: usize = 32;

/// Returns what is in a folder, entry by entry; [`std::fs::read_dir`].
///
/// # Errors
///
/// Those of [`std::fs::read_dir`].
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
/// let mut entries = fs::read_dir("/").await?;
/// while let Some(entry) = entries.next().await {
///     let entry = entry?;
///     println!("{} {:?}", entry.path().display(), entry.file_type()?);
/// }
/// # Ok::<(), bibelot::io::Error>(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn read_dir<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<ReadDir>> {
    let path = path.as_ref().to_path_buf();
    let opened = try_in_thread(move || fs::read_dir(path).map(fetch));
    placed(async move { Ok(ReadDir::from(opened.await?)) })
}

/// What is in a folder; made by [`read_dir`].
pub struct ReadDir {
    /// What has come and was not handed out.
    entries: VecDeque<io::Result<DirEntry>>,
    /// Where more comes from.
    rest: Rest,
}

/// Where more entries come from.
enum Rest {
    /// From here.
    Folder(fs::ReadDir),
    /// From a job under way.
    Job(Work<Batch>),
    /// There are no more.
    Ended,
}

/// What a job brings: entries, and the folder if there may be more.
type Batch = (VecDeque<io::Result<DirEntry>>, Option<fs::ReadDir>);

/// Reads the next entries.
fn fetch(mut folder: fs::ReadDir) -> Batch {
    let entries: VecDeque<_> = folder
        .by_ref()
        .take(BATCH)
        .map(|entry| entry.map(DirEntry::new))
        .collect();
    let is_more = entries.len() == BATCH;
    (entries, is_more.then_some(folder))
}

impl ReadDir {
    /// Waits for the next entry and returns it; none means that there are no more. `.` and `..` are
    /// left out, and the order is the system's.
    ///
    /// # Errors
    ///
    /// Returns the system's error if the folder cannot be read on, or if there is no thread to do it:
    /// then the next call tries again.
    ///
    /// # Cancel safety
    ///
    /// No entry is lost.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator's next does not wait"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<io::Result<DirEntry>>> {
        placed(async move {
            loop {
                if !self.entries.is_empty() {
                    return at_once(|| self.entries.pop_front()).await;
                }
                match &mut self.rest {
                    Rest::Ended => return None,
                    Rest::Folder(_) => {
                        let thread = match permit().await.thread() {
                            Ok(thread) => thread,
                            Err(error) => return Some(Err(error)),
                        };
                        if let Rest::Folder(folder) = mem::replace(&mut self.rest, Rest::Ended) {
                            self.rest = Rest::Job(thread.begin(|| fetch(folder)));
                        }
                    }
                    Rest::Job(work) => {
                        let at = place::here();
                        let batch = poll_fn(|cx| {
                            let polled = work.poll(cx);
                            if polled.is_pending() {
                                context::note(Waits::THREAD, at);
                            }
                            polled
                        });
                        *self = batch.await.into();
                    }
                }
            }
        })
    }
}

impl From<Batch> for ReadDir {
    fn from((entries, folder): Batch) -> Self {
        Self {
            entries,
            rest: folder.map_or(Rest::Ended, Rest::Folder),
        }
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadDir")
            .field("fetched", &self.entries.len())
            .field("has_ended", &matches!(self.rest, Rest::Ended))
            .finish()
    }
}

/// What is in a folder under one name; [`std::fs::DirEntry`].
pub struct DirEntry {
    /// Std's.
    std: Arc<fs::DirEntry>,
    /// What it is: asked for by the thread that found it.
    file_type: io::Result<FileType>,
}

impl DirEntry {
    /// An entry that std has found; called in a thread.
    fn new(std: fs::DirEntry) -> Self {
        Self {
            file_type: std.file_type(),
            std: Arc::new(std),
        }
    }

    /// The path: that of the folder, as it was given, and the name.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.std.path()
    }

    /// The name.
    #[must_use]
    pub fn file_name(&self) -> OsString {
        self.std.file_name()
    }

    /// The number that the file system knows it by.
    #[must_use]
    pub fn ino(&self) -> u64 {
        self.std.ino()
    }

    /// What it is: a file, a folder, a link. Does not wait: it was found out with the name.
    ///
    /// # Errors
    ///
    /// Returns the system's error if that could not be told.
    pub fn file_type(&self) -> io::Result<FileType> {
        match &self.file_type {
            Ok(file_type) => Ok(*file_type),
            Err(error) => Err(match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => error.kind().into(),
            }),
        }
    }

    /// Returns what the system knows of it; of a link, not of where it leads to.
    ///
    /// # Errors
    ///
    /// Returns the system's error: `NotFound` if it was removed meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn metadata(&self) -> impl Future<Output = io::Result<Metadata>> + use<> {
        let std = Arc::clone(&self.std);
        try_in_thread(move || std.metadata())
    }
}

impl fmt::Debug for DirEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.std.fmt(f)
    }
}

/// How a folder is made; [`std::fs::DirBuilder`].
///
/// # Examples
///
/// ```
/// use bibelot::fs::{self, DirBuilder};
///
/// # bibelot::run(async {
/// # let folder = std::env::temp_dir().join(format!("bibelot-builder-{}", std::process::id()));
/// let secret = folder.join("secret");
/// DirBuilder::new().recursive(true).mode(0o700).create(&secret).await?;
/// # fs::remove_dir_all(&folder).await
/// # }).unwrap();
/// ```
#[derive(Debug, Default)]
pub struct DirBuilder {
    /// Whether folders on the way are made as well.
    recursive: bool,
    /// With which permissions, if not those that all have.
    mode: Option<u32>,
}

impl DirBuilder {
    /// Makes one folder, with the permissions that all have.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether folders on the way are made as well, and it is no error if the folder is there.
    pub fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.recursive = recursive;
        self
    }

    /// Sets the permissions, less what the process's mask takes away: `0o777` unless this says
    /// otherwise.
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = Some(mode);
        self
    }

    /// Makes the folder.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::DirBuilder::create`].
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it may happen still.
    #[track_caller]
    pub fn create<P: AsRef<Path>>(&self, path: P) -> impl Future<Output = io::Result<()>> + use<P> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(self.recursive);
        if let Some(mode) = self.mode {
            builder.mode(mode);
        }
        let path = path.as_ref().to_path_buf();
        try_in_thread(move || builder.create(path))
    }
}

/// Makes a folder; [`std::fs::create_dir`].
///
/// # Errors
///
/// Those of [`std::fs::create_dir`]: `AlreadyExists` if there is something of that name.
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
/// # let folder = std::env::temp_dir().join(format!("bibelot-folder-{}", std::process::id()));
/// fs::create_dir(&folder).await?;
/// fs::remove_dir(&folder).await
/// # }).unwrap();
/// ```
#[track_caller]
pub fn create_dir<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<()>> {
    DirBuilder::new().create(path)
}

/// Makes a folder and all that are missing on the way; [`std::fs::create_dir_all`].
///
/// # Errors
///
/// Those of [`std::fs::create_dir_all`]. That the folder is there is none.
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
/// # let folder = std::env::temp_dir().join(format!("bibelot-all-{}", std::process::id()));
/// fs::create_dir_all(folder.join("one/in/the/other")).await?;
/// fs::remove_dir_all(&folder).await
/// # }).unwrap();
/// ```
#[track_caller]
pub fn create_dir_all<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<()>> {
    DirBuilder::new().recursive(true).create(path)
}

/// Removes a folder that is empty; [`std::fs::remove_dir`].
///
/// # Errors
///
/// Those of [`std::fs::remove_dir`]: `DirectoryNotEmpty` if it is not.
///
/// # Cancel safety
///
/// If it is dropped, it may happen still.
///
/// # Examples
///
/// See [`create_dir`].
#[track_caller]
pub fn remove_dir<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::remove_dir(path))
}

/// Removes a folder with all that is in it, but not what links in it lead to;
/// [`std::fs::remove_dir_all`].
///
/// # Errors
///
/// Those of [`std::fs::remove_dir_all`]. Some of it may be gone then.
///
/// # Cancel safety
///
/// If it is dropped, it may happen still.
///
/// # Examples
///
/// See [`create_dir_all`].
#[track_caller]
pub fn remove_dir_all<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_path_buf();
    try_in_thread(move || fs::remove_dir_all(path))
}
