//! Shares, and what becomes of those who have the least: Waldspurger and Weihl, "Stride scheduling", MIT
//! technical memo 528 (1995); Goyal, Vin and Cheng, "Start-time fair queuing", SIGCOMM 1996; J. R. Jackson,
//! "Some problems in queueing with dynamic priorities", 1960; Jain, Chiu and Hawe, "A quantitative measure
//! of fairness and discrimination", 1984.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bibelot::sched::{FairShare, Fifo, Policy, Priority, ReadyTask};
use bibelot::spawn;
use bibelot::task::{Builder, consume, yield_now};
use bibelot::time::Instant;

use crate::support::same_every_time;
use crate::{ms, sim};

/// Runs tasks of these weights, whose slices are so long, for `length`: how long each has run, at each end
/// of a slice.
fn shares(
    policy: impl Policy + 'static,
    tasks: &'static [(u32, u64)],
    length: u64,
) -> Vec<Vec<u64>> {
    let history = Rc::new(RefCell::new(vec![vec![0; tasks.len()]]));
    sim(policy).run(async {
        let end = Instant::now() + ms(length);
        for (nth, &(weight, slice)) in tasks.iter().enumerate() {
            let history = Rc::clone(&history);
            drop(Builder::new().weight(weight).spawn(async move {
                while Instant::now() < end {
                    consume(ms(slice));
                    let mut now = history.borrow().last().expect("a beginning").clone();
                    now[nth] += slice;
                    history.borrow_mut().push(now);
                    yield_now().await;
                }
            }));
        }
    });
    history.take()
}

#[test]
fn shares_of_one_two_and_four_are_exact_after_each_seven_slices() {
    same_every_time(shares_of_one_two_and_four_are_exact_after_each_seven_slices);
    let history = shares(FairShare::new(), &[(1, 1), (2, 1), (4, 1)], 700);
    assert_eq!(history.last(), Some(&vec![100, 200, 400]));
    for ran in history {
        let all: u64 = ran.iter().sum();
        for (weight, ran) in [1, 2, 4].into_iter().zip(ran) {
            // In sevenths of a slice. All begin alike, so that who has most of the weight has once to wait
            // for both others: it is behind by 4/7 for each.
            let off = (all * weight).abs_diff(7 * ran);
            assert!(
                off <= 8 && (off == 0 || !all.is_multiple_of(7)),
                "{ran} of {all}"
            );
        }
    }
}

#[test]
fn slices_of_any_length_keep_the_bound_of_start_time_fair_queueing() {
    same_every_time(slices_of_any_length_keep_the_bound_of_start_time_fair_queueing);
    // Theorem 1: what two that are always ready have had, each over its weight, differs by no more than a
    // slice of each over its weight.
    let tasks = &[(1, 7), (2, 1), (3, 4), (5, 2)];
    for ran in shares(FairShare::new(), tasks, 2000) {
        for (nth, &(weight, slice)) in tasks.iter().enumerate() {
            for (other, &(other_weight, other_slice)) in tasks.iter().enumerate() {
                let part = |ran: u64, weight: u32| ran as f64 / f64::from(weight);
                let difference = part(ran[nth], weight) - part(ran[other], other_weight);
                let bound = part(slice, weight) + part(other_slice, other_weight);
                assert!(
                    difference.abs() <= bound + 1e-9,
                    "{nth} and {other}: {ran:?}"
                );
            }
        }
    }
}

/// Stride scheduling, as the memo has it: the client with the lowest pass is next, which goes up by its
/// stride, the inverse of its tickets.
#[derive(Default)]
struct Stride(Vec<ReadyTask>);

impl Policy for Stride {
    fn push(&mut self, task: ReadyTask) {
        self.0.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        let least = (0..self.0.len()).min_by_key(|&nth| self.0[nth].mark())?;
        let mut task = self.0.remove(least);
        task.set_mark(task.mark() + (1 << 20) / u128::from(task.weight()));
        Some(task)
    }
}

#[test]
fn strides_keep_any_two_clients_within_one_quantum_of_their_ratio() {
    same_every_time(strides_keep_any_two_clients_within_one_quantum_of_their_ratio);
    let tasks = &[(1, 1), (2, 1), (4, 1)];
    let history = shares(Stride::default(), tasks, 700);
    assert_eq!(history.last(), Some(&vec![100, 200, 400]));
    for ran in history {
        for (nth, &(weight, _)) in tasks.iter().enumerate() {
            for (other, &(other_weight, _)) in tasks.iter().enumerate() {
                // What this one should have had of what both have had, in parts of a quantum.
                let (both, all) = (ran[nth] + ran[other], u64::from(weight + other_weight));
                let off = (both * u64::from(weight)).abs_diff(ran[nth] * all);
                assert!(off <= all, "{nth} and {other}: {ran:?}");
            }
        }
    }
}

/// Jain's index.
fn jain(values: &[u64]) -> f64 {
    let sum: u64 = values.iter().sum();
    let squares: u64 = values.iter().map(|value| value * value).sum();
    (sum * sum) as f64 / (values.len() as u64 * squares) as f64
}

#[test]
fn the_index_of_fairness_tells_who_shares_turns_from_who_shares_time() {
    same_every_time(the_index_of_fairness_tells_who_shares_turns_from_who_shares_time);
    // Two, of whom one has polls four times as long. Turn by turn it has four fifths of the time.
    let tasks = &[(1, 1), (1, 4)];
    let turns = shares(Fifo::default(), tasks, 1000).pop().expect("an end");
    assert_eq!(turns, [200, 800]);
    assert!((jain(&turns) - 25.0 / 34.0).abs() < 1e-9);
    let time = shares(FairShare::new(), tasks, 1000).pop().expect("an end");
    assert_eq!(time, [500, 500]);
    assert_eq!(jain(&time), 1.0);
    // The paper's own: 1 where all have the same, k / n where k of n share all there is.
    assert_eq!((jain(&[5; 10]), jain(&[5, 5, 0, 0, 0])), (1.0, 0.4));
}

/// After how many milliseconds somebody is run who has `levels` less priority than one that always runs.
fn starved_for(policy: Priority, levels: i32) -> Option<u64> {
    let waited = Rc::new(Cell::new(None));
    sim(policy).run(async {
        let start = Instant::now();
        let flood = Builder::new().priority(levels).spawn(async move {
            while start.elapsed() < ms(1000) {
                consume(ms(1));
                yield_now().await;
            }
        });
        let (told, flood_ends) = (Rc::clone(&waited), flood);
        drop(spawn(async move {
            if !flood_ends.is_finished() {
                told.set(Some(start.elapsed().as_millis() as u64));
            }
        }));
    });
    waited.get()
}

#[test]
fn aging_frees_a_starved_task_after_the_computed_time() {
    same_every_time(aging_frees_a_starved_task_after_the_computed_time);
    // A level is worth so many arrivals, and one arrives each millisecond.
    for age in [1, 10, 64] {
        for levels in 1..=8 {
            let computed = age * levels as u64;
            assert_eq!(starved_for(Priority::aging(age), levels), Some(computed));
        }
    }
    assert_eq!(starved_for(Priority::new(), 2), Some(128));
    assert_eq!(starved_for(Priority::aging(u64::MAX), 1), None);
}
