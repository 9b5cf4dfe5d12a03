//! Several addresses, one connection: "happy eyeballs" (RFC 8305).
//!
//! ```text
//!   0 ms    first  ├──────────── no answer ──────────────┤ dropped
//!   250 ms  second      ├── refused
//!           third       ├─► at once ────► connected: the winner
//! ```
//!
//! A name often has addresses of both families, and often one family does not get through. Tried
//! one after the other, as std does, the first dead address costs minutes. So the next attempt
//! begins a quarter of a second after the one before, or at once when the one before has failed,
//! and the families alternate. The first to connect wins; dropping the others closes them.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::time::{Sleep, sleep};

/// How long an attempt is alone before the next one begins: RFC 8305's "Connection Attempt Delay",
/// with the value it recommends.
const HEAD_START: Duration = Duration::from_millis(250);

/// Orders addresses so that their families alternate, beginning with that of the first.
pub(super) fn alternate_families(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let begins_with_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == begins_with_v6);
    let mut ordered = Vec::with_capacity(first.len() + second.len());
    let mut second = second.into_iter();
    for address in first {
        ordered.push(address);
        ordered.extend(second.next());
    }
    ordered.extend(second);
    ordered
}

/// Connects to the first of `addresses` that lets it, or returns the last error.
pub(super) async fn first_to_connect<A, S, F>(
    addresses: Vec<A>,
    mut connect: impl FnMut(A) -> F,
) -> io::Result<S>
where
    F: Future<Output = io::Result<S>>,
{
    let mut addresses = addresses.into_iter();
    let Some(first) = addresses.next() else {
        return Err(no_address());
    };
    let first = connect(first);
    if addresses.len() == 0 {
        return first.await;
    }
    let mut race = Race {
        running: vec![Box::pin(first)],
        waiting: addresses.map(move |address| Box::pin(connect(address))),
        head_start: sleep(HEAD_START),
        error: no_address(),
    };
    poll_fn(|cx| race.poll(cx)).await
}

/// The error of a race without runners, which is also std's.
fn no_address() -> io::Error {
    let text = "could not resolve to any addresses";
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// Attempts that run side by side, and those that are still to begin.
struct Race<F, I> {
    /// The attempts that have begun.
    running: Vec<Pin<Box<F>>>,
    /// Those that have not.
    waiting: I,
    /// When the next one begins.
    head_start: Sleep,
    /// The error of the last attempt that failed.
    error: io::Error,
}

impl<S, F, I> Race<F, I>
where
    F: Future<Output = io::Result<S>>,
    I: ExactSizeIterator<Item = Pin<Box<F>>>,
{
    /// Polls those that run, and has the next one begin when it is time.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<S>> {
        loop {
            let begun = self.running.len();
            if let Some(winner) = self.poll_running(cx) {
                return Poll::Ready(Ok(winner));
            }
            let has_failed = self.running.len() < begun;
            if self.waiting.len() == 0 && self.running.is_empty() {
                let error = std::mem::replace(&mut self.error, no_address());
                return Poll::Ready(Err(error));
            }
            if self.waiting.len() == 0
                || !has_failed && Pin::new(&mut self.head_start).poll(cx).is_pending()
            {
                return Poll::Pending;
            }
            self.running.extend(self.waiting.next());
            self.head_start = sleep(HEAD_START);
        }
    }

    /// Polls those that run; returns what the first to connect gives, and drops who has failed.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Option<S> {
        let mut index = 0;
        while index < self.running.len() {
            match self.running[index].as_mut().poll(cx) {
                Poll::Ready(Ok(winner)) => return Some(winner),
                Poll::Ready(Err(error)) => {
                    self.error = error;
                    drop(self.running.remove(index));
                }
                Poll::Pending => index += 1,
            }
        }
        None
    }
}
