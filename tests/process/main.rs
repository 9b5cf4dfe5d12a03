//! Child processes, by real ones: in a binary of its own and one test at a time, so that each can
//! look whether it has left a child, a zombie or a descriptor behind.
#![cfg(feature = "process")]

mod cancel;
mod child;
mod output;
mod places;
mod reap;
mod std_examples;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use bibelot::io::{BufReader, PipeReader, PipeWriter, pipe};
use bibelot::process::{Command, id};
use bibelot::time::{Duration, Instant};

/// The right to be the one test that runs. At its end nothing may be left behind.
struct One {
    descriptors: usize,
    _guard: MutexGuard<'static, ()>,
}

fn one_at_a_time() -> One {
    static TEST: Mutex<()> = Mutex::new(());
    let guard = TEST.lock().unwrap_or_else(PoisonError::into_inner);
    One {
        descriptors: descriptors(),
        _guard: guard,
    }
}

impl Drop for One {
    fn drop(&mut self) {
        if !thread::panicking() {
            until("no child is left", || children().is_empty());
            until("no descriptor is left", || {
                descriptors() <= self.descriptors
            });
        }
    }
}

/// Looks until something is so that another thread brings about.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < limit, "{what}: {:?}", children());
        thread::yield_now();
    }
}

/// The processes whose parent we are, with their states: `Z` is a zombie. Empty where there is no
/// `/proc`.
fn children() -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // The name of a program, in parentheses, may be anything.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let mut rest = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let (state, parent) = (rest.next(), rest.next());
        if parent.and_then(|parent| parent.parse().ok()) == Some(id()) {
            found.push((pid, state.unwrap_or_default().to_owned()));
        }
    }
    found
}

/// Whether a process is there, running or as a zombie.
fn is_there(pid: u32) -> bool {
    children().iter().any(|(child, _)| *child == pid)
}

/// How many descriptors are open.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// How many threads of this name there are.
fn threads(name: &str) -> usize {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    tasks
        .flatten()
        .filter(|task| {
            let comm = fs::read_to_string(task.path().join("comm"));
            comm.is_ok_and(|comm| comm.trim_end() == name)
        })
        .count()
}

/// A shell that runs a script.
fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// A shell that runs a script, and lives until its standard input ends, which is when the writer is
/// dropped. It talks by its standard error, which comes line by line from the reader.
struct Talker {
    command: Command,
    said: BufReader<PipeReader>,
    _alive: PipeWriter,
}

impl Talker {
    fn new(script: &str) -> io::Result<Self> {
        let (stdin, alive) = pipe()?;
        let (said, stderr) = pipe()?;
        let mut command = sh(script);
        command.stdin(stdin).stderr(stderr);
        Ok(Self {
            command,
            said: BufReader::new(said),
            _alive: alive,
        })
    }
}

/// What a [`Talker`] says next.
async fn hear(said: &mut BufReader<PipeReader>) -> String {
    let mut line = String::new();
    said.read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}
