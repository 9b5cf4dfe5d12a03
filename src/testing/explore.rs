//! [`explore()`]: a test under many schedules, and the one that breaks it.
//!
//! ```text
//!   plan      exhaustive ─► PCT ─► random        which schedule is next?      search.rs, frontier.rs, pilots.rs
//!                  │                  ▲
//!                  ▼                  │ passed
//!   attempt   a Sim of its own: each time several tasks are ready, a decision ─┤        attempt.rs
//!                                     │ failed
//!                                     ▼
//!   shrink    the fewest decisions that are not first come, first served      shrink.rs
//!   tell      what failed, the schedule in lines, a replay file               found.rs, replay.rs
//! ```
//!
//! A test of tasks passes in one order of their polls and fails in another that comes once a month. On one
//! thread, with a clock that stands still, that order is all there is, and it is made of decisions
//! (`director.rs`); so it can be searched, repeated, and written down.
//!
//! # What is a schedule, and what not
//!
//! Tasks give way where they await, and nowhere else. A decision is which of the *ready tasks* is polled
//! next: what happens within a poll is one step, and an `await` that does not wait is none. Children of one
//! scope, and futures joined or raced in one task, are parts of that task, and keep the order of their
//! wakes. A timer falls due when all have come to wait ([`Sim`](crate::testing::Sim)'s clock jumps), or
//! when a task [consumes](crate::task::consume) the time; so a deadline does not overtake a task that is
//! ready. A test that waits for sockets or threads can be run, but not repeated.
//!
//! Why the plan is what it is: few overtakes break most programs, so all schedules with one, then two, come
//! first, and of a small test all there are. A larger one has too many; then PCT, which needs luck of a
//! known size, and last what needs no idea of how bugs look. Read next: `explore/attempt.rs`.

mod attempt;
mod found;
mod frontier;
mod pilots;
mod save;
mod search;
mod shrink;

use std::panic::Location;
use std::path::PathBuf;

pub use found::{Explored, Found};

use crate::rng::Rng;
use crate::testing::Network;
use crate::testing::explore::attempt::attempt;
use crate::testing::explore::found::Seen;
use crate::testing::explore::frontier::Order;
use crate::testing::explore::save::Place;
use crate::testing::explore::search::{Run, Search};
use crate::waker;

/// How many schedules are taken by each part of the plan that there is without a word.
const EXHAUSTIVE: usize = 1_000;
/// So many by PCT.
const PCT: usize = 500;
/// Of this depth: most bugs need no more than two things to happen in an order of their own.
const DEPTH: u32 = 3;
/// And so many at random.
const RANDOM: usize = 500;

/// How many polls a run may have, unless it is said.
const POLLS_MAX: u64 = 100_000;

/// How many runs may make a schedule small, unless it is said.
const RERUNS_MAX: usize = 1_000;

/// Runs a test under many schedules, until one fails: [`Explorer::new`] with nothing said, which takes up to
/// 2000 of them, or all there are if these are fewer than 1000. Each runs in a [`Sim`](crate::testing::Sim)
/// of its own.
///
/// A test fails if it panics, if one of its tasks panics and nobody joins it, if all wait for each other, or
/// if it comes to no end.
///
/// # What a schedule is
///
/// The order in which tasks are polled. Tasks give way where they await, and nowhere else: each time several
/// are ready, one of them is chosen, and what it does until it waits is one step. Children of one
/// [scope](crate::task::scope), and futures that are joined or raced in one task, are parts of that task, and
/// keep the order of their wakes. Time passes when nobody is ready, and when it is
/// [consumed](crate::task::consume). What comes from sockets and threads is no part of a schedule, so a test
/// that waits for these may not do the same twice.
///
/// # Panics
///
/// Panics if a schedule fails, with a text that says what failed, under which schedule, how that was found,
/// and where the [replay file](crate::testing::Sim::replay) is; and if the test does not do the same twice.
/// [`Explorer::try_run`] returns that as an error.
///
/// # Examples
///
/// Two deposits into one account, and each reads it before it gives way:
///
/// ```
/// use bibelot::spawn;
/// use bibelot::task::yield_now;
/// use bibelot::testing::explore;
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// async fn deposit(account: Rc<Cell<u32>>, amount: u32) {
///     yield_now().await;
///     account.set(account.get() + amount);
///     // Reading before the yield would lose an update: try it.
/// }
///
/// let explored = explore(async || {
///     let account = Rc::new(Cell::new(0));
///     let one = spawn(deposit(Rc::clone(&account), 1));
///     let other = spawn(deposit(Rc::clone(&account), 2));
///     one.await.unwrap();
///     other.await.unwrap();
///     assert_eq!(account.get(), 3);
/// });
/// assert!(explored.is_complete());
/// ```
#[track_caller]
pub fn explore(test: impl AsyncFnMut()) -> Explored {
    Explorer::new().run(test)
}

