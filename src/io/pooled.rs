//! A file whose operations are done by threads, one after another: what is under `fs::File`, and under
//! the standard streams where they are files.
//!
//! ```text
//!   operation ─► in line ─► what was abandoned has ended ─► a permit ─► job in a thread ─► result
//!                  │ dropped: nothing has happened             │            │ dropped: the job is left
//!                  ◄───────────────────────────────────────────┘            ▼ here, and runs to its end
//! ```
//!
//! A disk is never "not ready", so no reactor can wait for it, and a thread that has entered `read` or
//! `write` cannot be called back. Three laws follow:
//!
//! - *One job at a time.* Who holds the lock has begun the only one. If its future is dropped the job
//!   stays here, with what is to be made of its result, and the next in line waits for it first.
//! - *No byte is lost, and none is written twice.* What a dropped read has read lies *ahead*, for the
//!   next read; before anything else is done at the file's position, that steps back to where the
//!   program is. What came of a dropped write is *untold*: a next write that begins with the bytes it
//!   has written counts them and writes what follows. So the same call made again goes on where the
//!   first was, as everywhere in `io`, and a `BufWriter` repeats nothing.
//! - *No error of a write is lost.* It is told once: to the same write made again, else to the next
//!   flush, whatever was written, read or moved in between, for the bytes are missing still.
//!
//! The bytes cross to the thread in buffers that stay here in between. Read next:
//! `io/pooled/state.rs`, then `fs/file.rs`.

mod state;

use std::fs::File;
use std::future::poll_fn;
use std::io::{Read as _, Result, Seek as _, SeekFrom, Write as _};
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use self::state::{Ahead, State, rewound};
use crate::executor::context;
use crate::place;
use crate::sync::{Mutex, MutexGuard};
use crate::task::waits::Waits;
use crate::worker::{Work, permit};

/// How many bytes one job moves at most: then a job's few microseconds no longer count, and a buffer is
/// not yet large.
pub(crate) const CHUNK_MAX_BYTES: usize = 256 * 1024;

/// A file, and the line of those who use it.
pub(crate) struct Pooled {
    /// The file; a job under way has a share in it.
    file: Arc<File>,
    /// What is known beside the file; who has locked it may begin a job.
    state: Mutex<State>,
}

impl Pooled {
    /// A file that nobody has used yet.
    pub(crate) fn new(file: File) -> Self {
        Self {
            file: Arc::new(file),
            state: Mutex::new(State::default()),
        }
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Reads some bytes; zero is the end.
    pub(crate) async fn read(&self, buf: &mut [u8]) -> Result<usize> {
        let mut turn = self.turn().await;
        if !buf.is_empty() && turn.state.ahead.is_empty() {
            let room = buf.len().min(CHUNK_MAX_BYTES);
            let read = |state: &mut State| {
                state.part_from_written();
                let mut ahead = state.ahead.lend();
                move |mut file: &File| {
                    let result = file.read(ahead.room(room));
                    (ahead.filled(&result), result)
                }
            };
            turn.job(read, State::keep_ahead).await??;
        }
        Ok(turn.state.ahead.hand_out(buf))
    }

    /// Reads all that is left, appends it, and returns how much it was.
    pub(crate) async fn read_to_end(&self, buf: &mut Vec<u8>) -> Result<usize> {
        let mut turn = self.turn().await;
        let read = |state: &mut State| {
            state.part_from_written();
            let mut bytes = state.ahead.lend().into_bytes();
            move |mut file: &File| {
                let result = file.read_to_end(&mut bytes);
                (Ahead::from(bytes), result)
            }
        };
        let result = turn.job(read, State::keep_ahead).await?;
        let bytes = turn.state.ahead.lend().into_bytes();
        let count = bytes.len();
        if buf.is_empty() {
            *buf = bytes;
        } else {
            buf.extend_from_slice(&bytes);
        }
        result.map(|_| count)
    }

    /// Writes some of the bytes.
    pub(crate) async fn write(&self, buf: &[u8]) -> Result<usize> {
        let mut turn = self.turn().await;
        if buf.is_empty() {
            return Ok(0);
        }
        if let Some(result) = turn.state.told_again(buf) {
            return result;
        }
        turn.step_back().await?;
        let write = |state: &mut State| {
            let mut written = state.lend_written();
            written.extend_from_slice(&buf[..buf.len().min(CHUNK_MAX_BYTES)]);
            move |mut file: &File| {
                let result = file.write(&written);
                (written, result)
            }
        };
        turn.job(write, State::keep_written).await?;
        turn.state.told().expect("the job has just kept it")
    }

    /// Moves to a position and returns it.
    pub(crate) async fn seek(&self, to: SeekFrom) -> Result<u64> {
        let mut turn = self.turn().await;
        turn.step_back().await?;
        turn.change(move |mut file| file.seek(to)).await
    }

    /// Waits until everything that was begun before has ended, also what was abandoned, and tells if
    /// that was a write that failed.
    pub(crate) async fn flush(&self) -> Result<()> {
        self.turn().await.state.check()
    }

    /// Flushes, and has the system bring the bytes to the disk.
    pub(crate) async fn sync(&self, f: fn(&File) -> Result<()>) -> Result<()> {
        let mut turn = self.turn().await;
        turn.state.check()?;
        turn.job(|_| f, |_, result| result).await?
    }

    /// Does something that leaves bytes, length and position as they are.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        f: impl FnOnce(&File) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut turn = self.turn().await;
        turn.job(|_| f, |_, result| result).await?
    }

