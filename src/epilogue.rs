//! What must still be done when a future is dropped: [`finally`], [`bracket`], [`shield`].
//!
//! ```text
//!   finally(body, cleanup)
//!
//!   body ── ready ──► cleanup is polled in its place ──► the body's value
//!     │                    │
//!     │ dropped            │ dropped                    (a cancel, a timeout, a race, a foreign select)
//!     └────────┬───────────┘
//!              └─► the ledger: the task polls the cleanup to its end, whoever waits for that
//! ```
//!
//! A future that is dropped cannot await. So a cleanup that may await must outlive its future, and
//! its owner must be one that goes on: the task. Whichever of the three it is, dropping it puts what is
//! left of it into the ledger (`executor/ledger.rs`), in one box. `finally` and `shield` have that from
//! [`Owed`]; `bracket` from [`Held`], as its release is no future before it is called. The laws:
//!
//! 1. Owed from the first poll on. What was never polled is dropped, and owes nothing.
//! 2. The body dies first: fields are dropped in order, so it is dead before its cleanup starts, and an
//!    inner cleanup is owed before an outer one.
//! 3. What has started goes on where it was. It is boxed at its first poll, so it can move to the ledger.
//! 4. What has panicked is not polled again, nor owed.
//!
//! Nothing else in Rust does this: a destructor cannot await, and a cleanup that is spawned is waited
//! for by nobody. (trio and curio shield a `finally` block; they can, as an exception unwinds there
//! step by step.)
//!
//! Read next: `executor/ledger.rs`.

use std::fmt;
use std::future::ready;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::executor::ledger::{self, Terms};
use crate::locals;
use crate::maybe_done::MaybeDone;
use crate::place::{self, placed};

/// A future that is brought to its end once it has been polled, if need be by the task's ledger.
struct Owed<F: Future<Output = ()> + 'static> {
    /// It, until it has ended.
    stage: Stage<F>,
    /// Whether it must be brought to its end.
    is_owed: bool,
    /// Where it was asked for.
    at: &'static Location<'static>,
}

/// How far it has come.
enum Stage<F> {
    /// It may still be moved.
    Unstarted(F),
    /// It is pinned in its box.
    Started(Pin<Box<F>>),
    /// It has ended, or is being polled.
    Gone,
}

impl<F: Future<Output = ()> + 'static> Owed<F> {
    /// One that is not owed yet.
    fn new(future: F, at: &'static Location<'static>) -> Self {
        Self {
            stage: Stage::Unstarted(future),
            is_owed: false,
            at,
        }
    }

    /// Takes it, in its box.
    fn take(&mut self) -> Option<Pin<Box<F>>> {
        match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Unstarted(future) => Some(Box::pin(future)),
            Stage::Started(future) => Some(future),
            Stage::Gone => None,
        }
    }

    /// Starts it, or polls it on. When it has ended its box comes back, once.
    #[track_caller]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Pin<Box<F>>>> {
        self.is_owed = true;
        // Taken out: if it panics it is not polled again.
        let Some(mut future) = self.take() else {
            return Poll::Ready(None);
        };
        // What it spawns must finish as it must, wherever it is polled.
        let help = locals::help(true);
        let polled = future.as_mut().poll(cx);
        drop(help);
        if polled.is_pending() {
            self.stage = Stage::Started(future);
            return Poll::Pending;
        }
        Poll::Ready(Some(future))
    }
}

impl<F: Future<Output = ()> + 'static> Drop for Owed<F> {
    fn drop(&mut self) {
        let terms = match self.stage {
            Stage::Started(_) => Terms::Started,
            _ => Terms::InTurn,
        };
        if self.is_owed
            && let Some(epilogue) = self.take()
        {
            ledger::owe(epilogue, terms, self.at);
        }
    }
}

/// Runs `body`, and then `cleanup`, whatever becomes of `body`: it comes to its end, panics, or is
/// dropped by a cancel, a timeout, a race, any combinator. The body is dropped before the cleanup
/// starts, and its value comes back when the cleanup has ended.
///
/// If this future is dropped, the task it was polled in brings the cleanup to its end, beside
/// whatever else it does. The task does not end before that; nor does a timeout, a cancel scope, a race
/// or a scope return whose doing it was. In the cleanup the task is still the current one. Several
/// cleanups of one cancel run one after another, inner before outer, and have one grace together
/// ([`ExecutorBuilder::grace`](crate::ExecutorBuilder::grace)), after which the rest is dropped and
/// reported; no deadline from outside applies to them. Once started, a cleanup is not started again,
/// nor paused.
///
/// Nothing is owed before the first poll: a future that is never polled has done nothing that would
/// have to be cleaned up.
///
/// # Panics
///
/// A panic of the body or of the cleanup is passed on. When the cleanup is run by the task, its panic
/// is reported instead.
///
/// # Cancel safety
///
/// That of `body`; the cleanup is not lost.
///
/// # Examples
///
/// ```
/// use bibelot::task;
/// use bibelot::time::{Duration, sleep, timeout};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// bibelot::run(async {
///     let said = Rc::new(Cell::new(""));
///     let goodbye = {
///         let said = Rc::clone(&said);
///         async move {
///             sleep(Duration::from_millis(1)).await; // a cleanup may await
///             said.set("goodbye");
///         }
///     };
///     let body = std::future::pending::<()>();
///     let elapsed = timeout(Duration::from_millis(1), task::finally(body, goodbye)).await;
///     assert!(elapsed.is_err());
///     assert_eq!(said.get(), "goodbye");
/// });
/// ```
#[track_caller]
pub fn finally<B, C>(body: B, cleanup: C) -> Finally<B, C>
where
    B: Future,
    C: Future<Output = ()> + 'static,
{
    Finally {
        body: MaybeDone::new(body),
        cleanup: Owed::new(cleanup, place::here()),
    }
}

