//! [`serve`]: a task for each client, and what a loop around `accept` forgets.
//!
//! ```text
//!                 ┌─ too many? wait until one ends
//!   accept ◄──────┤
//!     ├─ client ──┴─► its task: handler(stream, address) ─ Err, panic ─► reported
//!     ├─ out of descriptors ─► reported, 100 ms
//!     ├─ client gone already ─► the next
//!     └─ not a listener any more ─► the server's error
//!   until(…) is over ─► the listener is dropped ─► the clients are served to their end ─► Ok
//!   dropped ─► the clients are cancelled, and whose task drops it sees them end
//! ```
//!
//! curio's server dies quietly at the first `EMFILE`; a plain loop spins on it, since a listener
//! that is not accepted from stays ready. Here that is a report and a pause, and the clients that
//! are being served go on and give their descriptors back.
//!
//! The clients are members of a group that keeps nothing of those that have ended. Read next:
//! `group.rs`.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use rustix::io::Errno;

use crate::group::TaskGroup;
use crate::net::Accept;
use crate::place::placed;
use crate::report::{self, Report};
use crate::time::sleep;

/// How long a server waits that cannot accept for want of descriptors or memory: long enough to
/// cost nothing, short enough that a client hardly notices.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves every client of `listener` in a task of its own: the future that `handler` makes of the
/// connection and the client's address.
///
/// A client whose handler fails or panics is [reported](crate::Report), and the server lives. So it
/// does when descriptors or memory are short: that is reported too, and it tries again after 100 ms.
/// By itself it never ends. [`limit`](Serve::limit) limits how many are served at a time,
/// [`until`](Serve::until) says when to end.
///
/// `listener` is a [`TcpListener`](crate::net::TcpListener), a
/// [`UnixListener`](crate::net::UnixListener), or a reference to one.
///
/// # Errors
///
/// The future's output is the system's error if the listener is none any more, because it was shut
/// down say. The clients are cancelled then, and have ended when it comes.
///
/// # Panics
///
/// Panics, when polled, if no executor is running on this thread.
///
/// # Cancel safety
///
/// When it is dropped, its clients are cancelled, and the task that drops it does not end before they
/// have. Those that were not accepted yet wait on, if the listener lives on.
///
/// # Examples
///
/// ```
/// use bibelot::io;
/// use bibelot::net::{TcpListener, TcpStream, serve};
///
/// async fn greet(client: TcpStream) -> io::Result<()> {
///     client.write_all(b"hello").await
/// }
///
/// # bibelot::run(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
/// let one_client = async {
///     let server = TcpStream::connect(address).await?;
///     io::copy(&server, &io::sink()).await
/// };
/// serve(listener, |client, _from| greet(client))
///     .limit(1000)
///     .until(one_client)
///     .await?;
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn serve<'a, L, H, F>(listener: L, handler: H) -> Serve<'a>
where
    L: Accept + 'a,
    H: FnMut(L::Stream, L::Address) -> F + 'a,
    F: Future<Output = io::Result<()>> + 'static,
{
    let clients = Rc::new(Clients {
        group: TaskGroup::forgetful(),
        limit: Cell::new(usize::MAX),
    });
    let accepting = accept_all(listener, handler, Rc::clone(&clients));
    Serve {
        accepting: Some(Box::pin(placed(accepting))),
        until: None,
        error: None,
        clients,
    }
}

/// Those who were accepted and have not been served to their end.
struct Clients {
    /// Their tasks.
    group: TaskGroup<(), Infallible>,
    /// How many there may be.
    limit: Cell<usize>,
}

/// A server: the future of [`serve`].
#[must_use = "futures do nothing unless awaited"]
pub struct Serve<'a> {
    /// Accepts clients, and ends only with an error; `None` once it has stopped.
    accepting: Option<Pin<Box<dyn Future<Output = io::Error> + 'a>>>,
    /// Ends when it is to stop.
    until: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    /// What has ended it.
    error: Option<io::Error>,
    /// Those who were accepted.
    clients: Rc<Clients>,
}

