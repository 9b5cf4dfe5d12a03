//! [`Figure`]: what a run comes to, in numbers.
//!
//! Where the words come from: throughput, turnaround, waiting and response time as in Silberschatz, Galvin
//! and Gagne, "Operating System Concepts", chapter *CPU scheduling*; the index of fairness from Jain, Chiu
//! and Hawe, "A quantitative measure of fairness and discrimination", 1984.

use bibelot::time::Duration;

use crate::lab::Record;
use crate::workloads::Workload;

/// What can be asked of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Jobs done in a second.
    Throughput,
    /// From release to the first slice, in the mean.
    Response,
    /// The same, for the one in a hundred who waits longest.
    ResponseP99,
    /// From release to the end, in the mean.
    Turnaround,
    /// The longest that a job was there and not worked on.
    WorstWait,
    /// How alike all jobs were slowed down: 1 if all by the same factor, 1/n if only one got on.
    Fairness,
    /// Which part of the deadlines was met.
    Deadlines,
    /// How often another job was worked on than before.
    Switches,
}

impl Figure {
    /// All, in the order of the columns.
    pub(crate) const ALL: [Self; 8] = [
        Self::Throughput,
        Self::Response,
        Self::ResponseP99,
        Self::Turnaround,
        Self::WorstWait,
        Self::Fairness,
        Self::Deadlines,
        Self::Switches,
    ];

    /// The head of its column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Response => "response",
            Self::ResponseP99 => "p99 response",
            Self::Turnaround => "turnaround",
            Self::WorstWait => "worst wait",
            Self::Fairness => "fairness",
            Self::Deadlines => "deadlines",
            Self::Switches => "switches",
        }
    }

    /// Its unit.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Throughput => "jobs/s",
            Self::Fairness => "Jain",
            Self::Deadlines => "% met",
            Self::Switches => "",
            _ => "ms",
        }
    }

    /// Whether more of it is better.
    pub(crate) fn is_more_better(self) -> bool {
        matches!(self, Self::Throughput | Self::Fairness | Self::Deadlines)
    }

    /// The better one of two values.
    pub(crate) fn better(self, one: f64, other: f64) -> f64 {
        match self.is_more_better() {
            true => one.max(other),
            false => one.min(other),
        }
    }

    /// What it is in a run; `None` if there is nothing of the sort.
    pub(crate) fn of(self, run: &Run) -> Option<f64> {
        let jobs = || run.judged.iter().map(|&nth| &run.jobs[nth]);
        let mean = |of: fn(&Record) -> Duration| mean(jobs().map(|job| millis(of(job))));
        match self {
            // Where no time has passed, there is none to be compared.
            Self::Throughput => {
                (!run.length.is_zero()).then(|| run.jobs.len() as f64 / run.length.as_secs_f64())
            }
            Self::Response => mean(response),
            Self::ResponseP99 => Some(percentile(&run.sorted(response), 0.99)),
            Self::Turnaround => mean(turnaround),
            Self::WorstWait => jobs().map(|job| millis(waited(job))).reduce(f64::max),
            Self::Fairness => jain(jobs().map(|job| worked(job).div_duration_f64(turnaround(job)))),
            Self::Deadlines => {
                let met = jobs().filter_map(|job| Some(job.ended <= job.deadline?));
                mean_of_share(met)
            }
            Self::Switches => Some(run.switches() as f64),
        }
    }

    /// A value of it as text.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Fairness => format!("{value:.2}"),
            Self::Deadlines | Self::Switches => format!("{value:.0}"),
            _ if value < 99.95 => format!("{value:.1}"),
            _ => format!("{value:.0}"),
        }
    }
}

/// One run of a workload under a policy, and what became of its jobs.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// All jobs, in the order in which they were started.
    pub(crate) jobs: Vec<Record>,
    /// Those that the workload is about.
    pub(crate) judged: Vec<usize>,
    /// How long it lasted.
    pub(crate) length: Duration,
}

impl Run {
    /// A run of a workload.
    pub(crate) fn new(workload: &Workload, jobs: Vec<Record>) -> Self {
        let is_judged = |nth: &usize| workload.of.is_empty() || jobs[*nth].kind == workload.of;
        Self {
            judged: (0..jobs.len()).filter(is_judged).collect(),
            length: jobs.iter().map(|job| job.ended).max().unwrap_or_default(),
            jobs,
        }
    }

    /// Something of the judged jobs in milliseconds, the least first.
    pub(crate) fn sorted(&self, of: fn(&Record) -> Duration) -> Vec<f64> {
        let mut sorted: Vec<f64> = { self.judged.iter() }
            .map(|&nth| millis(of(&self.jobs[nth])))
            .collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// How often another job was worked on than before.
    fn switches(&self) -> usize {
        let all = self.jobs.iter().enumerate();
        let mut slices: Vec<(Duration, usize)> = all
            .flat_map(|(nth, job)| job.slices.iter().map(move |slice| (slice.0, nth)))
            .collect();
        slices.sort_unstable();
        let pairs = slices.windows(2);
        pairs.filter(|pair| pair[0].1 != pair[1].1).count()
    }
}

/// From release to the first slice.
pub(crate) fn response(job: &Record) -> Duration {
    let begun = job.slices.first().map_or(job.ended, |slice| slice.0);
    begun.saturating_sub(job.released)
}

/// From release to the end.
pub(crate) fn turnaround(job: &Record) -> Duration {
    job.ended.saturating_sub(job.released)
}

/// How long it was worked on.
fn worked(job: &Record) -> Duration {
    job.slices.iter().map(|slice| slice.1 - slice.0).sum()
}

/// How long it was there and not worked on.
fn waited(job: &Record) -> Duration {
    turnaround(job).saturating_sub(worked(job))
}

/// A duration in milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The mean; `None` of nothing.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

/// Which part is true, in per cent.
fn mean_of_share(values: impl Iterator<Item = bool>) -> Option<f64> {
    mean(values.map(|is_true| if is_true { 100.0 } else { 0.0 }))
}

/// The least value that so large a part does not exceed.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Jain's index: (Σx)² / (n Σx²).
fn jain(values: impl Iterator<Item = f64>) -> Option<f64> {
    let add = |(n, sum, squares), x: f64| (n + 1.0, sum + x, squares + x * x);
    let (n, sum, squares) = values.fold((0.0, 0.0, 0.0), add);
    (squares > 0.0).then(|| sum * sum / (n * squares))
}