pin_project! {
    /// The future of [`finally`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Finally<B, C>
    where
        B: Future,
        C: Future<Output = ()>,
        C: 'static,
    {
        // Dropped first.
        #[pin]
        body: MaybeDone<B>,
        // Owed then.
        cleanup: Owed<C>,
    }
}

impl<B: Future, C: Future<Output = ()> + 'static> Future for Finally<B, C> {
    type Output = B::Output;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let mut this = self.project();
        this.cleanup.is_owed = true;
        ready!(this.body.as_mut().poll(cx));
        drop(ready!(this.cleanup.poll(cx)));
        Poll::Ready(this.body.take().expect("polled again after its end"))
    }
}

impl<B: Future, C: Future<Output = ()> + 'static> fmt::Debug for Finally<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finally")
            .field("at", &self.cleanup.at)
            .finish_non_exhaustive()
    }
}

/// Brings `future` to its end once it has been polled, even if this future, which waits for it, is
/// dropped: then its value is lost and its effect is not. The task brings it to its end, as it does
/// with the cleanup of a [`finally`], and under the same grace.
///
/// One allocation, at the first poll.
///
/// # Panics
///
/// A panic of `future` is passed on; when nobody waits any more it is reported instead.
///
/// # Cancel safety
///
/// Dropped before its first poll, `future` does nothing; after that, all that it would have done.
///
/// # Examples
///
/// ```
/// use bibelot::task;
/// use bibelot::testing::Sim;
/// use bibelot::time::{Duration, sleep, timeout};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// Sim::new().run(async {
///     let is_saved = Rc::new(Cell::new(false));
///     let save = {
///         let is_saved = Rc::clone(&is_saved);
///         async move {
///             sleep(Duration::from_millis(2)).await;
///             is_saved.set(true);
///         }
///     };
///     let elapsed = timeout(Duration::from_millis(1), task::shield(save)).await;
///     assert!(elapsed.is_err() && is_saved.get());
/// });
/// ```
#[track_caller]
pub fn shield<F: Future + 'static>(future: F) -> Shield<F> {
    let future = MaybeDone::new(future);
    Shield {
        future: Owed::new(Silent { future }, place::here()),
    }
}

/// The future of [`shield`].
#[must_use = "futures do nothing unless awaited"]
pub struct Shield<F: Future + 'static> {
    /// What is brought to its end.
    future: Owed<Silent<F>>,
}

pin_project! {
    /// A future that keeps its value to itself.
    struct Silent<F: Future> {
        #[pin]
        future: MaybeDone<F>,
    }
}

impl<F: Future> Future for Silent<F> {
    type Output = ();

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().future.poll(cx)
    }
}

impl<F: Future + 'static> Unpin for Shield<F> {}

impl<F: Future + 'static> Future for Shield<F> {
    type Output = F::Output;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let ended = ready!(self.future.poll(cx));
        let value = ended.and_then(|mut ended| ended.as_mut().project().future.take());
        Poll::Ready(value.expect("polled again after its end"))
    }
}

impl<F: Future + 'static> fmt::Debug for Shield<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield")
            .field("at", &self.future.at)
            .finish_non_exhaustive()
    }
}

/// Lends `resource` to `body`, and then gives it to `release`, whatever becomes of `body`: a
/// [`finally`] whose cleanup owns what the body has borrowed. (Haskell's `bracket`.)
///
/// The resource is released if this future was polled. One that never was is dropped with it.
///
/// # Panics
///
/// As [`finally`].
///
/// # Cancel safety
///
/// That of `body`; the release is not lost.
///
/// # Examples
///
/// ```
/// use bibelot::net::{TcpListener, TcpStream};
/// use bibelot::task;
///
/// # fn main() -> std::io::Result<()> {
/// bibelot::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let stream = TcpStream::connect(listener.local_addr()?).await?;
///     let (other, _) = listener.accept().await?;
///     task::bracket(
///         stream,
///         async |stream| stream.write_all(b"hello").await,
///         async |stream| drop(stream.write_all(b", goodbye").await),
///     )
///     .await?;
///     let mut heard = Vec::new();
///     other.read_to_end(&mut heard).await?;
///     assert_eq!(heard, b"hello, goodbye");
///     Ok(())
/// })
/// # }
/// ```
#[track_caller]
pub fn bracket<R, T, B, C>(resource: R, body: B, release: C) -> impl Future<Output = T>
where
    R: 'static,
    B: AsyncFnOnce(&mut R) -> T,
    C: AsyncFnOnce(R) + 'static,
{
    let at = place::here();
    placed(async move {
        let mut held = Held {
            parts: Some((resource, release)),
            at,
        };
        let (resource, _) = held.parts.as_mut().expect("taken at the end alone");
        let value = body(resource).await;
        let (resource, release) = held.parts.take().expect("not taken before");
        finally(ready(()), async move { release(resource).await }).await;
        value
    })
}

/// A resource and what releases it: dropped, it is released by the ledger.
struct Held<R: 'static, C: AsyncFnOnce(R) + 'static> {
    /// Both, until they are used.
    parts: Option<(R, C)>,
    /// Where the bracket is.
    at: &'static Location<'static>,
}

impl<R: 'static, C: AsyncFnOnce(R) + 'static> Drop for Held<R, C> {
    fn drop(&mut self) {
        if let Some((resource, release)) = self.parts.take() {
            let release = Box::pin(async move { release(resource).await });
            ledger::owe(release, Terms::InTurn, self.at);
        }
    }
}
