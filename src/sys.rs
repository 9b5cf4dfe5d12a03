//! The few calls to the system that Rust cannot check: the wait on Linux, registration and the
//! descriptor that is registered, a question by number, the clock, and signals.
//!
//! `Poller::wait` costs three system calls a turn, five with a timeout (it re-arms its notifier and
//! sets a timer descriptor). Waiting on the poller's own descriptor costs one, and
//! `epoll_pwait2` takes nanoseconds. Read next: `reactor/epoll.rs`, `signal/hub.rs`.
#![expect(
    unsafe_code,
    reason = "epoll_pwait2 is in no safe library, clock_gettime in one that brings a linker of its own; a signal handler is the caller's responsibility; Poller::add asks for a delete before the close, which takes a descriptor by its number, and PollFd for a borrow"
)]

use std::mem::MaybeUninit;

#[cfg(feature = "signal")]
pub(crate) use handler::SignalBell;
pub(crate) use lent::Lent;

/// Asks the kernel which of these are ready, without waiting. `false` says that it did not answer.
pub(crate) fn ask(fds: &mut [libc::pollfd]) -> bool {
    // SAFETY: pointer and length are those of a live slice. A number that names no descriptor, or
    // another one by now, is asked like any other, and nothing happens to it.
    0 <= unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, 0) }
}

/// What the machine's monotonic clock says, the one that std reads, in nanoseconds since a moment of its own.
/// Of std's instants only the difference can be had, whose two parts cost more than the reading.
pub(crate) fn monotonic_nanos() -> u64 {
    #[cfg(target_vendor = "apple")]
    const CLOCK: libc::clockid_t = libc::CLOCK_UPTIME_RAW;
    #[cfg(not(target_vendor = "apple"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
    let mut time = MaybeUninit::uninit();
    // SAFETY: the pointer is that of live room for a timespec.
    let result = unsafe { libc::clock_gettime(CLOCK, time.as_mut_ptr()) };
    assert!(result == 0, "every system has this clock");
    // SAFETY: the kernel has written it, as it says.
    let time = unsafe { time.assume_init() };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(all(test, target_os = "linux", not(polling_test_poll_backend)))]
pub(crate) use linux::refuse;
#[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
pub(crate) use linux::{EventBuffer, wait};
#[cfg(any(not(target_os = "linux"), polling_test_poll_backend))]
pub(crate) use portable::add;

/// The wait.
#[cfg(all(target_os = "linux", not(polling_test_poll_backend)))]
mod linux {
    use std::io;
    use std::os::fd::{AsRawFd, BorrowedFd};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// How many events one wait brings at most.
    const EVENTS_PER_WAIT: usize = 1024;

    /// Whether `epoll_pwait2` is refused: before Linux 5.11, and in some sandboxes.
    static IS_REFUSED: AtomicBool = AtomicBool::new(false);

    /// Room for the events of one wait.
    pub(crate) struct EventBuffer(Vec<libc::epoll_event>);

    impl EventBuffer {
        /// Room that is allocated once.
        pub(crate) fn new() -> Self {
            Self(Vec::with_capacity(EVENTS_PER_WAIT))
        }

