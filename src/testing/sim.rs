//! [`Sim`]: an executor with a virtual clock.
//!
//! ```text
//!   Sim ─┬─ builder ───► the executor, whose sleep is a jump     executor/sleep.rs
//!        ├─ manual ────► nor that, until the test says so        testing/advance.rs
//!        ├─ seed ──────► who is next, and what the test draws    sched::Shuffle, testing/random.rs
//!        ├─ network ───► where `net` makes its sockets           testing/network.rs
//!        ├─ log ───────► an observer that writes lines           testing/log.rs
//!        └─ replay ────► who is next, from a file                testing/replay.rs
//! ```
//!
//! Law: the same `Sim` gives the same run, to the byte of its log, but for what is real in it. Here is only
//! what it is told; there is no second executor for tests. Read next: `executor/idle.rs` (who waits for the
//! others to wait), `testing/network.rs`.

use std::rc::Rc;
use std::thread;

use crate::executor::builder::ExecutorBuilder;
use crate::executor::face::{Executor, run_to_end};
use crate::sched::Shuffle;
use crate::testing::Network;
use crate::testing::log::Log;
use crate::testing::random::Drawing;
use crate::testing::replay::Followed;
use crate::testing::twice;

/// Runs programs on a virtual clock.
///
/// When no task is ready the clock jumps to the next deadline, so an hour of sleeps takes no time
/// and is exact to the nanosecond. If something outside is awaited (a socket, a thread, a waker that
/// somebody keeps) the clock goes on as the real one does instead, until the deadline: what is
/// outside has the time it would have. If every task waits for another, that is a deadlock: the
/// simulation panics and says who waits for what, and where. (trio's `MockClock` and eio's mock
/// backend.)
///
/// A test that wants to decide itself when time passes has a [manual clock](Self::manual).
///
/// Real sockets and threads work in a simulation, each with its own time and order; what is awaited of them
/// is the one thing that a seed does not repeat. And what counts from its call, as a
/// [`sleep`](crate::time::sleep) does, is to be called inside: outside of `run` there is only the real clock,
/// and a deadline of that one is a panic in here.
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
    /// Whether time only moves when it is told to.
    is_manual: bool,
    /// What chance goes by, if that was said.
    seed: Option<u64>,
    /// Where it is written down what happens.
    logs: Vec<Log>,
    /// The replay file that it follows.
    pub(super) followed: Option<Followed>,
}

impl Sim {
    /// A simulation in which tasks come first in, first out.
    pub fn new() -> Self {
        Self::from_builder(Executor::builder())
    }

    /// A simulation by an executor that is told more: where reports go, say.
    pub fn from_builder(builder: ExecutorBuilder) -> Self {
        Self {
            builder,
            ..Self::default()
        }
    }

    /// Shuffles: whenever several tasks are ready, any of them may come next, also of those whose deadlines
    /// are equal. The same seed gives the same order every time. Children of one scope are parts of one task,
    /// and keep the order in which they were woken. ([`sched::Shuffle`](crate::sched::Shuffle); a builder
    /// that was told a [policy](crate::ExecutorBuilder::policy) keeps its own order, whatever the seed.)
    ///
    /// Chance comes from the seed as well, with and without a policy: the numbers that the test
    /// [draws](crate::testing::random()), and what becomes of the messages of a [network](Self::network), each
    /// in a stream of its own. If the simulation panics, a line on standard error says the seed.
    ///
    /// # Panics
    ///
    /// Panics if it follows a [replay file](Self::replay), which says the order and the seed.
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
    ///
    /// In the order of a policy, with other chance each time:
    ///
    /// ```
    /// use bibelot::Executor;
    /// use bibelot::sched::Priority;
    /// use bibelot::testing::Sim;
    ///
    /// for seed in 0..100 {
    ///     let builder = Executor::builder().policy(Priority::new());
    ///     Sim::from_builder(builder).seed(seed).run(async { /* must hold with any luck */ });
    /// }
    /// ```
    #[track_caller]
    pub fn seed(mut self, seed: u64) -> Self {
        assert!(
            self.followed.is_none(),
            "a simulation that follows a replay file has its order and its chance from there, and needs no seed"
        );
        self.seed = Some(seed);
        self
    }

    /// Has time stand still until the program moves it, by [`advance`](crate::testing::advance()) (or by
    /// [`consume`](crate::task::consume), which is work).
    ///
    /// Then nothing falls due that the test has not asked for, whatever sockets and threads are waited for
    /// meanwhile. If no task is ready, nothing outside is awaited and nobody advances, the simulation does
    /// not hang: it panics, and says who waits until when, and where.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::testing::{Sim, advance, settle};
    /// use bibelot::time::{Duration, sleep};
    ///
    /// Sim::new().manual().run(async {
    ///     let handle = bibelot::spawn(sleep(Duration::from_secs(60)));
    ///     settle().await;
    ///     assert!(!handle.is_finished());
    ///     advance(Duration::from_secs(60)).await;
    ///     assert!(handle.is_finished());
    /// });
    /// ```
    pub fn manual(mut self) -> Self {
        self.is_manual = true;
        self
    }

    /// Has all that happens written down, a line for each event; what is in the log already stays.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::testing::{Log, Sim};
    ///
    /// let log = Log::new();
    /// Sim::new().log(&log).run(bibelot::task::yield_now());
    /// println!("{log}");
    /// # assert!(log.text().contains("0ns task 1 woken by itself"));
    /// ```
    pub fn log(mut self, log: &Log) -> Self {
        self.logs.push(log.clone());
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
    /// Panics as `run` does, at a deadlock, when a [manual clock](Self::manual) stands still that somebody
    /// waits for, and where the run does not do what the file says that it [follows](Self::replay).
    #[track_caller]
    pub fn run<F: Future>(self, main: F) -> F::Output {
        let _told = ToldSeed::new(self.seed);
        let followed = self.followed.as_ref().map(Followed::seed);
        let _drawing = Drawing::begin(followed.or(self.seed).unwrap_or_default());
        let mut builder = self.builder;
        if let Some(seed) = self.seed
            && !builder.has_policy()
        {
            builder = builder.policy(Shuffle::new(seed));
        }
        for log in self.logs.iter().chain(&twice::next_log()) {
            builder = builder.observer(log.observer());
        }
        let value = run_to_end(builder.simulated(self.is_manual, self.seed), main);
        if let Some(followed) = self.followed {
            followed.assert_ended();
        }
        value
    }
}

/// Says the seed on standard error if the simulation panics, so that it can be repeated.
struct ToldSeed(Option<u64>);

impl ToldSeed {
    /// For a simulation with this seed.
    fn new(seed: Option<u64>) -> Self {
        Self(seed.filter(|_| !thread::panicking()))
    }
}

impl Drop for ToldSeed {
    fn drop(&mut self) {
        if let Some(seed) = self.0.filter(|_| thread::panicking()) {
            eprintln!("bibelot: the simulation panicked; Sim::seed({seed}) repeats it");
        }
    }
}
