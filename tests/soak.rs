//! A soak: random traffic between eight threads and two executors, for as long as one likes.
//!
//! ```text
//! BIBELOT_SOAK_SECONDS=600 cargo test --release --test soak -- --nocapture
//! ```
//!
//! It goes on in rounds. In each, threads and tasks put and get numbered items, join queues, wait for
//! events and outcomes, send each other jobs and errands, and cancel whatever they like, until the round
//! is over and all queues are closed. Then everything must have ended, every item that was put must have
//! been got once, and none may be left. From round to round the memory that is alive must not grow, nor,
//! on Linux, how many threads and descriptors there are. What is chosen comes from a seed, which a
//! failure tells; when it happens is up to the machine.
//!
//! Here a test waits by the real clock for as long as a round lasts. All others wait for events, or by the
//! virtual clock; where the real one is the subject (limits, slack, the wait itself), for milliseconds.
#![cfg(feature = "worker")]
#![expect(unsafe_code, reason = "a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::fs;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;

use bibelot::sync::universal::{Closed, Event, Outcome, Queue};
use bibelot::task::yield_now;
use bibelot::time::{Duration, Instant, timeout};
use bibelot::worker::{self, Portal, PortalError, start_portal};
use bibelot::{Executor, spawn};

/// How many threads there are beside those of the executors.
const THREADS: u64 = 8;
/// How long a round lasts until it is over.
const ROUND: Duration = Duration::from_millis(20);
/// How long it may take until all has ended then.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many threads an executor's jobs may have: few, so that they are waited for.
const JOBS: usize = 4;
/// How long one waits for what may never come.
const LONG: Duration = Duration::from_millis(2);
/// How many items a round may make.
const ITEMS: usize = 1 << 15;
/// By how many bytes the memory alive may be more at the end than it was at the beginning.
const GROWTH: usize = 64 << 10;
/// By how many threads, which may be idle for a while when their jobs have ended.
const MORE_THREADS: usize = 8;
/// By how many descriptors.
const MORE_DESCRIPTORS: usize = 4;

/// Counts the bytes alive, and passes on to the system's.
struct Counting;

static ALIVE: AtomicUsize = AtomicUsize::new(0);
/// How much the executors had to report: panics that nobody has joined.
static REPORTS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: it is the system's allocator, with a counter beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALIVE.fetch_add(layout.size(), SeqCst);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        ALIVE.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALIVE.fetch_add(size, SeqCst);
        ALIVE.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Random numbers: SplitMix64.
#[derive(Clone)]
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A generator for somebody else.
    fn other(&mut self) -> Self {
        Self(self.next())
    }

    /// A short time, often none.
    fn short(&mut self) -> Duration {
        Duration::from_micros(self.below(4) * self.below(100))
    }
}

/// What became of one item.
#[derive(Default)]
struct Fate {
    put: AtomicU8,
    got: AtomicU8,
    dropped: AtomicU8,
}

/// What became of all items of a round.
struct Fates {
    made: AtomicUsize,
    each: Vec<Fate>,
}

/// One of the things that go to and fro.
struct Item {
    nth: usize,
    fates: Arc<Fates>,
}

impl Item {
    /// Notes that it was got from this queue, which then hears that it is done with.
    fn done(self, queue: &Queue<Self>) {
        self.fates.each[self.nth].got.fetch_add(1, SeqCst);
        drop(self);
        queue.task_done();
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.fates.each[self.nth].dropped.fetch_add(1, SeqCst);
    }
}

/// What all share in a round.
struct World {
    is_over: AtomicBool,
    queues: [Queue<Item>; 3],
    event: Event,
    outcomes: [Outcome<u64>; 8],
    fates: Arc<Fates>,
    steps: AtomicU64,
    jobs: AtomicU64,
    cancels: AtomicU64,
}

/// A share in the world; the round has ended when there is no other any more.
#[derive(Clone)]
struct Ctx {
    world: Arc<World>,
    portals: [Portal; 2],
    _is_there: Sender<()>,
}

