//! [`Sim`]: an executor with a virtual clock.

use std::rc::Rc;

use crate::executor::builder::ExecutorBuilder;
use crate::executor::face::{Executor, run_to_end};
use crate::sched::Shuffle;
use crate::testing::Network;

/// Runs programs on a virtual clock.
///
/// When no task is ready the clock jumps to the next deadline, so an hour of sleeps takes no time
/// and is exact to the nanosecond. If something outside is awaited (a socket, a thread, a waker that
/// somebody keeps) the clock goes on as the real one does instead, until the deadline: what is
/// outside has the time it would have. If every task waits for another, that is a deadlock: the
/// simulation panics and says who waits for what, and where. (trio's `MockClock` and eio's mock
/// backend.)
///
/// # Examples
///
/// ```
/// use bibelot::testing::Sim;
/// use bibelot::time::{Duration, Instant, sleep};
///
/// Sim::new().run(async {
///     let start = Instant::now();
///     sleep(Duration::from_secs(3600)).await;
///     assert_eq!(start.elapsed(), Duration::from_secs(3600));
/// });
/// ```
#[derive(Debug, Default)]
#[must_use = "nothing is simulated until run() is called"]
pub struct Sim {
    /// What the executor is told.
    builder: ExecutorBuilder,
}

impl Sim {
    /// A simulation in which tasks come first in, first out.
    pub fn new() -> Self {
        Self::from_builder(Executor::builder())
    }

    /// A simulation by an executor that is told more: where reports go, say.
    pub fn from_builder(builder: ExecutorBuilder) -> Self {
        Self {
            builder: builder.simulated(),
        }
    }

    /// Shuffles: whenever several tasks are ready, any of them may come next. The same seed gives the
    /// same order every time. Children of one scope are parts of one task, and keep the order in which
    /// they were woken. ([`sched::Shuffle`](crate::sched::Shuffle); any other
    /// [policy](crate::ExecutorBuilder::policy) works as well.)
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::testing::Sim;
    ///
    /// for seed in 0..100 {
    ///     Sim::new().seed(seed).run(async { /* must hold in every order */ });
    /// }
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.builder = self.builder.policy(Shuffle::new(seed)).seeded(seed);
        self
    }

    /// Runs in a network in memory: the sockets of [`net`](crate::net) that the program makes are this
    /// network's, and so are the names that it looks up. Without one they are the machine's.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::net::{TcpListener, TcpStream};
    /// use bibelot::testing::{Network, Sim};
    ///
    /// Sim::new().network(&Network::new()).run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:80").await?;
    ///     let client = TcpStream::connect("localhost:80").await?;
    ///     let (server, from) = listener.accept().await?;
    ///     assert_eq!(from, client.local_addr()?);
    ///     server.write_all(b"hello").await?;
    ///     drop(server);
    ///     let mut greeting = String::new();
    ///     client.read_to_string(&mut greeting).await?;
    ///     assert_eq!(greeting, "hello");
    ///     Ok::<(), std::io::Error>(())
    /// }).unwrap();
    /// ```
    pub fn network(mut self, network: &Network) -> Self {
        self.builder = self.builder.network(Rc::new(network.clone()));
        self
    }

    /// Runs a future and all its tasks to the end; see [`run`](crate::run).
    ///
    /// # Panics
    ///
    /// Panics as `run` does, and at a deadlock.
    #[track_caller]
    pub fn run<F: Future>(self, main: F) -> F::Output {
        run_to_end(self.builder, main)
    }
}
