//! [`Child`]: std's, where waiting waits.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::process;
use std::task::Poll;

use rustix::process::Signal;

use super::pipes::{ChildStderr, ChildStdin, ChildStdout};
use super::running::{Policy, Running};
use super::{ExitStatus, Output};
use crate::io::Read;
use crate::place::{self, placed};

/// A child process, running or ended; made by [`Command::spawn`](super::Command::spawn).
///
/// **Dropped, it lets the process live on**, as std's does, unless
/// [`Command::kill_on_drop`](super::Command::kill_on_drop) was called. In contrast to std's, a process
/// that was let go is reaped when it ends, also when the executor has ended before.
///
/// # Examples
///
/// ```
/// use bibelot::process::Command;
///
/// # bibelot::run(async {
/// let mut child = Command::new("/bin/cat")
///     .arg("Cargo.toml")
///     .spawn()
///     .expect("failed to execute child");
///
/// let ecode = child.wait().await.expect("failed to wait on child");
///
/// assert!(ecode.success());
/// # });
/// ```
pub struct Child {
    /// The process. First, so that it is asked to end before it sees its pipes closed.
    running: Running,
    /// The pipe to its standard input, if [`Stdio::piped`](super::Stdio::piped) was asked for.
    pub stdin: Option<ChildStdin>,
    /// The pipe from its standard output, if it was asked for.
    pub stdout: Option<ChildStdout>,
    /// The pipe from its standard error, if it was asked for.
    pub stderr: Option<ChildStderr>,
}

impl Child {
    /// Takes in a child that std has spawned, perhaps in another thread, since finding and starting a
    /// program blocks. Dropped, it lives on.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot be waited for, or its pipes cannot be made
    /// non-blocking; then it is killed.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::process::{Child, Command};
    /// # #[cfg(feature = "worker")]
    /// use bibelot::worker;
    ///
    /// # #[cfg(feature = "worker")]
    /// # bibelot::run(async {
    /// let mut command = Command::new("true");
    /// let child = worker::run_in_thread(move || command.as_std_mut().spawn()).await?;
    /// let mut child = Child::from_std(child)?;
    /// assert!(child.wait().await?.success());
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn from_std(child: process::Child) -> io::Result<Self> {
        Self::new(child, Policy::Leave)
    }

    /// Takes in a child that std has spawned. If that fails, it is killed.
    #[track_caller]
    pub(super) fn new(mut child: process::Child, policy: Policy) -> io::Result<Self> {
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut child = Self {
            running: Running::new(child, place::here())?,
            stdin: stdin.map(ChildStdin::from_std).transpose()?,
            stdout: stdout.map(ChildStdout::from_std).transpose()?,
            stderr: stderr.map(ChildStderr::from_std).transpose()?,
        };
        child.running.set_policy(policy);
        Ok(child)
    }

    /// The number of the process. When it was waited for, another may have it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Closes the child's standard input, if it is a pipe and still here, waits until the process has
    /// ended, and returns how. Processes that it has started itself are not waited for.
    ///
    /// As with std's, a child whose output goes to a pipe that nobody reads stands still when that is
    /// full (64 KiB on Linux), and this waits for ever: read [`stdout`](Self::stdout) and
    /// [`stderr`](Self::stderr) beside it, drop them, or have
    /// [`wait_with_output`](Self::wait_with_output) read them.
    ///
    /// The status is remembered: called again, this returns it at once.
    ///
    /// # Errors
    ///
    /// Returns the system's error if the process is no child of ours any more, as somebody else has
    /// reaped it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost but the standard input, which stays closed; call it again.
    #[track_caller]
    pub fn wait(&mut self) -> impl Future<Output = io::Result<ExitStatus>> {
        placed(async {
            drop(self.stdin.take());
            self.running.ended().await
        })
    }

