//! The end of a process, as a descriptor that becomes readable: whoever can wait for a descriptor,
//! a task or the reaper's thread, can wait for a process.
//!
//! ```text
//!   Linux                pidfd ─────────────────────────────► readable
//!   else, or refused     thread: waitid ── writes a byte ───► readable
//! ```
//!
//! Neither takes the exit status: `waitid` is told to leave it. So who reaps is the one who owns the
//! child (`process/running.rs`), and nobody else can do it too early.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Child;
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// What tells the end of a process.
pub(super) struct End {
    /// Readable when it has ended; never read.
    fd: OwnedFd,
    /// Whether that is a descriptor of the process itself.
    is_pidfd: bool,
}

impl End {
    /// That of a child, which was not reaped.
    ///
    /// # Errors
    ///
    /// Returns the system's error if there is neither a descriptor nor a thread to be had.
    pub(super) fn of(child: &Child) -> io::Result<Self> {
        let pid = Pid::from_child(child);
        // Whatever it was refused for: an old kernel, a sandbox, too many descriptors.
        match pidfd(pid) {
            Ok(fd) => Ok(Self { fd, is_pidfd: true }),
            Err(_) => Ok(Self {
                fd: by_thread(pid)?,
                is_pidfd: false,
            }),
        }
    }

    /// Sends a signal to the process. It must not have been reaped: its number may be another's then.
    pub(super) fn send(&self, pid: u32, signal: Signal) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if self.is_pidfd {
            return Ok(rustix::process::pidfd_send_signal(&self.fd, signal)?);
        }
        debug_assert!(!self.is_pidfd, "there are none here");
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.ok_or(Errno::SRCH)?, signal)?)
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The kernel's own descriptor of a process.
#[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
fn pidfd(pid: Pid) -> rustix::io::Result<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
}

/// There is none, or it is not to be used, so that the other way is tested.
#[cfg(any(not(target_os = "linux"), polling_test_poll_backend))]
fn pidfd(_: Pid) -> rustix::io::Result<OwnedFd> {
    Err(Errno::NOSYS)
}

/// A pipe to which a thread writes when the process has ended.
fn by_thread(pid: Pid) -> io::Result<OwnedFd> {
    let (reader, mut writer) = io::pipe()?;
    thread::Builder::new()
        .name(String::from("bibelot-child"))
        .spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            // Another error says that it was reaped before we looked, so it has ended as well.
            while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
            // A byte and not only the writer's end: some other child may hold a copy of that.
            let _nobody_reads = writer.write(&[0]);
        })?;
    Ok(reader.into())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    /// Whether a descriptor is readable, now or in a minute.
    fn is_readable(fd: &impl AsFd, seconds: i64) -> bool {
        let limit = Timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        };
        let mut fds = [PollFd::new(fd, PollFlags::IN)];
        poll(&mut fds, Some(&limit)).expect("poll") == 1
    }

    #[test]
    fn both_ways_tell_the_end_and_leave_the_status() {
        for by in [
            |child: &Child| End::of(child),
            |child: &Child| {
                Ok(End {
                    fd: by_thread(Pid::from_child(child))?,
                    is_pidfd: false,
                })
            },
        ] {
            let mut child = Command::new("cat")
                .stdin(Stdio::piped())
                .spawn()
                .expect("there is a cat");
            let end = by(&child).expect("one of the two ways");
            assert!(!is_readable(&end, 0));
            end.send(child.id(), Signal::TERM).expect("it is ours");
            assert!(is_readable(&end, 60));
            end.send(child.id(), Signal::TERM).expect("not reaped yet");
            let status = child.wait().expect("the status is still there");
            assert!(!status.success());
        }
    }
}
