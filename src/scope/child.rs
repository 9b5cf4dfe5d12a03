//! One child of a scope: a future that nobody but its scope polls, and the packet that its value
//! comes in.
//!
//! ```text
//!   the scope ──► Running: future, canceller ──────┐            ┌── the handle
//!                   └─ ready, panics, is dropped   ├─► packet ◄─┘
//!                      └─ has paid what it owes ───┘   value, joiner, request to cancel
//! ```
//!
//! Two allocations, since no unsafe code is to be trusted here: the future is pinned in a box that the
//! scope drops before what it borrows ends, the packet is shared. (In one they would need the cell of
//! `task/cell.rs`, which erases lifetimes; here the compiler checks every one.)

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::convert::Infallible;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use crate::canceller::Enclosed;
use crate::clock::Instant;
use crate::error::{Cancelled, JoinError, Panicked, Payload};
use crate::group_error::{Failure, FailureKind};
use crate::locals::{self, Locals};
use crate::observer::{Audience, Event, Finish};
use crate::report::discard;
use crate::task::id::{Called, Spawned, TaskId};
use crate::waker::{self, Token};

/// Where and why something was cancelled.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Where.
    pub(super) at: &'static Location<'static>,
    /// Why, if that was said.
    pub(super) reason: Option<Cow<'static, str>>,
}

/// Where a child comes from.
pub(super) struct Origin {
    /// The name that it was given.
    pub(super) name: Option<Box<str>>,
    /// Where it was spawned.
    pub(super) at: &'static Location<'static>,
}

impl Origin {
    /// That of a child without a name, spawned at this place.
    pub(super) fn at(at: &'static Location<'static>) -> Self {
        Self::new(None, at)
    }

    /// That of a child of this name, spawned at this place.
    pub(super) fn new(name: Option<String>, at: &'static Location<'static>) -> Self {
        let name = name.map(String::into_boxed_str);
        Self { name, at }
    }
}

/// What a child shares with its handle.
pub(super) struct Packet<T> {
    /// Its number; a child that was refused has none.
    id: Option<TaskId>,
    /// The name that it was given.
    name: Option<Box<str>>,
    /// Where it was spawned.
    pub(super) spawned_at: &'static Location<'static>,
    /// Its name for wakers.
    token: Cell<Token>,
    /// Whether it is the scope's body.
    is_body: bool,
    /// How it has ended, until that is taken.
    outcome: Cell<Option<Result<T, JoinError>>>,
    /// Whether it has ended.
    is_finished: Cell<bool>,
    /// Whether its end is the end of the scope, if nobody comes for it.
    is_grave: Cell<bool>,
    /// Who waits for the end.
    joiner: Cell<Option<Waker>>,
    /// The request to cancel it.
    request: OnceCell<Request>,
}

impl<T> Packet<T> {
    /// That of a child which has not been polled.
    pub(super) fn new(id: Option<TaskId>, token: Token, origin: Origin, is_body: bool) -> Self {
        Self {
            id,
            name: origin.name,
            spawned_at: origin.at,
            token: Cell::new(token),
            is_body,
            outcome: Cell::new(None),
            is_finished: Cell::new(false),
            is_grave: Cell::new(false),
            joiner: Cell::new(None),
            request: OnceCell::new(),
        }
    }

    /// Tells who looks that the child is there.
    pub(super) fn announce(&self) {
        waker::with_current(|scheduler| {
            let Some(audience) = scheduler.audience() else {
                return;
            };
            let name = match self.is_body {
                true => Some("body"),
                false => self.name.as_deref(),
            };
            scheduler.note_of(self.token.get(), |task| Event::Spawned {
                task,
                parent: audience.current(),
                name: name.map(Arc::from),
                at: self.spawned_at,
            });
        });
    }

    /// The child as texts name it.
    pub(super) fn describe(&self) -> String {
        let (name, at) = (self.name.as_deref(), self.spawned_at);
        match (self.id, name) {
            _ if self.is_body => format!("the body of the scope at {at}"),
            (Some(id), _) => Spawned(Called(name, id), at).to_string(),
            (None, Some(name)) => format!("task {name:?} (spawned at {at})"),
            (None, None) => format!("a task (spawned at {at})"),
        }
    }

