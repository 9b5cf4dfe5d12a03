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

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::testing::Sim;
    use crate::time::Instant;

    /// What an address does that a test tries to connect to.
    #[derive(Clone, Copy)]
    enum Address {
        /// Connects after so many milliseconds.
        Connects(u64),
        /// Refuses after so many milliseconds.
        Refuses(u64),
        /// Never answers.
        Deaf,
    }
    use Address::{Connects, Deaf, Refuses};

    /// Races to the addresses on a virtual clock. Returns the index of the winner or the text of the
    /// error, when that was, and when each attempt began, all in milliseconds.
    fn race(addresses: &[Address]) -> (Result<usize, String>, u64, Vec<(usize, u64)>) {
        let begun = RefCell::new(Vec::new());
        let running = Cell::new(0);
        let (won, took) = Sim::new().run(async {
            let start = Instant::now();
            let now = || start.elapsed().as_millis() as u64;
            let connect = |(index, address)| {
                begun.borrow_mut().push((index, now()));
                let running = Running::new(&running);
                async move {
                    let _running = running;
                    match address {
                        Connects(after) => {
                            sleep(Duration::from_millis(after)).await;
                            Ok(index)
                        }
                        Refuses(after) => {
                            sleep(Duration::from_millis(after)).await;
                            Err(io::Error::other(format!("{index} refuses")))
                        }
                        Deaf => std::future::pending().await,
                    }
                }
            };
            let addresses = addresses.iter().copied().enumerate().collect();
            let won = first_to_connect(addresses, connect).await;
            (won, now())
        });
        assert_eq!(running.get(), 0, "a loser was not dropped");
        (
            won.map_err(|error| error.to_string()),
            took,
            begun.into_inner(),
        )
    }

    /// Counts the attempts that have not been dropped.
    struct Running<'a>(&'a Cell<usize>);

    impl<'a> Running<'a> {
        /// One more.
        fn new(count: &'a Cell<usize>) -> Self {
            count.set(count.get() + 1);
            Self(count)
        }
    }

    impl Drop for Running<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }

    #[test]
    fn one_address_has_all_the_time_there_is() {
        let (won, took, _) = race(&[Connects(100_000)]);
        assert_eq!((won, took), (Ok(0), 100_000));
    }

    #[test]
    fn a_fast_first_address_is_the_only_one_tried() {
        let (won, took, begun) = race(&[Connects(249), Connects(0)]);
        assert_eq!((won, took), (Ok(0), 249));
        assert_eq!(begun, [(0, 0)]);
    }

    #[test]
    fn each_address_begins_a_quarter_of_a_second_after_the_one_before() {
        let (won, took, begun) = race(&[Deaf, Deaf, Connects(300), Deaf, Deaf]);
        assert_eq!((won, took), (Ok(2), 800));
        assert_eq!(begun, [(0, 0), (1, 250), (2, 500), (3, 750)]);
    }

    #[test]
    fn a_slow_first_address_may_still_win() {
        let (won, took, _) = race(&[Connects(300), Connects(100)]);
        assert_eq!((won, took), (Ok(0), 300));
    }

    #[test]
    fn a_refusal_lets_the_next_begin_at_once_and_have_its_own_head_start() {
        let (won, took, begun) = race(&[Refuses(10), Deaf, Connects(1)]);
        assert_eq!((won, took), (Ok(2), 261));
        assert_eq!(begun, [(0, 0), (1, 10), (2, 260)]);
    }

    #[test]
    fn refusals_at_once_cost_no_time() {
        let (won, took, _) = race(&[Refuses(0), Refuses(0), Refuses(0), Connects(0)]);
        assert_eq!((won, took), (Ok(3), 0));
    }

    #[test]
    fn the_last_to_fail_gives_the_error() {
        let (won, took, _) = race(&[Refuses(400), Refuses(10)]);
        assert_eq!((won, took), (Err(String::from("0 refuses")), 400));
    }

    #[test]
    fn a_race_without_runners_is_an_error() {
        let (won, took, _) = race(&[]);
        assert_eq!(took, 0);
        assert_eq!(won.unwrap_err(), "could not resolve to any addresses");
    }

    #[test]
    fn families_alternate_beginning_with_the_first() {
        let order = |text: &[&str]| -> Vec<String> {
            let addresses = text.iter().map(|text| text.parse().unwrap()).collect();
            let ordered = alternate_families(addresses);
            ordered.iter().map(SocketAddr::to_string).collect()
        };
        let four = ["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1"];
        let six = ["[::1]:1", "[::2]:1"];
        assert_eq!(
            order(&[six[0], six[1], four[0], four[1], four[2]]),
            [six[0], four[0], six[1], four[1], four[2]],
        );
        assert_eq!(order(&[four[0], six[0], six[1]]), [four[0], six[0], six[1]]);
        assert_eq!(order(&four), four);
        assert!(order(&[]).is_empty());
    }
}
