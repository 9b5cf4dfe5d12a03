//! [`stdin`]: one buffer for all handles of a thread.

use std::fmt;
use std::future::Future;
use std::io::{self, IsTerminal, Result};
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use super::Standard;
use crate::io::lines::without_end;
use crate::io::{BufReader, Read};
use crate::place::placed;
use crate::sync::Mutex;

thread_local! {
    /// What all handles of this thread read from.
    static STDIN: Rc<Mutex<BufReader<Source>>> = Rc::new(Mutex::new(BufReader::new(Source(
        Standard::new(|| io::stdin().as_fd().try_clone_to_owned()),
    ))));
}

/// Returns a handle of the process's standard input; [`std::io::stdin`], awaited.
///
/// All handles of a thread have one buffer, which outlives them and the executor: what one has not
/// taken is there for the next. It is not std's buffer, nor that of another thread: let one
/// executor read, and nobody else. Input that comes from a file is read by threads of the pool.
///
/// # Examples
///
/// ```no_run
/// use bibelot::io;
///
/// # bibelot::run(async {
/// let mut lines = io::stdin().lines();
/// while let Some(line) = lines.next().await {
///     println!("{} bytes", line?.len());
/// }
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
#[must_use]
pub fn stdin() -> Stdin {
    Stdin {
        std: io::stdin(),
        reader: STDIN.with(Rc::clone),
    }
}

/// A handle of the process's standard input; made by [`stdin`].
///
/// Tasks that read at the same time come in turn, each with its whole call: a line is never torn. The
/// descriptor stays blocking, since others share it: if another process takes the bytes that this one
/// was told of, the thread blocks until there are more.
///
/// # Cancel safety
///
/// No byte is lost, whatever is dropped: see each.
pub struct Stdin {
    /// Std's handle.
    std: io::Stdin,
    /// What all handles of this thread read from.
    reader: Rc<Mutex<BufReader<Source>>>,
}

impl Stdin {
    /// Reads a line with its end (`\n`), or what is left before the end, appends it to `line`, and
    /// returns how many bytes that was. Zero means the end.
    ///
    /// # Errors
    ///
    /// `InvalidData` when the line is not UTF-8: `line` is as it was, and the bad line is passed. Else
    /// the system's.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost. Nothing is appended before the line is whole; called again, it goes on.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use bibelot::io;
    ///
    /// # bibelot::run(async {
    /// io::stdout().write_all(b"Your name? ").await?;
    /// let mut name = String::new();
    /// io::stdin().read_line(&mut name).await?;
    /// writeln!(io::stdout(), "Hello, {}!", name.trim()).await
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn read_line(&self, line: &mut String) -> impl Future<Output = Result<usize>> {
        placed(async move { self.reader.lock().await.read_line(line).await })
    }

    /// Reads some bytes into `buf` and returns how many, waiting until there is at least one.
    ///
    /// Zero means the end, or that `buf` is empty.
    ///
    /// # Errors
    ///
    /// The system's; then no byte was read.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost.
    #[track_caller]
    pub fn read(&self, buf: &mut [u8]) -> impl Future<Output = Result<usize>> {
        placed(async move { self.reader.lock().await.read(buf).await })
    }

    /// Reads until `buf` is full.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` when the input ends before, else the system's. What was read by then is there
    /// to be read again.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost: what was read is there to be read again.
    #[track_caller]
    pub fn read_exact(&self, buf: &mut [u8]) -> impl Future<Output = Result<()>> {
        placed(async move { self.reader.lock().await.read_exact(buf).await })
    }

    /// Reads until the end, appends it all to `buf`, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// The system's. What was read by then has been appended.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost: what was read has been appended to `buf`, or is there for the next call.
    /// Called again with the same vector, it goes on.
    #[track_caller]
    pub fn read_to_end(&self, buf: &mut Vec<u8>) -> impl Future<Output = Result<usize>> {
        placed(async move { self.reader.lock().await.read_to_end(buf).await })
    }

    /// Reads until the end, appends it all to `buf` as text, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// `InvalidData` when the bytes are not UTF-8; then they are gone, as in std. Else the system's.
    /// In each case `buf` is as it was.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost. Nothing is appended before all is there; called again, it goes on.
    #[track_caller]
    pub fn read_to_string(&self, buf: &mut String) -> impl Future<Output = Result<usize>> {
        placed(async move { self.reader.lock().await.read_to_string(buf).await })
    }

    /// Returns the lines, without their ends, one by one.
    #[must_use]
    pub fn lines(self) -> StdinLines {
        StdinLines { stdin: self }
    }

    /// Whether it is a terminal, so that somebody sits before it.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.std.is_terminal()
    }
}

impl Read for Stdin {
    fn read(&self, buf: &mut [u8]) -> impl Future<Output = Result<usize>> {
        self.read(buf)
    }

    fn read_exact(&self, buf: &mut [u8]) -> impl Future<Output = Result<()>> {
        self.read_exact(buf)
    }

    fn read_to_end(&self, buf: &mut Vec<u8>) -> impl Future<Output = Result<usize>> {
        self.read_to_end(buf)
    }

    fn read_to_string(&self, buf: &mut String) -> impl Future<Output = Result<usize>> {
        self.read_to_string(buf)
    }
}

impl AsFd for Stdin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.std.as_fd()
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin").finish_non_exhaustive()
    }
}

/// The lines of the standard input, without their ends; made by [`Stdin::lines`].
#[derive(Debug)]
pub struct StdinLines {
    /// Whose.
    stdin: Stdin,
}

impl StdinLines {
    /// Waits for the next line and returns it without its `\n` or `\r\n`; none means the end.
    ///
    /// # Errors
    ///
    /// Those of [`Stdin::read_line`]. A line that is not UTF-8 is passed over, and the next one
    /// follows it.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost; called again, it goes on with the same line.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator's next does not wait"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<String>>> {
        placed(async move {
            let mut line = String::new();
            match self.stdin.read_line(&mut line).await {
                Ok(0) => None,
                Ok(_) => Some(Ok(without_end(line))),
                Err(error) => Some(Err(error)),
            }
        })
    }
}

/// The descriptor under the buffer.
struct Source(Standard);

impl Read for Source {
    fn read(&self, buf: &mut [u8]) -> impl Future<Output = Result<usize>> {
        placed(self.0.read(buf))
    }
}