    /// Whether the child has ended.
    pub(super) fn is_finished(&self) -> bool {
        self.is_finished.get()
    }

    /// Takes how it has ended.
    pub(super) fn take(&self) -> Option<Result<T, JoinError>> {
        self.outcome.take()
    }

    /// Sets who waits for the end; returns who did before.
    pub(super) fn set_joiner(&self, waker: Waker) -> Option<Waker> {
        self.joiner.replace(Some(waker))
    }

    /// Asks that the child be dropped in its turn. Of several requests the first stands.
    pub(super) fn cancel(&self, request: Request) {
        let at = request.at;
        if self.request.set(request).is_ok() && !self.is_finished() {
            waker::with_current(|scheduler| {
                let by = scheduler.audience().and_then(Audience::current);
                let asked = |task| Event::CancelAsked { task, by, at };
                scheduler.note_of(self.token.get(), asked);
            });
            waker::wake(self.token.get());
        }
    }

    /// Whether nobody has come for a failure that ends the scope.
    pub(super) fn has_grave_end(&self) -> bool {
        self.is_grave.get() && self.is_outcome(|_| true)
    }

    /// Whether how it has ended is there, and such.
    fn is_outcome(&self, is_such: impl FnOnce(&Result<T, JoinError>) -> bool) -> bool {
        let outcome = self.outcome.take();
        let is = outcome.as_ref().is_some_and(is_such);
        self.outcome.set(outcome);
        is
    }

    /// The error of a child that is cancelled as was asked.
    pub(super) fn cancellation(&self, request: &Request) -> JoinError {
        let Request { at, reason } = request.clone();
        JoinError::Cancelled(Cancelled::new(self.describe(), at, reason))
    }

    /// Ends the child. Says whether somebody waited for that.
    pub(super) fn finish(&self, outcome: Result<T, JoinError>, is_grave: bool) -> bool {
        self.is_grave.set(is_grave);
        self.is_finished.set(true);
        self.outcome.set(Some(outcome));
        let joiner = self.joiner.take();
        let was_awaited = joiner.is_some();
        if let Some(joiner) = joiner {
            waker::wake_kept(joiner);
        }
        was_awaited
    }
}

/// What a kind of scope makes of its children's values.
pub(super) trait Manner<T> {
    /// What a child fails with.
    type Error;
    /// Whether one that fails ends the scope.
    const IS_STRICT: bool;
    /// Whether the value is a failure.
    fn is_failure(value: &T) -> bool;
    /// The error in a value that is one.
    fn into_error(value: T) -> Option<Self::Error>;
}

/// That of `scope`: only a panic fails, and the others go on.
pub(super) struct Lenient;

impl<T> Manner<T> for Lenient {
    type Error = Infallible;
    const IS_STRICT: bool = false;

    fn is_failure(_: &T) -> bool {
        false
    }

    fn into_error(_: T) -> Option<Infallible> {
        None
    }
}

/// What becomes of a scope with the end of a child.
pub(super) enum Fate {
    /// Nothing.
    Well,
    /// It has failed; it counts if nobody comes for it.
    Failed,
    /// It has failed, and with it the scope.
    Grave,
}

/// A child, whatever its future.
pub(super) trait Child<E> {
    /// Polls it, in its own name. Ready says that it has ended. Does not panic.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fate>;
    /// Asks that it be dropped, when it is polled next.
    fn request_cancel(&self, request: &Request);
    /// Gives it another name for wakers.
    fn rename(&self, token: Token);
    /// How it has ended.
    fn finish(&self) -> Finish;
    /// Takes its failure, unless somebody has.
    fn take_failure(&self) -> Option<Failure<E>>;
    /// Drops it, wherever it is.
    fn discard(self: Pin<Box<Self>>);
}

pin_project! {
    /// A child and its future.
    pub(super) struct Running<F: Future, M> {
        #[pin]
        inside: Enclosed<F>,
        // Why it has no value, once its future is gone.
        error: Option<JoinError>,
        packet: Rc<Packet<F::Output>>,
        locals: Locals,
        manner: PhantomData<M>,
    }
}

impl<F: Future, M: Manner<F::Output>> Running<F, M> {
    /// A child that has not been polled.
    pub(super) fn new(future: F, packet: Rc<Packet<F::Output>>) -> Self {
        Self {
            inside: Enclosed::new(future),
            error: None,
            packet,
            locals: locals::current(),
            manner: PhantomData,
        }
    }

