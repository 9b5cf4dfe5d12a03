//! What the machine says: CPU time of a thread, resident memory, and which core a thread is on.

use std::io;
use std::mem::{size_of, zeroed};
use std::sync::OnceLock;

/// The CPU clock of one thread, readable from any thread of the process.
#[derive(Clone, Copy)]
pub struct CpuClock(libc::clockid_t);

impl CpuClock {
    /// The clock of the calling thread.
    pub fn of_this_thread() -> CpuClock {
        let mut id = 0;
        // SAFETY: `id` is a valid place for the answer, and the thread is the calling one.
        let failed = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut id) };
        assert_eq!(failed, 0, "a thread has a CPU clock");
        CpuClock(id)
    }

    /// Nanoseconds of CPU time that the thread has used.
    pub fn now(self) -> u64 {
        read(self.0)
    }
}

/// Nanoseconds of CPU time that the calling thread has used.
pub fn cpu() -> u64 {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Nanoseconds of CPU time that all threads of the process have used.
pub fn process_cpu() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(id: libc::clockid_t) -> u64 {
    // SAFETY: all zeroes is a valid timespec, and the kernel writes no more than that.
    let time = unsafe {
        let mut time: libc::timespec = zeroed();
        assert_eq!(libc::clock_gettime(id, &mut time), 0, "the clock exists");
        time
    };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Resident bytes of the process.
pub fn resident() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages = text
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse::<u64>().ok());
    // SAFETY: asks for a constant.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64;
    pages
        .map(|pages| pages * page)
        .ok_or_else(|| io::Error::other("no resident size"))
}

/// Keeps the calling thread on the `index`th core of those that the process may use, where there are
/// so many. A thread inherits the core of the one that spawned it, so what is asked first is kept.
pub fn pin(index: usize) {
    static CORES: OnceLock<Vec<usize>> = OnceLock::new();
    let size = size_of::<libc::cpu_set_t>();
    let cores = CORES.get_or_init(|| {
        // SAFETY: all zeroes is an empty set; the call gets its address and its size.
        unsafe {
            let mut allowed: libc::cpu_set_t = zeroed();
            if libc::sched_getaffinity(0, size, &mut allowed) != 0 {
                return Vec::new();
            }
            let cores = 0..libc::CPU_SETSIZE as usize;
            cores
                .filter(|&core| libc::CPU_ISSET(core, &allowed))
                .collect()
        }
    });
    if let Some(&core) = cores.get(index) {
        // SAFETY: as above.
        unsafe {
            let mut one: libc::cpu_set_t = zeroed();
            libc::CPU_SET(core, &mut one);
            libc::sched_setaffinity(0, size, &one);
        }
    }
}

/// Lets the process open as many descriptors as it is allowed to.
pub fn raise_descriptor_limit() {
    // SAFETY: both calls get a valid rlimit.
    unsafe {
        let mut limit: libc::rlimit = zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}
