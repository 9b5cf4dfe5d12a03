//! [`Command`]: std's, with what becomes of a child that nobody waits for any more.
//!
//! What std itself decides late is decided here: a stdio that was not set is inherited by `spawn` and
//! `status`, while `output` captures it, or closes it, if it is the standard input. std's `Command`
//! does not tell what was set, so this one remembers it, and puts back what was not.

use std::ffi::OsStr;
use std::fmt;
use std::future::Future;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process;

use super::running::Policy;
use super::{Child, CommandArgs, CommandEnvs, ExitStatus, Output, Stdio};
use crate::place::placed;
use crate::time::Duration;

/// How long a child that is asked to end may take, unless something else is said.
const GRACE: Duration = Duration::from_secs(5);

/// A program to be started, with all that it gets on its way: [`std::process::Command`], whose
/// children are awaited.
///
/// [`spawn`](Self::spawn) starts it and hands out the child; [`status`](Self::status) and
/// [`output`](Self::output) start it, wait for its end, and end it when they are cancelled.
///
/// # Examples
///
/// ```
/// use bibelot::process::Command;
///
/// # bibelot::run(async {
/// let output = Command::new("sh")
///     .arg("-c")
///     .arg("echo hello")
///     .output()
///     .await
///     .expect("failed to execute process");
///
/// let hello = output.stdout;
/// assert_eq!(hello, b"hello\n");
/// # });
/// ```
pub struct Command {
    /// std's.
    std: process::Command,
    /// Which of stdin, stdout and stderr were set.
    is_set: [bool; 3],
    /// Whether a child is ended when it is dropped.
    kill_on_drop: bool,
    /// How long it has then.
    grace: Duration,
}

impl Command {
    /// A command that starts a program, looked for in `PATH` unless it is a path. The child inherits
    /// the environment, the working directory, and what [`stdin`](Self::stdin),
    /// [`stdout`](Self::stdout) and [`stderr`](Self::stderr) say.
    pub fn new<S: AsRef<OsStr>>(program: S) -> Self {
        process::Command::new(program).into()
    }

    /// Adds an argument.
    pub fn arg<S: AsRef<OsStr>>(&mut self, arg: S) -> &mut Self {
        self.std.arg(arg);
        self
    }