    /// Polls the future, or drops it if that was asked for. Ready says that it is gone.
    fn poll_future(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if !this.inside.is_running() {
            return Poll::Ready(());
        }
        let panicked =
            |payload| JoinError::Panicked(Panicked::new(this.packet.describe(), payload));
        let mut polled = Ok(Poll::Pending);
        if this.packet.request.get().is_none() {
            polled = contain(|| this.inside.as_mut().poll_inside(Instant::NEVER, cx));
        }
        let error = match polled {
            Ok(Poll::Ready(())) => return Poll::Ready(()),
            Ok(Poll::Pending) => match this.packet.request.get() {
                None => return Poll::Pending,
                Some(request) => this.packet.cancellation(request),
            },
            Err(payload) => panicked(payload),
        };
        let dropped = contain(|| this.inside.as_mut().cancel());
        *this.error = Some(match (error, dropped) {
            (error, Ok(())) => error,
            (JoinError::Cancelled(_), Err(payload)) => panicked(payload),
            // The first panic is told.
            (error, Err(second)) => {
                discard(second);
                error
            }
        });
        Poll::Ready(())
    }

    /// Polls the child until it has paid what it owes, and notes how it has ended.
    fn poll_end(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fate> {
        ready!(self.as_mut().poll_future(cx));
        let this = self.project();
        let value = ready!(this.inside.poll_end(cx));
        let mut outcome = match this.error.take() {
            Some(error) => Err(error),
            None => Ok(value.expect("a child ends with a value or an error")),
        };
        let is_detached = Rc::strong_count(this.packet) == 1;
        outcome = match outcome {
            // Nobody will come for it, and its destructor is this child's.
            Ok(value) if is_detached && !M::is_failure(&value) => match contain(|| drop(value)) {
                Ok(()) => return Poll::Ready(Fate::Well),
                Err(payload) => {
                    let panicked = Panicked::new(this.packet.describe(), payload);
                    Err(JoinError::Panicked(panicked))
                }
            },
            outcome => outcome,
        };
        let has_failed = match &outcome {
            Ok(value) => M::is_failure(value),
            Err(error) => error.is_panic(),
        };
        let is_grave = has_failed && (M::IS_STRICT || this.packet.is_body);
        let was_awaited = this.packet.finish(outcome, is_grave);
        Poll::Ready(match (has_failed, is_grave && !was_awaited) {
            (false, _) => Fate::Well,
            (true, false) => Fate::Failed,
            (true, true) => Fate::Grave,
        })
    }
}

impl<F: Future, M: Manner<F::Output>> Child<M::Error> for Running<F, M> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fate> {
        locals::within(self.locals.clone(), || self.poll_end(cx))
    }

    fn request_cancel(&self, request: &Request) {
        // A request that was made before stands.
        let _first = self.packet.request.set(request.clone());
    }

    fn rename(&self, token: Token) {
        self.packet.token.set(token);
        self.packet.announce();
    }

    fn finish(&self) -> Finish {
        let packet = &self.packet;
        if packet.is_outcome(|outcome| matches!(outcome, Err(JoinError::Cancelled(_)))) {
            Finish::Cancelled
        } else if packet.is_outcome(|outcome| matches!(outcome, Err(JoinError::Panicked(_)))) {
            Finish::Panicked
        } else {
            Finish::Returned
        }
    }

    fn take_failure(&self) -> Option<Failure<M::Error>> {
        let packet = &self.packet;
        // The body's panic is nobody's but the scope's.
        if packet.is_body && packet.is_outcome(Result::is_err) {
            return None;
        }
        let kind = match packet.take()? {
            Ok(value) => FailureKind::Error(M::into_error(value)?),
            Err(JoinError::Panicked(panicked)) => FailureKind::Panicked(panicked),
            Err(JoinError::Cancelled(_)) => return None,
        };
        Some(Failure::new(packet.describe(), packet.spawned_at, kind))
    }

    fn discard(self: Pin<Box<Self>>) {
        locals::within(self.locals.clone(), || drop(self));
    }
}

/// Calls user code of a child.
fn contain<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}
