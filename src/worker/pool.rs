//! The threads: kept for the next job, the last one that became idle first.
//!
//! ```text
//!   standby() ─► idle: [ seat │ seat │ seat ] ── pop ──► start(job): hand it over, notify
//!                   ▲         └ none: a new thread, or an error, with no job made yet
//!                   │ push, when the job has ended          10 s without a job:
//!                   └── thread: wait, job, sit down, wait ► leave the list, and end
//! ```
//!
//! One pool serves all executors of the process; how many jobs each may have at once is its own
//! affair (`worker/limit.rs`). Last in, first out, so that a few warm threads do most of the work,
//! and those that are too many have their ten seconds (trio's thread cache).
//!
//! The law of the hand-over: *a seat is taken off the list once*. Either a job's giver takes it, and
//! then the thread waits for that job however long it has waited before; or the thread does, and
//! nobody can give it one any more. `worker/models.rs` tries every interleaving.
//!
//! A job never panics (`worker/job.rs` sees to that), and none is dropped or called while a lock is
//! held. Read next: `sleeper.rs` (how a thread waits), `worker/job.rs`.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::clock;
use crate::primitive::Mutex;
use crate::sleeper::Sleeper;

/// What a thread is given to do.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// How long a thread waits for its next job.
const PATIENCE: Duration = Duration::from_secs(10);

/// The one of this process.
static POOL: OnceLock<Pool> = OnceLock::new();

/// Returns a thread of the process's pool that does nothing yet.
///
/// # Errors
///
/// Returns an error if a thread is needed and the system gives none.
pub(super) fn standby() -> io::Result<Standby> {
    #[cfg(all(test, feature = "fs", not(loom)))]
    scarce::check()?;
    let pool = POOL.get_or_init(|| Pool::new(Some(PATIENCE)));
    pool.standby(|seat| {
        let builder = std::thread::Builder::new().name(String::from("bibelot-worker"));
        builder.spawn(move || pool.work(&seat)).map(drop)
    })
}

/// A thread that waits for a job, for as long as it takes.
pub(super) struct Standby {
    /// Where it waits; `None` when it has a job.
    seat: Option<Arc<Seat>>,
}

impl Standby {
    /// Has it do the job.
    pub(super) fn start(mut self, job: Job) {
        if let Some(seat) = self.seat.take() {
            seat.give(job);
        }
    }
}

impl Drop for Standby {
    /// Has it do nothing and become idle, if there is no job for it after all.
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            seat.give(Box::new(|| {}));
        }
    }
}

/// Threads that wait for a job.
pub(super) struct Pool {
    /// Their seats, the one taken last on top.
    idle: Mutex<Vec<Arc<Seat>>>,
    /// How long each waits, if there is a limit.
    patience: Option<Duration>,
}

/// Where one thread waits.
pub(super) struct Seat {
    /// The job that it was given.
    job: Mutex<Option<Job>>,
    /// Where it sleeps until there is one.
    sleeper: Sleeper,
}

impl Seat {
    /// Gives a job to who waits here.
    fn give(&self, job: Job) {
        *self.job.lock() = Some(job);
        self.sleeper.rouse();
    }

    /// Waits for a job. `None` says that none came within `patience`.
    fn wait(&self, patience: Option<Duration>) -> Option<Job> {
        let until = patience.map(|patience| clock::real_now().saturating_add(patience));
        loop {
            if let Some(job) = self.job.lock().take() {
                return Some(job);
            }
            if !self.sleeper.sleep(until) {
                return None;
            }
        }
    }
}

impl Pool {
    /// A pool whose threads wait so long.
    pub(super) fn new(patience: Option<Duration>) -> Self {
        Self {
            idle: Mutex::new(Vec::new()),
            patience,
        }
    }

    /// Takes the seat of an idle thread off the list. If there is none, has a new thread started, which
    /// is to [work](Self::work) at the seat that it is given.
    pub(super) fn standby(
        &self,
        start: impl FnOnce(Arc<Seat>) -> io::Result<()>,
    ) -> io::Result<Standby> {
        let idle = self.idle.lock().pop();
        let seat = match idle {
            Some(seat) => seat,
            None => {
                let seat = Self::seat();
                start(Arc::clone(&seat))?;
                seat
            }
        };
        Ok(Standby { seat: Some(seat) })
    }

    /// A seat for a thread.
    pub(super) fn seat() -> Arc<Seat> {
        Arc::new(Seat {
            job: Mutex::new(None),
            sleeper: Sleeper::default(),
        })
    }

