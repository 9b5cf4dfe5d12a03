//! [`Accept`]: the two listeners as one, for what takes either: [`Incoming`] and
//! [`serve`](crate::net::serve()).

use std::fmt;
use std::io;
#[cfg(feature = "stream")]
use std::pin::Pin;
#[cfg(feature = "stream")]
use std::task::{Context, Poll, ready};

use crate::place::placed;

/// A socket that clients connect to: a [`TcpListener`](crate::net::TcpListener), a
/// [`UnixListener`](crate::net::UnixListener), or a reference to one.
pub trait Accept {
    /// The connection to a client.
    type Stream: 'static;
    /// Where a client comes from.
    type Address: 'static;

    /// Waits for a client and returns the connection to it and where it comes from.
    ///
    /// # Errors
    ///
    /// Returns the system's error: descriptors may be short, or the client gone already.
    ///
    /// # Cancel safety
    ///
    /// No client is lost.
    #[track_caller]
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Address)>>;
}

impl<L: Accept> Accept for &L {
    type Stream = L::Stream;
    type Address = L::Address;

    fn accept(&self) -> impl Future<Output = io::Result<(L::Stream, L::Address)>> {
        (**self).accept()
    }
}

/// The wait for a client of a stream.
#[cfg(feature = "stream")]
type Accepting<'a, S> = Pin<Box<dyn Future<Output = io::Result<S>> + 'a>>;

/// The clients of a listener, one after the other; made by its `incoming` method. With the feature
/// `stream` it is a `Stream`, without an end, at the cost of a box for each client.
///
/// # Examples
///
/// ```no_run
/// use bibelot::net::TcpListener;
///
/// # bibelot::run(async {
/// let listener = TcpListener::bind("127.0.0.1:8080").await?;
/// let mut incoming = listener.incoming();
/// while let Some(client) = incoming.next().await {
///     client?.write_all(b"hello").await?;
/// }
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "no client is accepted until next() is called"]
pub struct Incoming<'a, L: Accept> {
    /// Whose clients.
    listener: &'a L,
    /// Where it waits as a stream.
    #[cfg(feature = "stream")]
    accepting: Option<Accepting<'a, L::Stream>>,
}

impl<'a, L: Accept> Incoming<'a, L> {
    /// The clients of `listener`.
    pub(super) fn new(listener: &'a L) -> Self {
        Self {
            listener,
            #[cfg(feature = "stream")]
            accepting: None,
        }
    }

    /// Waits for the next client. Never `None`, as in std.
    ///
    /// # Errors
    ///
    /// Returns the system's error: descriptors may be short, or the client gone already. The
    /// next call goes on.
    ///
    /// # Cancel safety
    ///
    /// No client is lost.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "it is the same method, awaited: `while let` instead of `for`"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<io::Result<L::Stream>>> {
        // What was begun as a stream would stand before it in line, and nobody would poll it.
        #[cfg(feature = "stream")]
        drop(self.accepting.take());
        let listener = self.listener;
        placed(async move { Some(listener.accept().await.map(|(stream, _)| stream)) })
    }
}

/// Dropped while it waits, it loses no client.
#[cfg(feature = "stream")]
impl<L: Accept> futures_core::Stream for Incoming<'_, L> {
    type Item = io::Result<L::Stream>;

    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let listener = self.listener;
        let accepting = self.accepting.get_or_insert_with(|| {
            let accept = listener.accept();
            Box::pin(async move { Ok(accept.await?.0) })
        });
        let client = ready!(accepting.as_mut().poll(cx));
        self.accepting = None;
        Poll::Ready(Some(client))
    }
}

impl<L: Accept + fmt::Debug> fmt::Debug for Incoming<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Incoming").field(self.listener).finish()
    }
}