impl World {
    fn new() -> Self {
        let fates = Fates {
            made: AtomicUsize::new(0),
            each: (0..ITEMS).map(|_| Fate::default()).collect(),
        };
        Self {
            is_over: AtomicBool::new(false),
            queues: [Queue::new(), Queue::bounded(1), Queue::bounded(4)],
            event: Event::new(),
            outcomes: Default::default(),
            fates: Arc::new(fates),
            steps: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
            cancels: AtomicU64::new(0),
        }
    }

    /// A new item, as long as there are numbers.
    fn item(&self) -> Option<(usize, Item)> {
        let nth = self.fates.made.load(SeqCst);
        if nth + 256 > ITEMS {
            return None;
        }
        let nth = self.fates.made.fetch_add(1, SeqCst);
        let fates = Arc::clone(&self.fates);
        Some((nth, Item { nth, fates }))
    }

    /// Notes that an item was put.
    fn put(&self, nth: usize, is_put: bool) {
        self.fates.each[nth].put.fetch_add(u8::from(is_put), SeqCst);
    }

    fn queue(&self, rng: &mut Rng) -> &Queue<Item> {
        &self.queues[rng.below(3) as usize]
    }

    fn outcome(&self, rng: &mut Rng) -> &Outcome<u64> {
        &self.outcomes[rng.below(8) as usize]
    }

    /// Sets the event or clears it, but for the last time it is set.
    fn turn_event(&self, rng: &mut Rng) {
        if rng.below(2) == 0 {
            self.event.set();
        } else {
            self.event.clear();
        }
        if self.is_over.load(SeqCst) {
            self.event.set();
        }
    }

    /// Lets all come to its end.
    fn end(&self) {
        self.is_over.store(true, SeqCst);
        self.queues.iter().for_each(Queue::close);
        self.event.set();
        for outcome in &self.outcomes {
            let _ = outcome.set(0);
        }
    }

    /// Counts a step. Who has taken one looks whether there is another.
    fn goes_on(&self) -> bool {
        self.steps.fetch_add(1, SeqCst);
        !self.is_over.load(SeqCst)
    }
}

impl Ctx {
    fn portal(&self, rng: &mut Rng) -> &Portal {
        &self.portals[rng.below(2) as usize]
    }

    /// What a thread may do that blocks. Without limits, it may block until the round is over.
    fn block(&self, rng: &mut Rng, is_limited: bool) {
        let world = &*self.world;
        let limit = rng.short();
        let queue = world.queue(rng);
        match rng.below(11) {
            0..3 => {
                let Some((nth, item)) = world.item() else {
                    return;
                };
                let is_put = match rng.below(3) {
                    0 => queue.try_put(item).is_ok(),
                    1 if !is_limited => queue.put_blocking(item).is_ok(),
                    _ => queue.put_timeout(item, limit).is_ok(),
                };
                world.put(nth, is_put);
            }
            3..6 => {
                let item = match rng.below(3) {
                    0 => queue.try_get().ok(),
                    1 if !is_limited => queue.get_blocking().ok(),
                    _ => queue.get_timeout(limit).ok(),
                };
                item.into_iter().for_each(|item| item.done(queue));
            }
            6 => world.turn_event(rng),
            7 if is_limited => drop(world.event.wait_timeout(limit)),
            7 => world.event.wait_blocking(),
            8 => drop(world.outcome(rng).set(rng.next())),
            9 => drop(queue.join_timeout(limit)),
            _ => {
                let outcome = world.outcome(rng);
                let seen = outcome.wait_timeout(limit).copied();
                assert!(seen.is_none() || seen == outcome.get().copied());
            }
        }
    }

    /// What a job does: blocks, and calls its task.
    fn job(&self, rng: &mut Rng, depth: u32) {
        self.world.jobs.fetch_add(1, SeqCst);
        for _ in 0..rng.below(4) {
            if worker::is_cancelled() {
                self.world.cancels.fetch_add(1, SeqCst);
                return;
            }
            if rng.below(2) == 0 || depth == 0 {
                self.block(rng, true);
                continue;
            }
            let (ctx, inside, sent) = (self.clone(), rng.other(), rng.next());
            let called = worker::call(move || async move {
                ctx.act(inside, depth - 1).await;
                sent
            });
            assert!(called.is_err() || called == Ok(sent));
        }
    }