        /// The events of the last wait: flags and key.
        pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
            self.0.iter().map(|event| (event.events, event.u64))
        }
    }

    /// The kernel's 64-bit `timespec`, which is also that of 32-bit targets.
    #[repr(C)]
    struct Timespec {
        /// Whole seconds.
        seconds: i64,
        /// The rest.
        nanos: i64,
    }

    /// Waits for events of `epoll` for as long as `timeout` (`None`: for ever), never shorter unless
    /// there are events or a signal comes, which is an empty wait.
    ///
    /// # Errors
    ///
    /// Returns the kernel's error, which would be a bug of ours.
    pub(crate) fn wait(
        epoll: BorrowedFd<'_>,
        buffer: &mut EventBuffer,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        buffer.0.clear();
        let count = if IS_REFUSED.load(Ordering::Relaxed) {
            wait_millis(epoll, buffer, timeout)
        } else {
            match wait_nanos(epoll, buffer, timeout) {
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                    IS_REFUSED.store(true, Ordering::Relaxed);
                    wait_millis(epoll, buffer, timeout)
                }
                result => result,
            }
        };
        let count = match count {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            result => result?,
        };
        // SAFETY: the kernel has written the first `count` events, which is at most the capacity.
        unsafe { buffer.0.set_len(count) };
        Ok(())
    }

    /// `epoll_pwait2`: nanoseconds.
    fn wait_nanos(
        epoll: BorrowedFd<'_>,
        buffer: &mut EventBuffer,
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        let timeout = timeout.map(|timeout| Timespec {
            seconds: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            nanos: i64::from(timeout.subsec_nanos()),
        });
        let timeout = timeout
            .as_ref()
            .map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the buffer has room for as many events as its capacity says, the timeout is null
        // or points to a live timespec, and a null mask leaves the signals alone.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                epoll.as_raw_fd(),
                buffer.0.as_mut_ptr(),
                EVENTS_PER_WAIT as libc::c_int,
                timeout,
                std::ptr::null::<libc::sigset_t>(),
                size_of::<u64>(),
            )
        };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    /// `epoll_wait`: milliseconds, rounded up so that no timer is early.
    fn wait_millis(
        epoll: BorrowedFd<'_>,
        buffer: &mut EventBuffer,
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        let millis = timeout.map_or(-1, |timeout| {
            let rest = u64::from(timeout.subsec_nanos().div_ceil(1_000_000));
            let millis = timeout.as_secs().saturating_mul(1000).saturating_add(rest);
            libc::c_int::try_from(millis).unwrap_or(libc::c_int::MAX)
        });
        // SAFETY: the buffer has room for as many events as its capacity says.
        let count = unsafe {
            libc::epoll_wait(
                epoll.as_raw_fd(),
                buffer.0.as_mut_ptr(),
                EVENTS_PER_WAIT as libc::c_int,
                millis,
            )
        };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    /// Has the kernel refuse a call to this thread, for ever, as a sandbox does.
    #[cfg(test)]
    pub(crate) fn refuse(call: libc::c_long, error: libc::c_int) {
        let statement = |code: u32, k: u32, jt, jf| libc::sock_filter {
            code: code as u16,
            jt,
            jf,
            k,
        };
        let refused = libc::SECCOMP_RET_ERRNO | error as u32;
        let filter = [
            statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
            statement(
                libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
                call as u32,
                0,
                1,
            ),
            statement(libc::BPF_RET | libc::BPF_K, refused, 0, 0),
            statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
        ];
        let program = libc::sock_fprog {
            len: filter.len() as libc::c_ushort,
            filter: filter.as_ptr().cast_mut(),
        };
        // SAFETY: it takes numbers alone.
        let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
        assert_eq!(done, 0);
        // SAFETY: the kernel copies the program, which lives until then and is not written to.
        let done = unsafe {
            libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                std::ptr::from_ref(&program),
            )
        };
        assert_eq!(done, 0, "{}", io::Error::last_os_error());
    }

    #[cfg(test)]
    mod tests;
}

/// Registration with a `Poller` that is waited on as its authors meant.
#[cfg(any(not(target_os = "linux"), polling_test_poll_backend))]
mod portable {
    use std::io;
    use std::os::fd::{AsRawFd, BorrowedFd};

    use polling::{Event, PollMode, Poller};

    /// Adds a descriptor. The caller deletes it before it is closed (a law of `reactor.rs`).
    pub(crate) fn add(
        poller: &Poller,
        fd: BorrowedFd<'_>,
        interest: Event,
        mode: PollMode,
    ) -> io::Result<()> {
        // SAFETY: `Source::leave` deletes it, this very one (`Lent`), and `AsyncFd` calls that before
        // it closes or gives away the descriptor; one that is leaked is never closed, since its owner
        // borrows nothing.
        unsafe { poller.add_with_mode(fd.as_raw_fd(), interest, mode) }
    }
}

/// A descriptor that is asked for once and used as long as its owner is there.
mod lent {
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

