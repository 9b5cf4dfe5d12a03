//! Periodic processes with deadlines: Liu and Layland, "Scheduling algorithms for multiprogramming in a
//! hard-real-time environment", Journal of the ACM 20 (1973), and the examples of Silberschatz, Galvin and
//! Gagne, "Operating System Concepts", section 5.6.

use bibelot::sched::{EarliestDeadline, Policy, Priority};

use crate::support::same_every_time;
use crate::{Process, schedule};

/// A process that comes every `period`, and each time is to run for `burst` before it comes again.
#[derive(Debug, Clone, Copy)]
struct Periodic {
    period: u64,
    burst: u64,
}

/// All that comes until it all comes together again. Priorities are rate-monotonic: who comes more often
/// has the higher one.
fn jobs(set: &[Periodic]) -> Vec<Process> {
    let hyperperiod = set.iter().fold(1, |all, process| lcm(all, process.period));
    let mut jobs = Vec::new();
    for process in set {
        for nth in 0..hyperperiod / process.period {
            jobs.push(Process {
                arrives: nth * process.period,
                burst: process.burst,
                priority: -(process.period as i32),
                deadline: Some(process.period),
            });
        }
    }
    jobs
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 {
        one
    } else {
        gcd(other, one % other)
    }
}

fn lcm(one: u64, other: u64) -> u64 {
    one / gcd(one, other) * other
}

/// When jobs ended that were late, and when they should have.
fn late(policy: impl Policy + 'static, quantum: u64, set: &[Periodic]) -> Vec<(u64, u64)> {
    let jobs = jobs(set);
    let done = schedule(policy, quantum, &jobs);
    let ends = jobs.iter().zip(&done).map(|(job, done)| {
        let due = job.arrives + job.deadline.expect("each has one");
        (done.ended, due)
    });
    ends.filter(|(ended, due)| ended > due).collect()
}

/// The highest priority first, whoever waits.
fn rate_monotonic() -> Priority {
    Priority::aging(u64::MAX)
}

#[test]
fn rate_monotonic_priorities_meet_all_deadlines_at_three_quarters() {
    same_every_time(rate_monotonic_priorities_meet_all_deadlines_at_three_quarters);
    let set = [(50, 20), (100, 35)].map(|(period, burst)| Periodic { period, burst });
    assert_eq!(late(rate_monotonic(), 5, &set), []);
    // The other way round the first one is late at once: 55, where 50 was its deadline.
    let inverse: Vec<Process> = { jobs(&set).into_iter() }
        .map(|job| Process {
            priority: -job.priority,
            ..job
        })
        .collect();
    let done = schedule(rate_monotonic(), 5, &inverse);
    assert_eq!((done[0].arrived, done[0].ended), (0, 55));
}

#[test]
fn the_earliest_deadline_first_meets_deadlines_that_rate_monotonic_priorities_miss() {
    same_every_time(
        the_earliest_deadline_first_meets_deadlines_that_rate_monotonic_priorities_miss,
    );
    // 25 of 50 and 35 of 80: 94 %, which is more than the bound of two, 2 (√2 - 1) = 83 %.
    let set = [(50, 25), (80, 35)].map(|(period, burst)| Periodic { period, burst });
    assert_eq!(late(rate_monotonic(), 5, &set)[0], (85, 80));
    assert_eq!(late(EarliestDeadline::default(), 5, &set), []);
}

#[test]
fn the_earliest_deadline_first_meets_all_deadlines_up_to_all_of_the_time() {
    same_every_time(the_earliest_deadline_first_meets_all_deadlines_up_to_all_of_the_time);
    // Every pair of processes with these periods. Theorem 7: it meets them all if they ask for no more
    // than all of the time; rate-monotonic priorities do so up to their bound, and not always beyond.
    let periods = [4, 5, 6, 7, 8, 9];
    let (mut full, mut missed) = (0, 0);
    for (nth, &first) in periods.iter().enumerate() {
        for &second in &periods[nth..] {
            for (one, other) in (1..=first).flat_map(|one| (1..=second).map(move |two| (one, two)))
            {
                let set = [(first, one), (second, other)]
                    .map(|(period, burst)| Periodic { period, burst });
                // In units of the product of both periods.
                let (asked, all) = (one * second + other * first, first * second);
                let by_deadline = late(EarliestDeadline::default(), 1, &set);
                let by_rate = late(rate_monotonic(), 1, &set);
                if asked > all {
                    assert_ne!(by_deadline, [], "{set:?} is too much");
                    continue;
                }
                assert_eq!(by_deadline, [], "{set:?}");
                if asked as f64 <= 2.0 * (2.0_f64.sqrt() - 1.0) * all as f64 {
                    assert_eq!(by_rate, [], "{set:?}");
                }
                full += u32::from(asked == all);
                missed += u32::from(!by_rate.is_empty());
            }
        }
    }
    assert!(full == 40 && missed == 10, "{full} full, {missed} missed");
}

#[test]
fn overload_makes_one_late_after_the_other() {
    same_every_time(overload_makes_one_late_after_the_other);
    // The domino effect: each is served when it is the most urgent, which is too late. First come, first
    // served does no better here, but who drops what is late already would save all that come after.
    let every_ten = |nth: u64| Process {
        arrives: 10 * nth,
        burst: 15,
        priority: 0,
        deadline: Some(20),
    };
    let jobs: Vec<Process> = (0..10).map(every_ten).collect();
    let done = schedule(EarliestDeadline::default(), 1, &jobs);
    let is_met = |done: &crate::Done| done.ended <= done.arrived + 20;
    assert_eq!(done.iter().filter(|done| is_met(done)).count(), 2);
    assert_eq!(done[9].ended, 150);
}