    /// Adds several arguments.
    pub fn args<I, S>(&mut self, args: I) -> &mut Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.std.args(args);
        self
    }

    /// Sets a variable of the child's environment.
    pub fn env<K: AsRef<OsStr>, V: AsRef<OsStr>>(&mut self, key: K, value: V) -> &mut Self {
        self.std.env(key, value);
        self
    }

    /// Sets several variables of the child's environment.
    pub fn envs<I, K, V>(&mut self, vars: I) -> &mut Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.envs(vars);
        self
    }

    /// Has the child not inherit a variable, or forgets one that was set.
    pub fn env_remove<K: AsRef<OsStr>>(&mut self, key: K) -> &mut Self {
        self.std.env_remove(key);
        self
    }

    /// Has the child inherit no variable, and forgets those that were set.
    pub fn env_clear(&mut self) -> &mut Self {
        self.std.env_clear();
        self
    }

    /// Sets the child's working directory. Whether a program that is a relative path is looked for
    /// there or here depends on the system.
    pub fn current_dir<P: AsRef<Path>>(&mut self, dir: P) -> &mut Self {
        self.std.current_dir(dir);
        self
    }

    /// Sets the child's standard input: a pipe of ours or of another child, a file, nothing. By
    /// default it is inherited by [`spawn`](Self::spawn) and [`status`](Self::status), and is at its
    /// end at once for [`output`](Self::output).
    ///
    /// A pipe's end that is set here, or below, is held until the command is dropped, so as to be
    /// there for each child: whoever reads the other end sees no end before.
    pub fn stdin<T: Into<Stdio>>(&mut self, stdin: T) -> &mut Self {
        self.is_set[0] = true;
        self.std.stdin(stdin);
        self
    }

    /// Sets the child's standard output. By default it is inherited by [`spawn`](Self::spawn) and
    /// [`status`](Self::status), and captured by [`output`](Self::output).
    pub fn stdout<T: Into<Stdio>>(&mut self, stdout: T) -> &mut Self {
        self.is_set[1] = true;
        self.std.stdout(stdout);
        self
    }

    /// Sets the child's standard error. By default it is inherited by [`spawn`](Self::spawn) and
    /// [`status`](Self::status), and captured by [`output`](Self::output).
    pub fn stderr<T: Into<Stdio>>(&mut self, stderr: T) -> &mut Self {
        self.is_set[2] = true;
        self.std.stderr(stderr);
        self
    }

    /// Sets the child's user, as [`CommandExt::uid`] does.
    pub fn uid(&mut self, id: u32) -> &mut Self {
        self.std.uid(id);
        self
    }

    /// Sets the child's group, as [`CommandExt::gid`] does.
    pub fn gid(&mut self, id: u32) -> &mut Self {
        self.std.gid(id);
        self
    }

    /// Sets what the child sees as its own name, its argument zero.
    pub fn arg0<S: AsRef<OsStr>>(&mut self, arg: S) -> &mut Self {
        self.std.arg0(arg);
        self
    }

    /// Sets the child's process group; zero is one of its own. Signals of the terminal, such as
    /// Ctrl-C, go to a whole group.
    pub fn process_group(&mut self, group: i32) -> &mut Self {
        self.std.process_group(group);
        self
    }

    /// Says whether a [`Child`] that is dropped while the process runs ends it. By default it does
    /// not, as in std.
    ///
    /// The process is asked to end (`SIGTERM`), and killed (`SIGKILL`) when it has not after the
    /// [`grace`](Self::grace), which is [reported](crate::Report::ChildKilled). Its pipes that were
    /// dropped with it are closed once it was asked: what it writes to them in its grace is lost. The
    /// task that has dropped the child waits for the end in an epilogue, beside whatever else it does
    /// ([`task::finally`](crate::task::finally)): neither does it end before the process is gone, nor
    /// does a timeout, a race or a scope return whose doing it was. The grace of the executor
    /// ([`ExecutorBuilder::grace`](crate::ExecutorBuilder::grace)) is not exceeded. A child that is
    /// dropped where no executor runs is killed at once. It is the process itself that is ended, not
    /// those that it has started.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::process::{Command, Stdio};
    /// use bibelot::time::{Duration, timeout};
    ///
    /// # bibelot::run(async {
    /// let mut cat = Command::new("cat").stdin(Stdio::piped()).kill_on_drop(true).spawn()?;
    /// let _stdin = cat.stdin.take(); // and so it waits for ever
    /// let body = async move { cat.wait().await };
    /// assert!(timeout(Duration::from_millis(1), body).await.is_err());
    /// // The cat is gone.
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn kill_on_drop(&mut self, kill_on_drop: bool) -> &mut Self {
        self.kill_on_drop = kill_on_drop;
        self
    }

    /// Sets how long a child has to end by itself when it was asked to, because its
    /// [`output`](Self::output) or [`status`](Self::status) was cancelled or by
    /// [`kill_on_drop`](Self::kill_on_drop), before it is killed: five seconds by default. With zero it
    /// is not asked.
    pub fn grace(&mut self, grace: Duration) -> &mut Self {
        self.grace = grace;
        self
    }

    /// Starts the program, with its standard input, output and error inherited unless set.
    ///
    /// This is std's own, and blocks the thread until the program was found and started: for a
    /// millisecond or less, as a rule. See [`Child::from_std`] for another way.
    ///
    /// # Errors
    ///
    /// Returns the system's error if the program could not be started: of kind `NotFound` if there is
    /// none, of kind `PermissionDenied` if it may not be run.
    #[track_caller]
    pub fn spawn(&mut self) -> io::Result<Child> {
        let policy = if self.kill_on_drop {
            Policy::End(self.grace)
        } else {
            Policy::Leave
        };
        self.spawn_with(policy)
    }

    /// Starts the program, with its standard input, output and error inherited unless set, waits for
    /// its end and returns how it has ended. The start blocks, as [`spawn`](Self::spawn) does. Nobody
    /// reads here: our end of an output that was set to a pipe is closed before the wait, so that a
    /// program that goes on writing is not waited for in vain; as a rule `SIGPIPE` ends it.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Self::spawn) and of [`Child::wait`].
    ///
    /// # Cancel safety
    ///
    /// The program is ended, as by [`kill_on_drop`](Self::kill_on_drop). Not started before the first
    /// poll.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::process::Command;
    ///
    /// # bibelot::run(async {
    /// let status = Command::new("/bin/cat")
    ///     .arg("Cargo.toml")
    ///     .status()
    ///     .await
    ///     .expect("failed to execute process");
    ///
    /// println!("process finished with: {status}");
    ///
    /// assert!(status.success());
    /// # });
    /// ```
    #[track_caller]
    pub fn status(&mut self) -> impl Future<Output = io::Result<ExitStatus>> {
        placed(async {
            let mut child = self.spawn_with(Policy::End(self.grace))?;
            drop((child.stdout.take(), child.stderr.take()));
            child.wait().await
        })
    }

    /// Starts the program, waits for its end, and returns how it has ended and what it has written to
    /// its standard output and error, unless these were set to something else. Its standard input, if
    /// it was not set, is at its end at once. The start blocks, as [`spawn`](Self::spawn) does.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Self::spawn) and of [`Child::wait_with_output`]. That the program itself has
    /// failed is not one: look at the [`status`](Output::status).
    ///
    /// # Cancel safety
    ///
    /// The program is ended, as by [`kill_on_drop`](Self::kill_on_drop), and what it has written is
    /// lost. Not started before the first poll.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::process::Command;
    /// use std::io::{self, Write};
    ///
    /// # bibelot::run(async {
    /// let output = Command::new("/bin/cat")
    ///     .arg("Cargo.toml")
    ///     .output()
    ///     .await?;
    ///
    /// println!("status: {}", output.status);
    /// io::stdout().write_all(&output.stdout)?;
    /// io::stderr().write_all(&output.stderr)?;
    ///
    /// assert!(output.status.success());
    /// # Ok::<(), io::Error>(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn output(&mut self) -> impl Future<Output = io::Result<Output>> {
        placed(async { self.spawn_captured()?.wait_with_output().await })
    }

    /// Starts the program, with what was not set captured, or closed; all is put back then.
    #[track_caller]
    fn spawn_captured(&mut self) -> io::Result<Child> {
        let defaults = [Stdio::null(), Stdio::piped(), Stdio::piped()];
        self.set_unset(defaults);
        let child = self.spawn_with(Policy::End(self.grace));
        self.set_unset([Stdio::inherit(), Stdio::inherit(), Stdio::inherit()]);
        child
    }

    /// Sets what the program has not.
    fn set_unset(&mut self, [stdin, stdout, stderr]: [Stdio; 3]) {
        let Self { std, is_set, .. } = self;
        if !is_set[0] {
            std.stdin(stdin);
        }
        if !is_set[1] {
            std.stdout(stdout);
        }
        if !is_set[2] {
            std.stderr(stderr);
        }
    }

    /// Starts the program.
    #[track_caller]
    fn spawn_with(&mut self, policy: Policy) -> io::Result<Child> {
        Child::new(self.std.spawn()?, policy)
    }

    /// The program.
    #[must_use]
    pub fn get_program(&self) -> &OsStr {
        self.std.get_program()
    }

    /// Its arguments, without argument zero.
    pub fn get_args(&self) -> CommandArgs<'_> {
        self.std.get_args()
    }

    /// The variables that were set, or removed, which have no value; not those that are inherited.
    pub fn get_envs(&self) -> CommandEnvs<'_> {
        self.std.get_envs()
    }

    /// The working directory, if one was set.
    #[must_use]
    pub fn get_current_dir(&self) -> Option<&Path> {
        self.std.get_current_dir()
    }

    /// std's command, to be looked at.
    #[must_use]
    pub fn as_std(&self) -> &process::Command {
        &self.std
    }

    /// std's command, for what this one has not: `pre_exec`, extensions of a platform. Set stdin,
    /// stdout and stderr here and not there, where [`output`](Self::output) does not see it. What runs
    /// before the program does, in the child, must not touch the executor, whose descriptors it shares.
    pub fn as_std_mut(&mut self) -> &mut process::Command {
        &mut self.std
    }

    /// std's command.
    #[must_use]
    pub fn into_std(self) -> process::Command {
        self.std
    }
}

/// Set stdin, stdout and stderr here and not there, where [`output`](Command::output) does not see it.
impl From<process::Command> for Command {
    fn from(std: process::Command) -> Self {
        Self {
            std,
            is_set: [false; 3],
            kill_on_drop: false,
            grace: GRACE,
        }
    }
}

impl fmt::Debug for Command {
    /// As std's: what one would type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.std.fmt(f)
    }
}
