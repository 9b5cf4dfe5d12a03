//! [`stdout`] and [`stderr`]: what a task writes in one call stands together.

use std::fmt;
use std::future::Future;
use std::io::{self, IsTerminal, Result};
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use super::Standard;
use crate::io::Write;
use crate::io::inherent::writes;
use crate::place::placed;
use crate::sync::Mutex;

/// The descriptor, to be written to.
struct Target(Standard);

impl Write for Target {
    fn write(&self, buf: &[u8]) -> impl Future<Output = Result<usize>> {
        placed(self.0.write(buf))
    }

    fn flush(&self) -> impl Future<Output = Result<()>> {
        placed(self.0.flush())
    }
}

/// Writes what the two have in common, which is all but their names.
macro_rules! output {
    ($(#[$type_doc:meta])* $Type:ident, $(#[$function_doc:meta])* $function:ident, $STATIC:ident) => {
        thread_local! {
            /// What all handles of this thread write to.
            static $STATIC: Rc<Mutex<Target>> = Rc::new(Mutex::new(Target(Standard::new(
                || io::$function().as_fd().try_clone_to_owned(),
            ))));
        }

        $(#[$function_doc])*
        #[must_use]
        pub fn $function() -> $Type {
            $Type {
                std: io::$function(),
                target: $STATIC.with(Rc::clone),
            }
        }

        $(#[$type_doc])*
        pub struct $Type {
            /// Std's handle.
            std: io::$Type,
            /// What all handles of this thread write to.
            target: Rc<Mutex<Target>>,
        }

        writes!(
            $Type,
            dropped: "No byte was written, unless it goes to a file: then it is as with \
                      [`fs::File`](crate::fs::File), and what was written counts when it is written \
                      again.",
            flush: "Nothing is held back here: this waits for a dropped write to a file alone.",
            errors: "That of a dropped write to a file that has failed (see \
                     [`fs::File`](crate::fs::File)); the system's, if this is the first use and the \
                     descriptor is not open."
        );

        impl $Type {
            /// Whether it is a terminal, so that somebody sits before it.
            #[must_use]
            pub fn is_terminal(&self) -> bool {
                self.std.is_terminal()
            }
        }

        impl Write for $Type {
            fn write(&self, buf: &[u8]) -> impl Future<Output = Result<usize>> {
                placed(async move { self.target.lock().await.write(buf).await })
            }

            fn flush(&self) -> impl Future<Output = Result<()>> {
                placed(async move { self.target.lock().await.flush().await })
            }

            fn write_all(&self, buf: &[u8]) -> impl Future<Output = Result<()>> {
                placed(async move { self.target.lock().await.write_all(buf).await })
            }
        }

        impl AsFd for $Type {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.std.as_fd()
            }
        }

        impl fmt::Debug for $Type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Type)).finish_non_exhaustive()
            }
        }
    };
}

output! {
    /// A handle of the process's standard output; made by [`stdout`].
    ///
    /// What one call writes stands together, whatever other tasks write meanwhile. Nothing is held
    /// back: for many small pieces wrap it in a [`BufWriter`](crate::io::BufWriter). What `print!`
    /// writes lies in std's own buffer until the end of the line, and may come later.
    ///
    /// The descriptor stays blocking, since others share it. A pipe takes as much at once as it is known
    /// to have room for; a terminal whose reader is slow may block the thread for a moment.
    Stdout,
    /// Returns a handle of the process's standard output; [`std::io::stdout`], awaited, and without a
    /// buffer. Where it leads to a file, threads of the pool write.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::io;
    ///
    /// # bibelot::run(async {
    /// let answer = 42;
    /// writeln!(io::stdout(), "the answer is {answer}").await
    /// # }).unwrap();
    /// ```
    stdout,
    STDOUT
}

output! {
    /// A handle of the process's standard error; made by [`stderr`].
    ///
    /// It is written to as [`Stdout`] is.
    Stderr,
    /// Returns a handle of the process's standard error; [`std::io::stderr`], awaited.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::io;
    ///
    /// # bibelot::run(async {
    /// writeln!(io::stderr(), "all is well").await
    /// # }).unwrap();
    /// ```
    stderr,
    STDERR
}