    /// Does something else, at the position where the program is.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        f: impl FnOnce(&File) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut turn = self.turn().await;
        turn.step_back().await?;
        turn.change(f).await
    }

    /// Waits for everything, and gives the file back, at the position where the program is.
    pub(crate) async fn into_file(self) -> Result<File> {
        let mut turn = self.turn().await;
        turn.step_back().await?;
        drop(turn);
        // A job that has ended has let its share go before it said so.
        Arc::try_unwrap(self.file).or_else(|shared| shared.try_clone())
    }

    /// Waits in line, and for what the one before has abandoned.
    async fn turn(&self) -> Turn<'_> {
        let at = place::here();
        let mut state = self.state.lock().await;
        poll_fn(|cx| {
            let polled = state.poll_abandoned(cx);
            if polled.is_pending() {
                context::note(Waits::THREAD, at);
            }
            polled
        })
        .await;
        Turn {
            file: &self.file,
            state,
            at,
        }
    }
}

/// The right to have jobs done, one by one: none is under way.
struct Turn<'a> {
    /// On what.
    file: &'a Arc<File>,
    /// What is known beside it.
    state: MutexGuard<'a, State>,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl Turn<'_> {
    /// Has a thread do what is prepared when there is one for it; `keep` makes of the result what is
    /// to be made of it, whether anybody waits for that or not. If the system gives no thread, that is
    /// an error, and nothing was prepared.
    async fn job<F, T, R>(
        &mut self,
        prepare: impl FnOnce(&mut State) -> F,
        keep: fn(&mut State, T) -> R,
    ) -> Result<R>
    where
        F: FnOnce(&File) -> T + Send + 'static,
        T: Send + 'static,
        R: 'static,
    {
        let thread = permit().await.thread()?;
        let f = prepare(&mut self.state);
        let file = Arc::clone(self.file);
        let work = thread.begin(move || f(&file));
        let mut under_way = UnderWay {
            state: &mut self.state,
            work: Some(work),
            keep,
        };
        let at = self.at;
        poll_fn(move |cx| {
            let polled = under_way.poll(cx);
            if polled.is_pending() {
                context::note(Waits::THREAD, at);
            }
            polled.map(Ok)
        })
        .await
    }

    /// Does something after which what a dropped write has written is no longer where the next one
    /// would write.
    async fn change<T: Send + 'static>(
        &mut self,
        f: impl FnOnce(&File) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let prepare = |state: &mut State| {
            state.part_from_written();
            f
        };
        self.job(prepare, |_, result| result).await?
    }

    /// Has the file's position be where the program is, if a dropped read has gone ahead.
    async fn step_back(&mut self) -> Result<()> {
        let ahead = self.state.ahead.len();
        if ahead == 0 {
            return Ok(());
        }
        let back = SeekFrom::Current(-i64::try_from(ahead).expect("a length in memory"));
        self.job(|_| move |mut file: &File| file.seek(back), rewound)
            .await?
    }
}

/// A job under way. If this is dropped it stays in the state.
struct UnderWay<'a, T: Send + 'static, R: 'static> {
    /// Where.
    state: &'a mut State,
    /// The job; `None` when it has ended.
    work: Option<Work<T>>,
    /// What is to be made of its result.
    keep: fn(&mut State, T) -> R,
}

impl<T: Send + 'static, R: 'static> UnderWay<'_, T, R> {
    /// Waits for its end.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<R> {
        // Taken out first: a job that panics has ended, too.
        let mut work = self.work.take().expect("it is polled until it has ended");
        let polled = work.poll(cx);
        if polled.is_pending() {
            self.work = Some(work);
        }
        let result = ready!(polled);
        Poll::Ready((self.keep)(self.state, result))
    }
}

impl<T: Send + 'static, R: 'static> Drop for UnderWay<'_, T, R> {
    fn drop(&mut self) {
        if let Some(mut work) = self.work.take() {
            let keep = self.keep;
            self.state.abandon(Box::new(move |state, cx| {
                let result = ready!(work.poll(cx));
                drop(keep(state, result));
                Poll::Ready(())
            }));
        }
    }
}
