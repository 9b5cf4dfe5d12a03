//! How a file is opened.

use std::fmt;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::fs::File;
use crate::io;
use crate::place::placed;
use crate::worker::try_in_thread;

/// How a file is opened; [`std::fs::OpenOptions`], with those of Unix among its own functions.
///
/// # Examples
///
/// ```
/// use bibelot::fs::{self, OpenOptions};
///
/// # bibelot::run(async {
/// # let path = std::env::temp_dir().join(format!("bibelot-options-{}", std::process::id()));
/// let log = OpenOptions::new().append(true).create(true).open(&path).await?;
/// writeln!(log, "one more line").await?;
/// # fs::remove_file(&path).await
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct OpenOptions {
    /// Std's.
    std: fs::OpenOptions,
}

/// Writes functions that pass a value on to std's.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident($value:ident: $type:ty);)*) => {
        impl OpenOptions {
            $(
                $(#[$doc])*
                pub fn $name(&mut self, $value: $type) -> &mut Self {
                    self.std.$name($value);
                    self
                }
            )*
        }
    };
}

options! {
    /// Sets whether the file can be read.
    read(read: bool);
    /// Sets whether the file can be written.
    write(write: bool);
    /// Sets whether each write goes to the end of the file, wherever that is by then.
    append(append: bool);
    /// Sets whether a file that is there is emptied.
    truncate(truncate: bool);
    /// Sets whether a file that is not there is made.
    create(create: bool);
    /// Sets whether the file must be new: it is made, and it is an error if it is there already.
    create_new(create_new: bool);
    /// Sets the permissions of a file that is made, less what the process's mask takes away: `0o666`
    /// unless this says otherwise.
    mode(mode: u32);
    /// Sets flags for the system's `open` that have no function here.
    custom_flags(flags: i32);
}

impl OpenOptions {
    /// Options of which none is set.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "std's has no default either")]
    pub fn new() -> Self {
        Self {
            std: fs::OpenOptions::new(),
        }
    }

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::OpenOptions::open`].
    ///
    /// # Cancel safety
    ///
    /// A file that is opened for nobody is closed again; but it may have been made or emptied.
    #[track_caller]
    pub fn open<P: AsRef<Path>>(&self, path: P) -> impl Future<Output = io::Result<File>> + use<P> {
        let (options, path) = (self.std.clone(), path.as_ref().to_path_buf());
        let opened = try_in_thread(move || options.open(path));
        placed(async move { Ok(File::from_std(opened.await?)) })
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.std.fmt(f)
    }
}

impl From<fs::OpenOptions> for OpenOptions {
    fn from(std: fs::OpenOptions) -> Self {
        Self { std }
    }
}
