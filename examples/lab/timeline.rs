//! Timelines as SVG: a lane for a job, which the next one of its kind takes over when it has ended.
//!
//! ```text
//!   ──▇▇▇──▇▇──▇▇▇        thin while the job is there, thick while it is worked on
//!       ▇▇▇──▇▇──╷──▇▇     a tick where it should have been done and was not
//! ```

use std::fmt::Write;

use bibelot::time::Duration;

use crate::figures::{Run, millis};
use crate::lab::Record;
use crate::plot::short;

/// How wide a timeline is.
const WIDTH: f64 = 640.0;

/// How high its lanes are together, unless they are few or many.
const HEIGHT: f64 = 150.0;

/// The shortest time that there is an axis for.
const SHORTEST: Duration = Duration::from_micros(1);

/// A pause in a job's work that no eye sees.
const NO_PAUSE: Duration = Duration::from_micros(50);

/// How many colours there are for kinds of jobs.
pub(crate) const COLOURS: usize = 4;

/// The kinds of jobs of a run, in the order in which they were started.
pub(crate) fn kinds(run: &Run) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for job in &run.jobs {
        if !kinds.contains(&job.kind) {
            kinds.push(job.kind);
        }
    }
    kinds
}

/// The lane of each job: kind by kind, and in each the first that is free when the job is released.
fn lanes(run: &Run, kinds: &[&str]) -> (Vec<usize>, usize) {
    let mut lanes = vec![0; run.jobs.len()];
    let mut count = 0;
    for kind in kinds {
        let mut free_at: Vec<Duration> = Vec::new();
        let mut jobs: Vec<usize> = { 0..run.jobs.len() }
            .filter(|&nth| run.jobs[nth].kind == *kind)
            .collect();
        jobs.sort_by_key(|&nth| run.jobs[nth].released);
        for nth in jobs {
            let job = &run.jobs[nth];
            let free = free_at.iter().position(|&at| at <= job.released);
            let lane = free.unwrap_or_else(|| {
                free_at.push(Duration::ZERO);
                free_at.len() - 1
            });
            free_at[lane] = job.ended;
            lanes[nth] = count + lane;
        }
        count += free_at.len();
    }
    (lanes, count)
}

/// The slices of a job, those that follow each other made one.
fn joined(job: &Record) -> Vec<(Duration, Duration)> {
    let mut joined: Vec<(Duration, Duration)> = Vec::new();
    for &(begun, ended) in &job.slices {
        match joined.last_mut() {
            Some(last) if begun <= last.1 + NO_PAUSE => last.1 = ended,
            _ => joined.push((begun, ended)),
        }
    }
    joined
}

/// The timeline of a run, as far as `span`.
pub(crate) fn timeline(run: &Run, span: Duration) -> String {
    let kinds = kinds(run);
    let (lanes, count) = lanes(run, &kinds);
    let high = (HEIGHT / count.max(1) as f64).clamp(2.4, 16.0);
    let (height, thick) = (high * count as f64, high * 0.78);
    let span = span.max(SHORTEST);
    let x = |time: Duration| WIDTH * time.div_duration_f64(span);
    let mut svg = format!(
        "<svg class=timeline viewBox='0 0 {WIDTH} {}' role=img>",
        short(height + 16.0)
    );
    let step = step(millis(span));
    let mut at = 0.0;
    while at <= millis(span) {
        let place = short(WIDTH * at / millis(span));
        let _ = write!(
            svg,
            "<path class=grid d='M{place} 0V{0}'/><text x={place} y={1}>{at}</text>",
            short(height),
            short(height + 12.0),
        );
        at += step;
    }
    let (mut waits, mut late) = (String::new(), String::new());
    let mut work = String::new();
    for (job, lane) in run.jobs.iter().zip(lanes) {
        let y = (lane as f64 + 0.5) * high;
        let (from, to) = (x(job.released), x(job.ended));
        let _ = write!(waits, "M{} {}H{}", short(from), short(y), short(to));
        if let Some(deadline) = job.deadline.filter(|deadline| job.ended > *deadline) {
            let _ = write!(
                late,
                "M{} {}v{}",
                short(x(deadline)),
                short(y - high / 2.0),
                short(high)
            );
        }
        let colour = kinds.iter().position(|kind| *kind == job.kind).unwrap_or(0) % COLOURS;
        let _ = write!(work, "<path class=k{colour} d='");
        for (begun, ended) in joined(job) {
            // What is too short to be seen is still there.
            let length = (x(ended) - x(begun)).max(0.4);
            let _ = write!(work, "M{} {}h{}", short(x(begun)), short(y), short(length));
        }
        let _ = write!(
            work,
            "'><title>{}: released at {}, done at {} ms</title></path>",
            job.kind,
            short(millis(job.released)),
            short(millis(job.ended)),
        );
    }
    let _ = write!(
        svg,
        "<path class=waits d='{waits}'/><g stroke-width={}>{work}</g><path class=late d='{late}'/></svg>",
        short(thick),
    );
    svg
}

/// A round step with which an axis of this length has four to ten ticks.
fn step(length: f64) -> f64 {
    let power = 10_f64.powf((length / 4.0).log10().floor());
    let steps = [5.0, 2.5, 2.0, 1.0].map(|step| step * power);
    { steps.into_iter() }
        .find(|step| length / step >= 4.0)
        .unwrap_or(power)
}