    /// What a task may do. It ends by itself.
    fn act(self, mut rng: Rng, depth: u32) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            if depth == 0 || rng.below(3) > 0 {
                self.exchange(&mut rng).await;
            } else {
                self.delegate(&mut rng, depth - 1).await;
            }
        })
    }

    /// Puts, gets or waits, as a task.
    async fn exchange(&self, rng: &mut Rng) {
        let world = &*self.world;
        let limit = rng.short();
        match rng.below(9) {
            0..3 => {
                let queue = world.queue(rng);
                if let Some((nth, item)) = world.item() {
                    let done = timeout(limit, queue.put(item)).await;
                    world.put(nth, matches!(done, Ok(Ok(()))));
                }
            }
            3..6 => {
                let queue = world.queue(rng);
                let got = timeout(limit, queue.get()).await;
                if let Ok(Ok(item)) = got {
                    item.done(queue);
                }
            }
            6 => {
                world.turn_event(rng);
                let _ = timeout(limit, world.event.wait()).await;
            }
            7 => drop(timeout(limit, world.queue(rng).join()).await),
            _ => {
                let outcome = world.outcome(rng);
                if let Ok(&seen) = timeout(limit, outcome.wait()).await {
                    assert_eq!(outcome.get(), Some(&seen));
                }
            }
        }
    }

    /// Has a thread of the pool, a thread of its own or another task do something.
    async fn delegate(&self, rng: &mut Rng, depth: u32) {
        let (ctx, mut inside, sent) = (self.clone(), rng.other(), rng.next());
        let fate = rng.below(3);
        match rng.below(5) {
            0 | 1 => {
                let job = worker::run_in_thread(move || {
                    ctx.job(&mut inside, depth);
                    sent
                });
                // Not for ever: it may wait for a thread that waits for it.
                let limit = if fate == 0 { rng.short() } else { LONG };
                if let Ok(value) = timeout(limit, job).await {
                    assert_eq!(value, sent);
                }
            }
            2 => {
                let thread = worker::spawn_thread(move || {
                    ctx.job(&mut inside, depth);
                    sent
                });
                match fate {
                    0 => return,
                    1 => thread.cancel(),
                    _ => {}
                }
                assert_eq!(thread.join().await.unwrap(), sent);
            }
            _ => {
                let task = spawn(ctx.act(inside, depth));
                if fate == 0 {
                    yield_now().await;
                    task.cancel();
                    drop(task.await);
                } else {
                    task.await.unwrap();
                }
            }
        }
    }

    /// What a thread asks of an executor.
    fn ask(&self, rng: &mut Rng) {
        let (ctx, inside, sent) = (self.clone(), rng.other(), rng.next());
        let make = move || async move {
            ctx.act(inside, 3).await;
            sent
        };
        let portal = self.portal(rng);
        match rng.below(6) {
            0 | 1 => assert_eq!(portal.call(make).unwrap(), sent),
            2 => {
                let mut handle = portal.spawn(make);
                match handle.wait_timeout(rng.short()) {
                    Some(ended) => assert_eq!(ended.unwrap(), sent),
                    None => {
                        handle.cancel();
                        self.ended(handle.join(), sent);
                    }
                }
            }
            3 => {
                let handle = portal.spawn(make);
                handle.cancel();
                self.ended(handle.join(), sent);
            }
            4 => drop(portal.spawn(make)),
            _ => {
                let failed = portal.call(|| async { resume_unwind(Box::new("soak")) });
                let failed: Result<(), PortalError> = failed;
                assert!(failed.unwrap_err().is_panic());
            }
        }
    }

    /// Looks at what a task ended with that was cancelled.
    fn ended(&self, ended: Result<u64, PortalError>, sent: u64) {
        match ended {
            Ok(value) => assert_eq!(value, sent),
            Err(error) => {
                assert!(error.is_cancelled(), "{error}");
                self.world.cancels.fetch_add(1, SeqCst);
            }
        }
    }

    /// Starts an executor, asks it this and that, and stops it in the midst of it.
    fn start_and_stop(&self, rng: &mut Rng) {
        let portal = start_portal().unwrap();
        let asks = [(); 3].map(|()| {
            let (ctx, inside, sent) = (self.clone(), rng.other(), rng.next());
            let handle = portal.spawn(move || async move {
                ctx.act(inside, 2).await;
                sent
            });
            (handle, sent)
        });
        if rng.below(2) == 0 {
            portal.stop();
        }
        drop(portal);
        for (handle, sent) in asks {
            match handle.join() {
                Ok(value) => assert_eq!(value, sent),
                Err(error) => assert!(error.has_ended(), "{error}"),
            }
        }
    }

    /// What a thread does until the round is over.
    fn run(&self, mut rng: Rng) {
        while self.world.goes_on() {
            match rng.below(40) {
                0 => self.start_and_stop(&mut rng),
                1..20 => self.ask(&mut rng),
                _ => self.block(&mut rng, false),
            }
        }
    }
}