    /// The descriptor that an owner has lent. A safe `as_fd` may answer something else each time; but
    /// what was registered is what must be taken out.
    pub(crate) struct Lent(BorrowedFd<'static>);

    impl Lent {
        /// The descriptor of `owner`, which outlives every use of this and is meanwhile shared at most.
        pub(crate) fn by(owner: &(impl AsFd + 'static)) -> Self {
            let number = owner.as_fd().as_raw_fd();
            // SAFETY: it was lent for as long as the owner is only shared, and an owner cannot know
            // when that loan ends, so it is open. `AsyncFd` gives out `&T` alone, and uses this no
            // more when `T` leaves it. The lifetime is not handed on: `as_fd` borrows from here.
            Self(unsafe { BorrowedFd::borrow_raw(number) })
        }

        /// The descriptor.
        pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
            self.0
        }
    }
}

/// The handlers of signals.
#[cfg(feature = "signal")]
mod handler {
    use std::io::{self, PipeReader, PipeWriter};
    use std::process;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// What handlers ring, and a thread hears: a pipe into which each writes its signal's number.
    pub(crate) struct SignalBell {
        /// Where the numbers are written; writing does not block.
        pipe: PipeWriter,
        /// For each signal, how many deliveries there were.
        rung: [AtomicU64; Self::SIGNALS as usize],
        /// For each signal, how many deliveries found the pipe full.
        missed: [AtomicU64; Self::SIGNALS as usize],
        /// The process whose signals these are: a child between `fork` and `exec` has the same
        /// handlers and the same pipe.
        process: u32,
    }

    impl SignalBell {
        /// One more than the largest number of a signal, on any system.
        pub(crate) const SIGNALS: i32 = 128;

        /// A bell, and what is heard of it: the numbers of signals, and zeroes.
        pub(crate) fn new() -> io::Result<(PipeReader, Arc<Self>)> {
            let (reader, pipe) = io::pipe()?;
            rustix::io::ioctl_fionbio(&pipe, true)?;
            let bell = Self {
                pipe,
                rung: [const { AtomicU64::new(0) }; Self::SIGNALS as usize],
                missed: [const { AtomicU64::new(0) }; Self::SIGNALS as usize],
                process: process::id(),
            };
            Ok((reader, Arc::new(bell)))
        }

        /// Has a signal ring the bell, in place of what the system does with it; to be asked for once
        /// for each.
        ///
        /// # Errors
        ///
        /// Returns the system's error, if it knows no such signal.
        ///
        /// # Panics
        ///
        /// Panics if it is one of `signal_hook_registry::FORBIDDEN`.
        pub(crate) fn catch(self: &Arc<Self>, signal: i32) -> io::Result<()> {
            // Handlers are never taken away, so what one uses is never freed, least of all in it.
            let bell = Arc::clone(self);
            // SAFETY: the action interrupts a thread anywhere, so it may do only what is
            // async-signal-safe: `ring` asks for the process id, adds to atomics and writes to a
            // descriptor that does not block. It takes no lock, allocates nothing and cannot panic,
            // and the registry puts errno back.
            let caught =
                unsafe { signal_hook_registry::register(signal, move || bell.ring(signal)) };
            caught.map(drop)
        }

        /// Called in a handler.
        fn ring(&self, signal: i32) {
            if process::id() != self.process {
                return;
            }
            // Before it can be heard, so nobody has heard of more than are counted.
            if let Some(rung) = self.rung.get(signal as usize) {
                rung.fetch_add(1, Ordering::SeqCst);
            }
            if rustix::io::write(&self.pipe, &[signal as u8]).is_ok() {
                return;
            }
            // The pipe is full. Counted first: if it is still full then, the thread has yet to read,
            // and looks at the counts after that. Else it reads this zero.
            if let Some(missed) = self.missed.get(signal as usize) {
                missed.fetch_add(1, Ordering::SeqCst);
            }
            let _full = rustix::io::write(&self.pipe, &[0]);
        }

        /// How many deliveries of a signal there were, heard or not.
        pub(crate) fn rung(&self, signal: i32) -> u64 {
            let rung = self.rung.get(signal as usize);
            rung.map_or(0, |rung| rung.load(Ordering::SeqCst))
        }

        /// The deliveries that found the pipe full, by their signals' numbers; to be asked for after
        /// each read.
        pub(crate) fn take_missed(&self) -> impl Iterator<Item = (i32, u64)> {
            let counts = self
                .missed
                .iter()
                .map(|count| count.swap(0, Ordering::SeqCst));
            (0..).zip(counts).filter(|(_, count)| *count > 0)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::io::Read;

        #[test]
        fn a_bell_that_no_handler_rings_leaves_nothing_behind() {
            let (mut heard, bell) = SignalBell::new().unwrap();
            bell.ring(7);
            drop(bell);
            let mut rung = Vec::new();
            heard.read_to_end(&mut rung).unwrap();
            assert_eq!(rung, [7], "and its end of the pipe is closed");
        }
    }
}
