//! The reaper: children whose [`Child`](super::Child) was dropped while they ran, and the one thread
//! that waits until they end, so that none is left a zombie.
//!
//! ```text
//!   adopt(child) ─► [ new orphans ] ─► thread: poll their ends and the bell ─► reap
//! ```
//!
//! Why not the executor: it may end before they do, and a task that waited for them would be one that
//! nobody asked for. Why not at the next `spawn`, or by `SIGCHLD`: the first may never come, and the
//! second belongs to the program. The thread is started for the first orphan and ends with the last.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::process::Child;
use std::thread;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, poll};

use super::end::End;

/// A child that nobody waits for.
struct Orphan {
    /// std's, which reaps it.
    child: Child,
    /// What tells its end.
    end: End,
}

impl Orphan {
    /// Reaps it if it has ended. An error says that somebody else has.
    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

/// What the reaper has not seen yet.
struct Adopted {
    /// The children.
    orphans: Vec<Orphan>,
    /// What wakes the thread, while there is one.
    bell: Option<PipeWriter>,
}

/// See above.
static ADOPTED: Mutex<Adopted> = Mutex::new(Adopted {
    orphans: Vec::new(),
    bell: None,
});

/// Has a child reaped when it ends.
pub(super) fn adopt(child: Child, end: End) {
    let mut adopted = ADOPTED.lock();
    adopted.orphans.push(Orphan { child, end });
    match &mut adopted.bell {
        Some(bell) => {
            // Full is as good as written.
            let _full = bell.write(&[0]);
        }
        // If there is no thread to be had now, the next orphan tries again, for both.
        None => adopted.bell = start().ok(),
    }
}

/// Starts the thread.
fn start() -> io::Result<PipeWriter> {
    let (hears, bell) = io::pipe()?;
    rustix::io::ioctl_fionbio(&bell, true)?;
    thread::Builder::new()
        .name(String::from("bibelot-reaper"))
        .spawn(move || reap_all(hears))?;
    Ok(bell)
}

/// The thread: ends when no orphan is left.
fn reap_all(mut bell: PipeReader) {
    let mut orphans: Vec<Orphan> = Vec::new();
    loop {
        orphans.retain_mut(Orphan::is_alive);
        let mut adopted = ADOPTED.lock();
        orphans.append(&mut adopted.orphans);
        if orphans.is_empty() {
            adopted.bell = None;
            return;
        }
        drop(adopted);
        match wait(&bell, &orphans) {
            Ok(true) => drop(bell.read(&mut [0; 64])),
            Ok(false) | Err(rustix::io::Errno::INTR) => {}
            // Out of memory, perhaps: one child after another then.
            Err(_) => drop(orphans[0].child.wait()),
        }
    }
}

/// Waits until a child has ended or the bell is rung; says whether it was.
fn wait(bell: &PipeReader, orphans: &[Orphan]) -> rustix::io::Result<bool> {
    let ends = orphans.iter().map(|orphan| orphan.end.as_fd());
    let fds = std::iter::once(bell.as_fd()).chain(ends);
    let mut fds: Vec<_> = fds
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    poll(&mut fds, None)?;
    Ok(!fds[0].revents().is_empty())
}
