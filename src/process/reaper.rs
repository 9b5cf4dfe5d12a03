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
//!
//! Where descriptors have run out an orphan may come without an end that can be polled, and the thread
//! without a bell. Then it looks again and again, [`TICK`] by `TICK`, and nobody else has to wait.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::process::Child;
use std::thread;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::end::End;

/// How often the thread looks for what no descriptor tells: a twentieth of a second.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// A child that nobody waits for.
struct Orphan {
    /// std's, which reaps it.
    child: Child,
    /// What tells its end; `None` if that could not be had.
    end: Option<End>,
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
    /// Who reaps them.
    reaper: Reaper,
}

/// The thread.
enum Reaper {
    /// There is none.
    Absent,
    /// It has no bell, and looks by itself.
    Deaf,
    /// This wakes it.
    Hears(PipeWriter),
}

/// See above.
static ADOPTED: Mutex<Adopted> = Mutex::new(Adopted {
    orphans: Vec::new(),
    reaper: Reaper::Absent,
});

/// Has a child reaped when it ends, which `end` tells, if it could be had.
pub(super) fn adopt(child: Child, end: Option<End>) {
    let mut adopted = ADOPTED.lock();
    adopted.orphans.push(Orphan { child, end });
    match &mut adopted.reaper {
        Reaper::Hears(bell) => {
            // Full is as good as written.
            let _full = bell.write(&[0]);
        }
        Reaper::Deaf => {}
        // If there is no thread to be had now, the next orphan tries again, for both.
        Reaper::Absent => adopted.reaper = start(bell().ok()).unwrap_or(Reaper::Absent),
    }
}

/// What wakes the thread.
fn bell() -> io::Result<(PipeReader, PipeWriter)> {
    let (hears, bell) = io::pipe()?;
    rustix::io::ioctl_fionbio(&bell, true)?;
    Ok((hears, bell))
}

/// Starts the thread.
fn start(bell: Option<(PipeReader, PipeWriter)>) -> io::Result<Reaper> {
    let (hears, reaper) = match bell {
        Some((hears, bell)) => (Some(hears), Reaper::Hears(bell)),
        None => (None, Reaper::Deaf),
    };
    thread::Builder::new()
        .name(String::from("bibelot-reaper"))
        .spawn(move || reap_all(hears))?;
    Ok(reaper)
}

/// The thread: ends when no orphan is left.
fn reap_all(mut bell: Option<PipeReader>) {
    let mut orphans: Vec<Orphan> = Vec::new();
    loop {
        orphans.retain_mut(Orphan::is_alive);
        let mut adopted = ADOPTED.lock();
        orphans.append(&mut adopted.orphans);
        if orphans.is_empty() {
            adopted.reaper = Reaper::Absent;
            return;
        }
        drop(adopted);
        match wait(bell.as_ref(), &orphans) {
            Ok(true) => drop(bell.as_mut().map(|bell| bell.read(&mut [0; 64]))),
            Ok(false) | Err(rustix::io::Errno::INTR) => {}
            // Out of memory, perhaps: one child after another then.
            Err(_) => drop(orphans[0].child.wait()),
        }
    }
}

/// Waits until a child has ended or the bell is rung, and where one of these is not told, for a tick
/// at most; says whether the bell was rung.
fn wait(bell: Option<&PipeReader>, orphans: &[Orphan]) -> rustix::io::Result<bool> {
    let ends = orphans.iter().filter_map(|orphan| orphan.end.as_ref());
    let fds = bell.map(AsFd::as_fd).into_iter();
    let mut fds: Vec<_> = fds
        .chain(ends.map(AsFd::as_fd))
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    let all_is_told = fds.len() == 1 + orphans.len();
    poll(&mut fds, (!all_is_told).then_some(&TICK))?;
    Ok(bell.is_some() && !fds[0].revents().is_empty())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use rustix::io::Errno;
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    use super::*;

    #[test]
    fn without_a_descriptor_children_are_reaped_all_the_same() {
        // They may be still there or not when they are first looked at, here on this thread.
        let children = [(); 3].map(|()| {
            let cat = Command::new("cat").stdin(Stdio::piped()).spawn();
            let mut cat = cat.expect("there is a cat");
            cat.kill().expect("it is ours");
            cat
        });
        let ends = [None, None, End::of(&children[2]).ok()];
        let pids = children.each_ref().map(Pid::from_child);
        ADOPTED.lock().reaper = Reaper::Deaf;
        for (child, end) in children.into_iter().zip(ends) {
            adopt(child, end);
        }
        reap_all(None);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        for pid in pids {
            let reaped = waitid(WaitId::Pid(pid), options);
            assert_eq!(reaped.err(), Some(Errno::CHILD));
        }
        assert!(matches!(ADOPTED.lock().reaper, Reaper::Absent));
    }
}