/// Runs an executor in a thread of its own, until the event is set.
fn start_executor(until: &Arc<Event>) -> (Portal, thread::JoinHandle<()>) {
    let (say, said) = channel();
    let until = Arc::clone(until);
    let thread = thread::spawn(move || {
        let builder = Executor::builder().thread_limit(JOBS).on_report(|report| {
            println!("{report}");
            REPORTS.fetch_add(1, SeqCst);
        });
        let executor = builder.build().unwrap();
        say.send(executor.portal()).unwrap();
        executor.run(until.wait());
    });
    (said.recv().unwrap(), thread)
}

/// Has as many jobs as there may be meet each other: none has kept its permit.
fn assert_all_permits_are_back(portal: &Portal) {
    let meet = portal.call(|| async {
        let barrier = Arc::new(Barrier::new(JOBS));
        let jobs = [(); JOBS].map(|()| {
            let barrier = Arc::clone(&barrier);
            spawn(worker::run_in_thread(move || barrier.wait().is_leader()))
        });
        timeout(PATIENCE, async {
            for job in jobs {
                job.await.unwrap();
            }
        })
        .await
    });
    assert!(meet.unwrap().is_ok(), "a permit is lost");
}

/// What is there after a round.
struct Alive {
    bytes: usize,
    threads: usize,
    descriptors: usize,
}

impl Alive {
    fn now() -> Self {
        Self {
            bytes: ALIVE.load(SeqCst),
            threads: entries("/proc/self/task"),
            descriptors: entries("/proc/self/fd"),
        }
    }

    /// The least of some rounds, as a thread or a table more or less may be alive after one.
    fn least(rounds: &[Self]) -> Self {
        let least = |of: fn(&Self) -> usize| rounds.iter().map(of).min().expect("some rounds");
        Self {
            bytes: least(|alive| alive.bytes),
            threads: least(|alive| alive.threads),
            descriptors: least(|alive| alive.descriptors),
        }
    }
}

impl fmt::Display for Alive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bytes,
            threads,
            descriptors,
        } = self;
        write!(
            f,
            "{bytes} bytes, {threads} threads, {descriptors} descriptors"
        )
    }
}

/// How many entries a folder of the system has, which only Linux keeps.
fn entries(folder: &str) -> usize {
    if cfg!(target_os = "linux") {
        fs::read_dir(folder).expect("the system tells it").count()
    } else {
        0
    }
}

/// What a round was.
#[derive(Default)]
struct Sums {
    items: usize,
    steps: u64,
    jobs: u64,
    cancels: u64,
}

/// Gets what is left, and is done with it. Returns whether one who joins meanwhile goes on.
fn work_off(queue: &Queue<Item>) -> bool {
    thread::scope(|scope| {
        let join = scope.spawn(|| queue.join_timeout(PATIENCE));
        while let Ok(item) = queue.try_get() {
            item.done(queue);
        }
        join.join().unwrap()
    })
}