/// A part of the plan.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// All there are, up to so many, in this order.
    All(usize, Order),
    /// So many by PCT, of this depth.
    Pct(usize, u32),
    /// So many at random.
    Random(usize),
}

/// Runs a test under many schedules, and is told which; see [`explore()`].
///
/// The plain order, first come, first served, is always run first, and twice: a test that does not do the
/// same both times cannot be explored. Then come the parts of the plan in the order in which they were
/// named. The same explorer takes the same schedules each time.
///
/// While it explores, panics on its thread are not printed. For that it puts a hook before the
/// [panic hook](std::panic::set_hook) of the process, once; a hook that is set later replaces it, and prints
/// what it likes. [Reports](crate::Report) are not printed either: a panic that nobody joins is a failure, and
/// the others are printed when the schedule is [replayed](crate::testing::Sim::replay).
///
/// # Examples
///
/// ```
/// use bibelot::testing::Explorer;
///
/// let explored = Explorer::new()
///     .exhaustive(10_000)
///     .pct(1_000, 2)
///     .run(async || { /* must hold in every order */ });
/// assert!(explored.is_complete());
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is explored until run() is called"]
pub struct Explorer {
    /// The plan; empty for the usual one.
    plan: Vec<Stage>,
    /// What chance begins with.
    seed: u64,
    /// How many polls a run may have.
    polls_max: u64,
    /// How often a schedule of an exhaustive search may overtake.
    overtakes_max: usize,
    /// How many runs may make a schedule small.
    reruns_max: usize,
    /// Where replay files are written.
    place: Place,
    /// In which network the test runs, if not the machine's.
    network: Option<Network>,
}

impl Explorer {
    /// An explorer with a plan for most tests: all schedules if they are fewer than 1000, or else those
    /// 1000 that overtake least, then 500 by PCT of depth 3, then 500 at random.
    pub fn new() -> Self {
        Self {
            plan: Vec::new(),
            seed: 0,
            polls_max: POLLS_MAX,
            overtakes_max: usize::MAX,
            reruns_max: RERUNS_MAX,
            place: Place::Temporary,
            network: None,
        }
    }

    /// Adds a part to the plan: all schedules, those that overtake least first, but no more than `limit`,
    /// of which the plain order is one. If it comes to the end of them, what is planned after it is left
    /// out.
    ///
    /// An *overtake* is a decision that is not first come, first served. A bug that needs few of them is
    /// found by few schedules, and if `limit` comes first, [`Explored::complete_to`] says up to how many
    /// there is none. A task that gives way until another has done something can do so for ever; then there
    /// is no end of schedules.
    pub fn exhaustive(self, limit: usize) -> Self {
        self.stage(Stage::All(limit, Order::Fewest))
    }

    /// Adds a part to the plan: all schedules, depth first, but no more than `limit`. It needs hardly any
    /// memory, so `limit` can be large; what it has seen when it comes there is one corner of all.
    pub fn depth_first(self, limit: usize) -> Self {
        self.stage(Stage::All(limit, Order::Deepest))
    }

    /// Adds a part to the plan: `count` schedules by PCT, for bugs of depth `depth`.
    ///
    /// Tasks have priorities by chance, and at `depth - 1` polls, by chance as well, the one whose turn it
    /// is falls behind all others. With *n* tasks and *k* polls in a run, each schedule finds a bug that
    /// needs `depth` things to happen in one order with a probability of at least 1 / (*n* *k*^(`depth` -
    /// 1)), whatever else the program does. (Burckhardt and others, ASPLOS 2010.) *k* is the longest run
    /// so far. That holds as long as no task that is ready is passed over for a thousand polls; then those
    /// before it fall behind, since no program need bear being starved.
    ///
    /// # Panics
    ///
    /// Panics if `depth` is zero.
    #[track_caller]
    pub fn pct(self, count: usize, depth: u32) -> Self {
        assert!(depth > 0, "a bug without depth fails in every schedule");
        self.stage(Stage::Pct(count, depth))
    }

    /// Adds a part to the plan: `count` schedules in which each ready task is as likely as the others to be
    /// polled next.
    pub fn random(self, count: usize) -> Self {
        self.stage(Stage::Random(count))
    }

    /// Adds a part to the plan.
    fn stage(mut self, stage: Stage) -> Self {
        self.plan.push(stage);
        self
    }

    /// Sets what chance begins with: 0, unless this says otherwise. Another seed takes other schedules by PCT and
    /// at random, and the test [draws](crate::testing::random()) other numbers and has another luck in its
    /// [network](Self::network). These are the same in all schedules of one exploration, in which only the order
    /// differs; so a test that leaves something to chance wants to be explored with several seeds. The
    /// [replay file](crate::testing::Sim::replay) says the seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets how many polls a run may have: 100 000, unless this says otherwise. One that has more has
    /// failed: it never comes to an end.
    pub fn polls_max(mut self, polls: u64) -> Self {
        self.polls_max = polls;
        self
    }

