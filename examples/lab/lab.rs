//! [`Lab`]: where workloads start their jobs, and where what becomes of these is written down.
//!
//! ```text
//!   released          begins                                     ends        deadline
//!      │ ── response ─► │▓▓▓│ ── waits ── │▓▓▓│ ── waits ── │▓▓▓│  │             │
//!      └────────────────────── turnaround ────────────────────┘
//! ```
//!
//! A job is a task that works in slices and gives way between two. Its times are those of the laboratory:
//! for real everything may be quicker by a factor, of which a workload knows nothing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bibelot::task::{Builder, JoinHandle, consume, yield_now};
use bibelot::time::{Duration, Instant, sleep_until};

/// So many milliseconds.
pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What became of a job. Times count from the start of the run.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// What sort of job it is.
    pub(crate) kind: &'static str,
    /// When it was there to be done.
    pub(crate) released: Duration,
    /// By when it should have been.
    pub(crate) deadline: Option<Duration>,
    /// When it was worked on.
    pub(crate) slices: Vec<(Duration, Duration)>,
    /// When it was done.
    pub(crate) ended: Duration,
}

/// What the jobs of a run share.
#[derive(Debug)]
struct Shared {
    /// When the run began.
    start: Instant,
    /// What a laboratory's second has for seconds.
    scale: f64,
    /// The state of the random numbers.
    random: Cell<u64>,
    /// What became of the jobs, in the order in which they were started.
    records: RefCell<Vec<Record>>,
    /// Their tasks.
    tasks: RefCell<Vec<JoinHandle<()>>>,
}

/// One run of a workload.
#[derive(Debug)]
pub(crate) struct Lab(Rc<Shared>);

impl Lab {
    /// A run that begins now, on the clock of the executor that runs.
    pub(crate) fn new(seed: u64, scale: f64) -> Self {
        Self(Rc::new(Shared {
            start: Instant::now(),
            scale,
            random: Cell::new(seed),
            records: RefCell::default(),
            tasks: RefCell::default(),
        }))
    }

    /// A job of this kind, to be described and started.
    pub(crate) fn job(&self, kind: &'static str) -> Plan {
        Plan {
            lab: Rc::clone(&self.0),
            task: Builder::new().name(kind),
            kind,
            after: Duration::ZERO,
            due: None,
            slice: ms(1),
        }
    }

    /// A number below `bound`; the same seed gives the same numbers (SplitMix64).
    pub(crate) fn random(&self, bound: u64) -> u64 {
        let state = self.0.random.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.random.set(state);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    /// What has become of the jobs, when all are done.
    pub(crate) async fn into_records(self) -> Vec<Record> {
        for task in self.0.tasks.take() {
            task.await.expect("a job does not panic");
        }
        self.0.records.take()
    }
}

impl Shared {
    /// How long the run has lasted.
    fn now(&self) -> Duration {
        self.start.elapsed().div_f64(self.scale)
    }

    /// The moment so long after the start.
    fn at(&self, time: Duration) -> Instant {
        self.start + time.mul_f64(self.scale)
    }
}

/// A job that is to be.
#[must_use = "a job is nothing until work() or spawn() starts it"]
pub(crate) struct Plan {
    /// The run.
    lab: Rc<Shared>,
    /// What policies are told of it.
    task: Builder,
    /// What sort of job it is.
    kind: &'static str,
    /// When it is released.
    after: Duration,
    /// How long after that it is to be done.
    due: Option<Duration>,
    /// How long it works before it gives way.
    slice: Duration,
}

impl Plan {
    /// Releases it so long after the start.
    pub(crate) fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    /// Sets how long after its release it is to be done.
    pub(crate) fn due(mut self, due: Duration) -> Self {
        self.due = Some(due);
        self
    }

    /// Sets how long it works before it gives way: a millisecond, if this is not said.
    pub(crate) fn slice(mut self, slice: Duration) -> Self {
        self.slice = slice;
        self
    }

    /// Sets its priority.
    pub(crate) fn priority(mut self, priority: i32) -> Self {
        self.task = self.task.priority(priority);
        self
    }

    /// Sets its weight.
    pub(crate) fn weight(mut self, weight: u32) -> Self {
        self.task = self.task.weight(weight);
        self
    }

    /// Starts a job that is nothing but so much work.
    pub(crate) fn work(self, work: Duration) {
        self.spawn(async move |job| job.work(work).await);
    }

    /// Starts it.
    pub(crate) fn spawn(self, body: impl AsyncFnOnce(&Job) + 'static) {
        let Self { lab, after, .. } = self;
        let deadline = self.due.map(|due| after + due);
        let task = match deadline {
            Some(deadline) => self.task.deadline(lab.at(deadline)),
            None => self.task,
        };
        let nth = lab.records.borrow().len();
        lab.records.borrow_mut().push(Record {
            kind: self.kind,
            released: after,
            deadline,
            slices: Vec::new(),
            ended: Duration::ZERO,
        });
        let job = Job {
            lab: Rc::clone(&lab),
            nth,
            slice: self.slice,
        };
        lab.tasks.borrow_mut().push(task.spawn(async move {
            if !after.is_zero() {
                sleep_until(job.lab.at(after)).await;
            }
            body(&job).await;
            job.note(|record, now| record.ended = now);
        }));
    }
}

/// A job, as its body knows it.
pub(crate) struct Job {
    /// The run.
    lab: Rc<Shared>,
    /// Which of its jobs this is.
    nth: usize,
    /// How long it works before it gives way.
    slice: Duration,
}

impl Job {
    /// Works, and gives way after each slice but the last.
    pub(crate) async fn work(&self, work: Duration) {
        let mut left = work;
        while left > self.slice {
            self.hold(self.slice);
            left -= self.slice;
            yield_now().await;
        }
        self.hold(left);
    }

    /// Works without giving way.
    pub(crate) fn hold(&self, work: Duration) {
        let begun = self.lab.now();
        consume(work.mul_f64(self.lab.scale));
        self.note(|record, now| record.slices.push((begun, now)));
    }

    /// Writes something down.
    fn note(&self, write: impl FnOnce(&mut Record, Duration)) {
        let now = self.lab.now();
        write(&mut self.lab.records.borrow_mut()[self.nth], now);
    }
}
