//! The workloads: what a scheduler has to cope with, each as small as it can be.

use std::cell::Cell;
use std::rc::Rc;

use bibelot::sync::{Condvar, Mutex};
use bibelot::time::Duration;

use crate::figures::Figure;
use crate::lab::{Lab, ms};

/// Jobs to be done, and what is to be looked at.
#[derive(Clone, Copy)]
pub(crate) struct Workload {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What happens.
    pub(crate) about: &'static str,
    /// The kind of job that all figures but throughput and switches are of; all kinds, if it is empty.
    pub(crate) of: &'static str,
    /// The figure to look at first.
    pub(crate) matters: Figure,
    /// Starts the jobs.
    pub(crate) start: fn(&Lab),
}

/// The usual ones.
pub(crate) const WORKLOADS: &[Workload] = &[
    Workload {
        name: "batch",
        about: "short jobs and long ones, all there at the start",
        of: "",
        matters: Figure::Turnaround,
        start: batch,
    },
    Workload {
        name: "interactive",
        about: "somebody types, beside a batch that never gives up",
        of: "key",
        matters: Figure::ResponseP99,
        start: interactive,
    },
    Workload {
        name: "periodic",
        about: "two periodic jobs with deadlines, which take 97 % of the time (priorities are rate-monotonic)",
        of: "",
        matters: Figure::Deadlines,
        start: periodic,
    },
    Workload {
        name: "overload",
        about: "a server has half as many requests again as it can do, and then none; late answers are no use",
        of: "",
        matters: Figure::Deadlines,
        start: overload,
    },
    Workload {
        name: "inversion",
        about: "the urgent job wants a lock that an idle one has, and busy ones keep that from going on",
        of: "urgent",
        matters: Figure::Turnaround,
        start: inversion,
    },
    Workload {
        name: "convoy",
        about: "quick jobs line up behind a lock that a slow one takes again and again",
        of: "quick",
        matters: Figure::Turnaround,
        start: convoy,
    },
    Workload {
        name: "herd",
        about: "forty wait for one place; whenever it is free, all are woken to look",
        of: "",
        matters: Figure::WorstWait,
        start: herd,
    },
];

/// What runs at night: who is short is done soon, if somebody sees that it is short.
fn batch(lab: &Lab) {
    for nth in 0..24 {
        if nth % 6 == 0 {
            let work = ms(60 + lab.random(60));
            lab.job("long").slice(ms(5)).work(work);
        } else {
            let work = ms(3 + lab.random(9));
            lab.job("short").priority(1).weight(2).work(work);
        }
    }
}

/// Three who type, and four jobs that want all there is.
fn interactive(lab: &Lab) {
    for _ in 0..4 {
        lab.job("batch").slice(ms(4)).work(ms(150));
    }
    for _ in 0..3 {
        let mut at = 0;
        for _ in 0..12 {
            at += 10 + lab.random(60);
            let key = lab.job("key").after(ms(at)).due(ms(50));
            key.priority(4).weight(4).work(ms(1));
        }
    }
}

/// 8 of every 20 ms and 16 of every 28: the earliest deadline first meets all deadlines, and priorities, of
/// which the shorter period has the higher, do not (Liu and Layland 1973).
fn periodic(lab: &Lab) {
    for (kind, period, work, priority) in [("fast", 20, 8, 2), ("slow", 28, 16, 1)] {
        for nth in 0..(20 * 28 / period) {
            let job = lab.job(kind).after(ms(nth * period)).due(ms(period));
            job.priority(priority * 100)
                .weight(priority as u32)
                .work(ms(work));
        }
    }
}

/// Requests of 1 to 5 ms come every 2 ms in the mean, for a quarter of a second.
fn overload(lab: &Lab) {
    let mut at = 0;
    while at < 250_000 {
        at += lab.random(4_000);
        let (after, work) = (Duration::from_micros(at), ms(1 + lab.random(5)));
        lab.job("request").after(after).due(ms(40)).work(work);
    }
}

/// What happened to the Pathfinder on Mars, five times.
fn inversion(lab: &Lab) {
    let bus = Rc::new(Mutex::new(()));
    for round in 0..5 {
        let at = |after: u64| ms(round * 150 + after);
        for (kind, after, priority, work) in [("idle", 0, -1, 10), ("urgent", 3, 1, 2)] {
            let bus = Rc::clone(&bus);
            let job = lab
                .job(kind)
                .after(at(after))
                .due(ms(40))
                .priority(priority);
            job.spawn(async move |job| {
                let held = bus.lock().await;
                job.work(ms(work)).await;
                drop(held);
            });
        }
        for _ in 0..3 {
            lab.job("busy").after(at(2)).due(ms(150)).work(ms(35));
        }
    }
}

/// Every eight milliseconds somebody needs a lock for one of them, and somebody else keeps it for twenty.
fn convoy(lab: &Lab) {
    let lock = Rc::new(Mutex::new(()));
    for nth in 0..48 {
        let lock = Rc::clone(&lock);
        let quick = lab.job("quick").after(ms(nth * 8)).priority(1).due(ms(20));
        quick.spawn(async move |job| {
            job.work(ms(1)).await;
            let held = lock.lock().await;
            job.work(ms(1)).await;
            drop(held);
            job.work(ms(1)).await;
        });
    }
    lab.job("slow").due(ms(400)).spawn(async move |job| {
        for _ in 0..8 {
            let held = lock.lock().await;
            job.work(ms(20)).await;
            drop(held);
            job.work(ms(5)).await;
        }
    });
}

/// Looking costs something, and all but one of those that look go back to sleep.
fn herd(lab: &Lab) {
    let place = Rc::new((Mutex::new(()), Condvar::new(), Cell::new(true)));
    for _ in 0..40 {
        let place = Rc::clone(&place);
        lab.job("head").spawn(async move |job| {
            let (lock, freed, is_free) = &*place;
            let look = || {
                job.hold(Duration::from_micros(200));
                is_free.get()
            };
            drop(freed.wait_while(lock.lock().await, |()| !look()).await);
            is_free.set(false);
            job.work(ms(3)).await;
            is_free.set(true);
            freed.notify_all();
        });
    }
}
