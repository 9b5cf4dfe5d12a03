//! [`TaskGroup::start`]: a member that says when it is ready. (trio's `nursery.start`, with its
//! `task_status.started`.)

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use crate::error::Cancelled;
use crate::executor::context;
use crate::group::TaskGroup;
use crate::group::ended::Ended;
use crate::group::member::Member;
use crate::group::members::Place;
use crate::group_error::Failure;
use crate::place;
use crate::task::waits::Waits;
use crate::waker;

/// By which a member says that it is ready, and gives who waits for that a value: the address it
/// listens at, say. Made by [`TaskGroup::start`].
pub struct Ready<V> {
    /// What is shared with who waits.
    shared: Rc<RefCell<State<V>>>,
}

/// What has been said.
struct State<V> {
    /// The value, until it is taken.
    value: Option<V>,
    /// Who waits for it.
    waker: Option<Waker>,
}

impl<V> Ready<V> {
    /// Says that the member is ready. [`TaskGroup::start`] returns `value`; if nobody waits for it
    /// any more, the value is dropped.
    pub fn set(self, value: V) {
        let waker = {
            let mut state = self.shared.borrow_mut();
            state.value = Some(value);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker::wake_kept(waker);
        }
    }
}

impl<V> fmt::Debug for Ready<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

/// The error of [`TaskGroup::start`]: the member has ended and had not said that it is ready.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError<E> {
    /// It failed. This failure is not the group's.
    Failed(Failure<E>),
    /// It was cancelled.
    Cancelled(Cancelled),
    /// It came to a value, which is lost.
    Silent,
}

impl<E: fmt::Display> fmt::Display for StartError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => write!(f, "starting a task: {failure}"),
            Self::Cancelled(cancelled) => write!(f, "starting a task: {cancelled}"),
            Self::Silent => f.write_str(
                "starting a task: it ended without saying that it is ready; call Ready::set()",
            ),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for StartError<E> {}

impl From<StartError<std::io::Error>> for std::io::Error {
    /// The kind is that of the member's error; the text names the member.
    fn from(error: StartError<std::io::Error>) -> Self {
        match error {
            StartError::Failed(failure) => failure.into(),
            other => Self::other(other.to_string()),
        }
    }
}

impl<T: 'static, E: 'static> TaskGroup<T, E> {
    /// Starts a member and waits until it says that it is ready.
    ///
    /// # Errors
    ///
    /// Returns an error if the member ends before that: its failure is told here, and is not the
    /// group's.
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    ///
    /// # Cancel safety
    ///
    /// A member that has not said that it is ready is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::net::{TcpListener, TcpStream};
    /// use bibelot::task::TaskGroup;
    /// use std::io;
    ///
    /// # fn main() -> io::Result<()> {
    /// bibelot::run(async {
    ///     let group = TaskGroup::<_, io::Error>::new();
    ///     let address = group
    ///         .start(|ready| async {
    ///             let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///             ready.set(listener.local_addr()?);
    ///             listener.accept().await
    ///         })
    ///         .await?;
    ///     TcpStream::connect(address).await?; // it listens by now
    ///     assert_eq!(group.join().await?.len(), 1);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    #[track_caller]
    pub fn start<V, M, F>(&self, make: M) -> impl Future<Output = Result<V, StartError<E>>>
    where
        M: FnOnce(Ready<V>) -> F,
        F: Future<Output = Result<T, E>> + 'static,
        V: 'static,
    {
        let shared = Rc::new(RefCell::new(State {
            value: None,
            waker: None,
        }));
        let ready = Ready {
            shared: Rc::clone(&shared),
        };
        Starting {
            shared,
            member: self.spawn(make(ready)),
            is_over: false,
            at: place::here(),
        }
    }
}

/// The future of [`TaskGroup::start`].
struct Starting<T: 'static, E: 'static, V> {
    /// What is shared with the member.
    shared: Rc<RefCell<State<V>>>,
    /// The member.
    member: Member<T, E>,
    /// Whether it is ready, or has ended.
    is_over: bool,
    /// Where the task waits.
    at: Place,
}

impl<T: 'static, E: 'static, V> Future for Starting<T, E, V> {
    type Output = Result<V, StartError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = waker::keep(cx.waker());
        let (value, replaced) = {
            let mut state = self.shared.borrow_mut();
            (state.value.take(), state.waker.replace(waker))
        };
        drop(replaced);
        if let Some(value) = value {
            self.is_over = true;
            return Poll::Ready(Ok(value));
        }
        context::note(Waits::TASK, self.at);
        let Member { members, which } = &self.member;
        let ended = ready!(members.poll_start(*which, cx));
        self.is_over = true;
        Poll::Ready(Err(match ended {
            Ended::Failure(failure) => StartError::Failed(failure),
            Ended::Silent(Some(cancelled)) => StartError::Cancelled(cancelled),
            Ended::Value(..) | Ended::Silent(None) => StartError::Silent,
        }))
    }
}

impl<T: 'static, E: 'static, V> Drop for Starting<T, E, V> {
    fn drop(&mut self) {
        let waker = self.shared.borrow_mut().waker.take();
        drop(waker);
        let Member { members, which } = &self.member;
        if !self.is_over {
            let reason = "nobody waits for it to be ready";
            members.cancel(*which, self.at, Some(reason.into()));
        }
        members.unclaim(*which);
    }
}