    /// Sets how often a schedule of an exhaustive search overtakes at most. The search is then over when it
    /// has seen all of these.
    pub fn overtakes_max(mut self, overtakes: usize) -> Self {
        self.overtakes_max = overtakes;
        self
    }

    /// Sets how many runs there may be to make a schedule that fails small: 1000, unless this says
    /// otherwise.
    pub fn reruns_max(mut self, reruns: usize) -> Self {
        self.reruns_max = reruns;
        self
    }

    /// Runs the test in a network in memory, each time anew; see [`Sim::network`](crate::testing::Sim::network).
    ///
    /// What is sent arrives after its time, as a timer falls due, and chance is that of the explorer's
    /// [seed](Self::seed) in each run: so what a schedule does is the same every time. Make the network's hosts
    /// before. A replay needs the network as well: `Sim::replay(path)?.network(&network)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::net::UdpSocket;
    /// use bibelot::spawn;
    /// use bibelot::testing::{Explorer, Network};
    ///
    /// let explored = Explorer::new().network(&Network::new()).run(async || {
    ///     let server = UdpSocket::bind("127.0.0.1:53").await.unwrap();
    ///     for _ in 0..2 {
    ///         drop(spawn(async {
    ///             let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    ///             client.send_to(b"?", "127.0.0.1:53").await.unwrap();
    ///         }));
    ///     }
    ///     for _ in 0..2 {
    ///         server.recv_from(&mut [0]).await.unwrap();
    ///     }
    /// });
    /// assert!(explored.is_complete());
    /// ```
    pub fn network(mut self, network: &Network) -> Self {
        self.network = Some(network.clone());
        self
    }

    /// Writes replay files into this folder, which is made if it is not there, under names that tell the
    /// test. Without a word they go to the [system's folder for such](std::env::temp_dir).
    pub fn replay_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.place = Place::Folder(path.into());
        self
    }

    /// Writes the replay file to this path, over what is there.
    pub fn replay_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.place = Place::File(path.into());
        self
    }

    /// Runs the test under all that is planned.
    ///
    /// # Panics
    ///
    /// Panics if a schedule fails, and if the test does not do the same twice; see [`explore()`].
    #[track_caller]
    pub fn run(self, test: impl AsyncFnMut()) -> Explored {
        match self.try_run(test) {
            Ok(explored) => explored,
            Err(found) => panic!("{found}"),
        }
    }

    /// Runs the test under all that is planned.
    ///
    /// # Errors
    ///
    /// Returns the first schedule that fails, made small.
    ///
    /// # Panics
    ///
    /// Panics if an executor is running on this thread already, or if the system gives none.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::spawn;
    /// use bibelot::testing::Explorer;
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    ///
    /// let found = Explorer::new().try_run(async || {
    ///     let last = Rc::new(Cell::new("nobody"));
    ///     for name in ["a", "b"] {
    ///         let last = Rc::clone(&last);
    ///         drop(spawn(async move { assert_ne!(last.replace(name), "b") }));
    ///     }
    /// });
    /// let found = found.unwrap_err();
    /// assert_eq!((found.schedules(), found.overtakes()), (2, 1));
    /// # std::fs::remove_file(found.replay_file().unwrap()).unwrap();
    /// ```
    #[track_caller]
    pub fn try_run(self, mut test: impl AsyncFnMut()) -> Result<Explored, Found> {
        let at = Location::caller();
        assert!(
            waker::with_current(|_| ()).is_none(),
            "an executor is already running on this thread; explore outside of it"
        );
        let network = self.network.clone();
        let run = &mut |orders| attempt(at, test(), orders, network.as_ref());
        self.search(at, run)
    }

    /// Runs what is planned.
    fn search(mut self, at: &'static Location<'static>, run: Run<'_>) -> Result<Explored, Found> {
        if self.plan.is_empty() {
            self = self.exhaustive(EXHAUSTIVE).pct(PCT, DEPTH).random(RANDOM);
        }
        let mut search = Search {
            explorer: &self,
            at,
            run,
            seen: Seen::default(),
            rng: Rng::new(self.seed),
        };
        let plain = search.plain()?;
        let mut complete_to = 0;
        for stage in &self.plan {
            match *stage {
                Stage::All(limit, order) => match search.all(&plain, limit, order)? {
                    None => return Ok(search.seen.explored(None)),
                    Some(overtakes) => complete_to = complete_to.max(overtakes),
                },
                Stage::Pct(count, depth) => search.pct(count, depth)?,
                Stage::Random(count) => search.random(count)?,
            }
        }
        Ok(search.seen.explored(Some(complete_to)))
    }
}

impl Default for Explorer {
    fn default() -> Self {
        Self::new()
    }
}