impl<'a> Serve<'a> {
    /// Serves at most `clients` at a time; the others wait to be accepted.
    ///
    /// # Panics
    ///
    /// Panics if that is zero.
    pub fn limit(self, clients: usize) -> Self {
        assert!(clients > 0, "a server that may serve nobody never does");
        self.clients.limit.set(clients);
        self
    }

    /// Stops when `event` is over: accepts no more, drops the listener, and ends when the last
    /// client has been served.
    ///
    /// What `event` gives is dropped, and so is an event that was set before.
    pub fn until<E: Future + 'a>(mut self, event: E) -> Self {
        self.until = Some(Box::pin(async {
            event.await;
        }));
        self
    }
}

impl Future for Serve<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(event) = &mut self.until
            && event.as_mut().poll(cx).is_ready()
        {
            self.until = None;
            self.accepting = None;
        }
        if let Some(accepting) = &mut self.accepting {
            let error = ready!(accepting.as_mut().poll(cx));
            self.accepting = None;
            self.error = Some(error);
            self.clients.group.cancel_all();
        }
        ready!(self.clients.group.poll_at_most(0, cx));
        Poll::Ready(self.error.take().map_or(Ok(()), Err))
    }
}

impl fmt::Debug for Serve<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("clients", &self.clients.group.len())
            .field("is_accepting", &self.accepting.is_some())
            .finish()
    }
}

/// Accepts clients and starts their tasks, until the listener is none any more.
async fn accept_all<L, H, F>(listener: L, mut handler: H, clients: Rc<Clients>) -> io::Error
where
    L: Accept,
    H: FnMut(L::Stream, L::Address) -> F,
    F: Future<Output = io::Result<()>> + 'static,
{
    loop {
        poll_fn(|cx| clients.group.poll_at_most(clients.limit.get() - 1, cx)).await;
        match listener.accept().await {
            Ok((stream, address)) => {
                // Caught, so that it is this client's panic and not the server's.
                let called = catch_unwind(AssertUnwindSafe(|| handler(stream, address)));
                match called {
                    Ok(handling) => clients.group.spawn_here(Serving { handling }),
                    Err(payload) => clients.group.spawn_here(async { resume_unwind(payload) }),
                }
            }
            Err(error) => match Fault::of(&error) {
                Fault::Client => {}
                Fault::Machine => {
                    report::send(&Report::AcceptFailed(error));
                    sleep(PAUSE).await;
                }
                Fault::Listener => return error,
            },
        }
    }
}

pin_project! {
    /// The task of a client. A struct and not an async block, which would be twice its size.
    struct Serving<F> {
        #[pin]
        handling: F,
    }
}

impl<F: Future<Output = io::Result<()>>> Future for Serving<F> {
    type Output = Result<(), Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Err(error) = ready!(self.project().handling.poll(cx)) {
            report::send(&Report::ClientFailed(error));
        }
        Poll::Ready(Ok(()))
    }
}

/// Whose fault it is that a client could not be accepted.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// The client's: it is gone already, and the next may be there.
    Client,
    /// The machine's: it is short of something, and may not be in a moment. So is whatever is
    /// unknown, since it is reported and does not spin.
    Machine,
    /// The listener's: it will never accept again.
    Listener,
}

impl Fault {
    /// Whose fault `error` is.
    fn of(error: &io::Error) -> Self {
        match Errno::from_io_error(error) {
            // accept(2) passes on what the network has to say of the connection it takes.
            Some(
                Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::PROTO
                | Errno::PERM
                | Errno::NOPROTOOPT
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::TIMEDOUT,
            ) => Self::Client,
            Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK) => Self::Listener,
            _ => Self::Machine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_whose_fault_it_is() {
        for (errno, fault) in [
            (Errno::CONNABORTED, Fault::Client),
            (Errno::PROTO, Fault::Client),
            (Errno::MFILE, Fault::Machine),
            (Errno::NFILE, Fault::Machine),
            (Errno::NOBUFS, Fault::Machine),
            (Errno::NOMEM, Fault::Machine),
            (Errno::INVAL, Fault::Listener),
        ] {
            assert_eq!(Fault::of(&errno.into()), fault, "{errno:?}");
        }
        let unknown = io::Error::other("of no system");
        assert_eq!(Fault::of(&unknown), Fault::Machine);
    }
}