    /// Returns how the process has ended, or `None` if it has not, without waiting.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.running.try_wait()
    }

    /// Closes the child's standard input, reads all that its standard output and error bring, if they
    /// are pipes and still here, side by side, and waits until the process has ended. A process that
    /// it has started itself and that has the pipes, too, is waited for as well.
    ///
    /// # Errors
    ///
    /// Those of reading, and of [`wait`](Self::wait).
    ///
    /// # Cancel safety
    ///
    /// What was read is lost, and the child is dropped.
    #[track_caller]
    pub fn wait_with_output(self) -> impl Future<Output = io::Result<Output>> {
        self.communicate([])
    }

    /// Writes `input` to the child's standard input and closes it, reads all that its standard output
    /// and error bring, all three side by side, and waits until the process has ended. (Python's
    /// `communicate`; [`wait_with_output`](Self::wait_with_output) with something to say.)
    ///
    /// A child that closes its standard input before it has read all of it does not want the rest:
    /// that is no error.
    ///
    /// # Errors
    ///
    /// An error of kind `InvalidInput` if there is something to write, and the child's standard input
    /// is not a pipe. Else those of writing, of reading, and of [`wait`](Self::wait). None waits for
    /// the child: it is dropped.
    ///
    /// # Cancel safety
    ///
    /// What was read is lost, and the child is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::process::{Command, Stdio};
    ///
    /// # bibelot::run(async {
    /// let sort = Command::new("sort")
    ///     .stdin(Stdio::piped())
    ///     .stdout(Stdio::piped())
    ///     .spawn()?;
    /// let sorted = sort.communicate("pear\napple\n").await?;
    /// assert_eq!(sorted.stdout, b"apple\npear\n");
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn communicate(self, input: impl AsRef<[u8]>) -> impl Future<Output = io::Result<Output>> {
        placed(async move {
            let input = input.as_ref();
            if self.stdin.is_none() && !input.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "the child's stdin is not a pipe; set it to Stdio::piped()",
                ));
            }
            let read = try_join(read_all(self.stdout), read_all(self.stderr));
            let talk = pin!(try_join(write_all(self.stdin, input), read));
            // After the talk, so that it is dropped before: asked to end before its pipes are closed.
            let mut running = self.running;
            let ((), (stdout, stderr)) = talk.await?;
            Ok(Output {
                stdout,
                stderr,
                status: running.ended().await?,
            })
        })
    }

    /// Kills the process (`SIGKILL`), which cannot refuse, and does not wait for its end. If it has
    /// ended nothing happens.
    ///
    /// # Errors
    ///
    /// Returns the system's error, as for a process that runs as another user by now.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::process::Command;
    ///
    /// # bibelot::run(async {
    /// let mut command = Command::new("yes");
    /// # command.stdout(bibelot::process::Stdio::null());
    /// if let Ok(mut child) = command.spawn() {
    ///     child.kill().expect("command couldn't be killed");
    ///     # child.wait().await.unwrap();
    /// } else {
    ///     println!("yes command didn't start");
    /// }
    /// # });
    /// ```
    pub fn kill(&mut self) -> io::Result<()> {
        self.running.send(Signal::KILL)
    }

    /// Asks the process to end (`SIGTERM`), and does not wait for its end. If it has ended nothing
    /// happens.
    ///
    /// # Errors
    ///
    /// As [`kill`](Self::kill).
    pub fn terminate(&mut self) -> io::Result<()> {
        self.running.send(Signal::TERM)
    }

    /// Sends a signal to the process: a number, or a `bibelot::signal::Signal`. If it has ended
    /// nothing happens.
    ///
    /// # Errors
    ///
    /// An error of kind `InvalidInput` if it is none of the signals that have names: real-time signals
    /// have none, as the C library keeps some of them to itself; nor has zero, with which others ask
    /// whether a process is there, as [`try_wait`](Self::try_wait) does here. Else as
    /// [`kill`](Self::kill).
    pub fn send_signal(&mut self, signal: impl Into<i32>) -> io::Result<()> {
        match Signal::from_named_raw(signal.into()) {
            Some(signal) => self.running.send(signal),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "no signal has this number",
            )),
        }
    }
}

/// Writes all of `input`, as far as it is wanted, and closes the pipe.
async fn write_all(stdin: Option<ChildStdin>, input: &[u8]) -> io::Result<()> {
    let Some(stdin) = stdin else {
        return Ok(());
    };
    match stdin.write_all(input).await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Reads all that a pipe brings.
async fn read_all(pipe: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Waits for both values, or for the first error.
async fn try_join<A, B>(
    a: impl Future<Output = io::Result<A>>,
    b: impl Future<Output = io::Result<B>>,
) -> io::Result<(A, B)> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let mut values = (None, None);
    poll_fn(|cx| {
        if values.0.is_none()
            && let Poll::Ready(value) = a.as_mut().poll(cx)
        {
            values.0 = Some(value?);
        }
        if values.1.is_none()
            && let Poll::Ready(value) = b.as_mut().poll(cx)
        {
            values.1 = Some(value?);
        }
        match std::mem::take(&mut values) {
            (Some(a), Some(b)) => Poll::Ready(Ok((a, b))),
            rest => {
                values = rest;
                Poll::Pending
            }
        }
    })
    .await
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id())
            .field("stdin", &self.stdin)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .finish_non_exhaustive()
    }
}