    /// What a thread does: waits for the first job, does it, and then those that it is given.
    pub(super) fn work(&self, seat: &Arc<Seat>) {
        let mut next = seat.wait(None);
        while let Some(job) = next {
            job();
            next = self.sit(seat);
        }
    }

    /// Takes a seat, and waits there for the next job. `None` says that none came in time.
    pub(super) fn sit(&self, seat: &Arc<Seat>) -> Option<Job> {
        self.idle.lock().push(Arc::clone(seat));
        let job = seat.wait(self.patience);
        if job.is_some() || self.leave(seat) {
            return job;
        }
        // Somebody has taken the seat off the list, and gives the job, or has given it just now.
        seat.wait(None)
    }

    /// Takes a seat off the list, unless that has been done.
    fn leave(&self, seat: &Arc<Seat>) -> bool {
        let mut idle = self.idle.lock();
        let nth = idle.iter().position(|other| Arc::ptr_eq(other, seat));
        let left = nth.map(|nth| idle.remove(nth));
        drop(idle);
        left.is_some()
    }

    /// How many threads are idle.
    #[cfg(all(test, not(loom)))]
    fn idle(&self) -> usize {
        self.idle.lock().len()
    }
}

/// For tests: a system that gives no threads.
#[cfg(all(test, feature = "fs", not(loom)))]
pub(crate) mod scarce {
    use std::cell::Cell;
    use std::io::{Error, Result};

    thread_local! {
        /// Whether this thread is given none.
        static NONE: Cell<bool> = const { Cell::new(false) };
    }

    /// Has the system give this thread no more threads, or give them again.
    pub(crate) fn set(none: bool) {
        NONE.set(none);
    }

    /// What the system says.
    pub(super) fn check() -> Result<()> {
        match NONE.get() {
            true => Err(Error::from_raw_os_error(libc::EAGAIN)),
            false => Ok(()),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::io::ErrorKind;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;

    use super::*;

    /// A job that sends the name of its thread and then lasts until it is told to end.
    fn job(answer: &std::sync::mpsc::Sender<Option<String>>, end: Receiver<()>) -> Job {
        let answer = answer.clone();
        Box::new(move || {
            answer
                .send(thread::current().name().map(String::from))
                .expect("somebody looks");
            let _ = end.recv();
        })
    }

    /// A system that gives no thread.
    fn none(_: Arc<Seat>) -> io::Result<()> {
        Err(ErrorKind::WouldBlock.into())
    }

    #[test]
    fn the_thread_that_became_idle_last_has_the_next_job() {
        let pool: &Pool = Box::leak(Box::new(Pool::new(None)));
        let (answer, names) = channel();
        let mut ends = Vec::new();
        for name in ["first", "second", "third"] {
            let (end, ended) = channel();
            let builder = thread::Builder::new().name(String::from(name));
            let new = pool.standby(|seat| builder.spawn(move || pool.work(&seat)).map(drop));
            new.expect("a thread").start(job(&answer, ended));
            assert_eq!(names.recv().expect("it works").as_deref(), Some(name));
            ends.push(end);
        }
        for (nth, end) in [1, 0, 2].into_iter().enumerate() {
            drop(std::mem::replace(&mut ends[end], channel().0));
            while pool.idle() < nth + 1 {
                thread::yield_now();
            }
        }
        let mut order = Vec::new();
        let mut running = Vec::new();
        for _ in 0..3 {
            let (end, ended) = channel();
            let idle = pool.standby(none).expect("one is idle");
            idle.start(job(&answer, ended));
            order.push(names.recv().expect("it works").expect("a name"));
            running.push(end);
        }
        assert_eq!(order, ["third", "first", "second"]);
        assert!(pool.standby(none).is_err(), "nobody is idle");
    }

    #[test]
    fn a_thread_that_has_waited_too_long_ends() {
        let pool: &Pool = Box::leak(Box::new(Pool::new(Some(Duration::ZERO))));
        let mut threads = Vec::new();
        let new = pool.standby(|seat| {
            threads.push(thread::spawn(move || pool.work(&seat)));
            Ok(())
        });
        drop(new.expect("it is new"));
        for thread in threads {
            thread.join().expect("it ends");
        }
        assert_eq!(pool.idle(), 0);
        assert!(pool.standby(none).is_err(), "nobody is there");
    }
}