/// One round.
fn round(seed: u64, portals: &[Portal; 2]) -> Sums {
    let mut rng = Rng(seed);
    let world = Arc::new(World::new());
    let (is_there, all_gone) = channel();
    let ctx = Ctx {
        world: Arc::clone(&world),
        portals: portals.clone(),
        _is_there: is_there,
    };
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (ctx, rng) = (ctx.clone(), rng.other());
            thread::spawn(move || ctx.run(rng))
        })
        .collect();
    drop(ctx);
    // Nobody goes before it is over, but who panics.
    let early = all_gone.recv_timeout(ROUND);
    assert_eq!(early, Err(RecvTimeoutError::Timeout), "seed {seed}");
    world.end();
    let gone = all_gone.recv_timeout(PATIENCE);
    assert_eq!(
        gone,
        Err(RecvTimeoutError::Disconnected),
        "seed {seed}: something does not end: {:?} {:?}",
        world.queues,
        world.event,
    );
    for thread in threads {
        assert!(thread.join().is_ok(), "seed {seed}");
    }
    for queue in &world.queues {
        assert!(work_off(queue), "seed {seed}");
        assert!(matches!(queue.get_blocking(), Err(Closed(()))));
        let stats = queue.statistics();
        assert_eq!(stats.put, stats.taken, "seed {seed}");
        assert_eq!((stats.getters_waiting, stats.putters_waiting), (0, 0));
    }
    assert_eq!(world.event.statistics().waiting, 0, "seed {seed}");
    portals.iter().for_each(assert_all_permits_are_back);
    assert_eq!(REPORTS.load(SeqCst), 0, "seed {seed}");
    let items = world.fates.made.load(SeqCst);
    for (nth, fate) in world.fates.each.iter().enumerate() {
        let fate = [&fate.put, &fate.got, &fate.dropped].map(|count| count.load(SeqCst));
        let is_good = matches!(fate, [0, 0, 1] | [1, 1, 1]) || (nth >= items && fate == [0; 3]);
        assert!(
            is_good,
            "seed {seed}: item {nth}: put, got, dropped {fate:?}"
        );
    }
    Sums {
        items,
        steps: world.steps.load(SeqCst),
        jobs: world.jobs.load(SeqCst),
        cancels: world.cancels.load(SeqCst),
    }
}

#[test]
fn nothing_is_lost_doubled_or_left_however_long_it_goes_on() {
    let seconds = std::env::var("BIBELOT_SOAK_SECONDS");
    let seconds = seconds.map_or(2, |seconds| seconds.parse().expect("so many seconds"));
    let start = Instant::now();
    let seed = std::env::var("BIBELOT_SOAK_SEED");
    let seed: u64 = seed.map_or(1, |seed| seed.parse().expect("a number"));
    let is_done = Arc::new(Event::new());
    let executors = [start_executor(&is_done), start_executor(&is_done)];
    let portals = executors.each_ref().map(|(portal, _)| portal.clone());
    let mut alive = Vec::with_capacity(1 << 16);
    let mut sums = Sums::default();
    while start.elapsed() < Duration::from_secs(seconds) || alive.len() < 8 {
        let one = round(seed + alive.len() as u64, &portals);
        sums.items += one.items;
        sums.steps += one.steps;
        sums.jobs += one.jobs;
        sums.cancels += one.cancels;
        assert!(alive.len() < alive.capacity(), "a soak too long");
        alive.push(Alive::now());
    }
    is_done.set();
    for (_, thread) in executors {
        thread.join().unwrap();
    }
    let quarter = alive.len() / 4;
    let before = Alive::least(&alive[quarter..2 * quarter]);
    let after = Alive::least(&alive[alive.len() - quarter..]);
    println!(
        "{} rounds, {} steps, {} items, {} jobs, {} cancels seen; {before} alive, then {after}",
        alive.len(),
        sums.steps,
        sums.items,
        sums.jobs,
        sums.cancels,
    );
    assert!(sums.items > 100 && sums.jobs > 10 && sums.cancels > 0);
    let grows = [
        after.bytes >= before.bytes + GROWTH,
        after.threads > before.threads + MORE_THREADS,
        after.descriptors > before.descriptors + MORE_DESCRIPTORS,
    ];
    assert_eq!(grows, [false; 3], "it grows: {before}, then {after}");
}
