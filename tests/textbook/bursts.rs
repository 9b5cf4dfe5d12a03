//! Bursts of known length, and how long they wait: Silberschatz, Galvin and Gagne, "Operating System
//! Concepts", 10th edition, section 5.3, whose figures these are.

use std::cell::RefCell;
use std::rc::Rc;

use bibelot::sched::{Fifo, Policy, Priority, ReadyTask, ShortestJob};
use bibelot::spawn;
use bibelot::task::consume;
use bibelot::time::{Instant, sleep_until};

use crate::support::same_every_time;
use crate::{Process, bursts, ms, schedule, sim, waits};

/// First in, first out by the executor's own queue, and by a policy like any other.
fn both_fifos(quantum: u64, processes: &[Process]) -> Vec<u64> {
    let own = schedule(Fifo::default(), quantum, processes);
    let asked = schedule(Box::new(Fifo::default()), quantum, processes);
    assert_eq!(own, asked);
    waits(&own)
}

/// The mean, as a textbook has it.
fn mean(values: &[u64]) -> f64 {
    values.iter().sum::<u64>() as f64 / values.len() as f64
}

#[test]
fn first_come_first_served_waits_for_the_long_one_if_that_came_first() {
    same_every_time(first_come_first_served_waits_for_the_long_one_if_that_came_first);
    // Section 5.3.1: 17 milliseconds in the mean, and 3 if the short ones come first.
    let waits = both_fifos(24, &bursts([24, 3, 3]));
    assert_eq!((&waits[..], mean(&waits)), (&[0, 24, 27][..], 17.0));
    let waits = both_fifos(24, &bursts([3, 3, 24]));
    assert_eq!((&waits[..], mean(&waits)), (&[0, 3, 6][..], 3.0));
}

#[test]
fn round_robin_with_a_quantum_of_four() {
    same_every_time(round_robin_with_a_quantum_of_four);
    // Section 5.3.3: 17 / 3 = 5.66 milliseconds.
    let waits = both_fifos(4, &bursts([24, 3, 3]));
    assert_eq!((&waits[..], waits.iter().sum()), (&[6, 4, 7][..], 17));
}

#[test]
fn who_arrives_meanwhile_is_seen_after_the_slice_in_which_it_did() {
    same_every_time(who_arrives_meanwhile_is_seen_after_the_slice_in_which_it_did);
    let process = |(arrives, burst)| Process {
        arrives,
        burst,
        ..Process::default()
    };
    // At 4 both newcomers are seen, and stand in line behind the one that gives way then.
    let processes = [(0, 8), (3, 3), (4, 1)].map(process);
    assert_eq!(both_fifos(2, &processes), [3, 6, 4]);
    let ran = schedule(Fifo::default(), 2, &processes);
    assert_eq!(ran[0].ran, [(0, 6), (9, 11)]);
    assert_eq!(ran[1].ran, [(6, 8), (11, 12)]);
}

#[test]
fn a_longer_quantum_does_not_always_turn_round_sooner() {
    same_every_time(a_longer_quantum_does_not_always_turn_round_sooner);
    // Figure 5.6: the mean turnaround of bursts of 6, 3, 1 and 7, by the quantum.
    let mean_turnaround = |quantum: u64| {
        let done = schedule(Fifo::default(), quantum, &bursts([6, 3, 1, 7]));
        mean(&done.iter().map(|done| done.ended).collect::<Vec<_>>())
    };
    let means: Vec<f64> = (1..=7).map(mean_turnaround).collect();
    assert_eq!(means, [11.0, 11.5, 10.75, 11.5, 12.25, 10.5, 10.5]);
}

#[test]
fn the_shortest_job_first_waits_least_if_the_past_tells_the_future() {
    same_every_time(the_shortest_job_first_waits_least_if_the_past_tells_the_future);
    // Section 5.3.2: 7 milliseconds in the mean, where first come, first served has 10.25.
    let lengths = [6, 8, 7, 3];
    assert_eq!(mean(&both_fifos(8, &bursts(lengths))), 10.25);
    // Nobody knows how long a burst will be. Each process has had one as long before.
    let waits = Rc::new(RefCell::new([0; 4]));
    sim(ShortestJob::default()).run(async {
        let again = Instant::now() + ms(100);
        for (nth, length) in lengths.into_iter().enumerate() {
            let waits = Rc::clone(&waits);
            drop(spawn(async move {
                consume(ms(length));
                sleep_until(again).await;
                waits.borrow_mut()[nth] = again.elapsed().as_millis() as u64;
                consume(ms(length));
            }));
        }
    });
    let waits = waits.take();
    assert_eq!((waits, mean(&waits)), ([3, 16, 9, 0], 7.0));
}

/// The task that has least left to do: a textbook's policy, in ten lines. A task's weight is its burst.
#[derive(Default)]
struct ShortestRemaining(Vec<ReadyTask>);

impl Policy for ShortestRemaining {
    fn push(&mut self, task: ReadyTask) {
        self.0.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        let left = |task: &ReadyTask| ms(task.weight().into()).saturating_sub(task.ran());
        let least = (0..self.0.len()).min_by_key(|&nth| left(&self.0[nth]))?;
        Some(self.0.remove(least))
    }
}

#[test]
fn shortest_remaining_time_first_lets_newcomers_pass() {
    same_every_time(shortest_remaining_time_first_lets_newcomers_pass);
    // Section 5.3.2, the preemptive example: 26 / 4 = 6.5 milliseconds; without preemption 7.75.
    let process = |(arrives, burst)| Process {
        arrives,
        burst,
        ..Process::default()
    };
    let processes = [(0, 8), (1, 4), (2, 9), (3, 5)].map(process);
    let preemptive = schedule(ShortestRemaining::default(), 1, &processes);
    assert_eq!(waits(&preemptive), [9, 0, 15, 2]);
    assert_eq!(mean(&waits(&preemptive)), 6.5);
    assert_eq!(preemptive[0].ran, [(0, 1), (10, 17)]);
    let not = schedule(ShortestRemaining::default(), 9, &processes);
    assert_eq!(mean(&waits(&not)), 7.75);
}

/// A process of this burst and priority, where the textbook has the lowest number first.
fn ranked((burst, priority): (u64, i32)) -> Process {
    Process {
        burst,
        priority: -priority,
        ..Process::default()
    }
}

#[test]
fn the_highest_priority_first() {
    same_every_time(the_highest_priority_first);
    // Section 5.3.4: 8.2 milliseconds.
    let processes = [(10, 3), (1, 1), (2, 4), (1, 5), (5, 2)].map(ranked);
    let done = schedule(Priority::aging(u64::MAX), 10, &processes);
    assert_eq!(waits(&done), [6, 0, 16, 18, 1]);
    assert_eq!(mean(&waits(&done)), 8.2);
}

#[test]
fn round_robin_among_equal_priorities() {
    same_every_time(round_robin_among_equal_priorities);
    // Section 5.3.4, the second example, with a quantum of 2: the chart itself.
    let processes = [(4, 3), (5, 2), (8, 2), (7, 1), (3, 3)].map(ranked);
    let done = schedule(Priority::aging(u64::MAX), 2, &processes);
    let ran: Vec<_> = done.into_iter().map(|done| done.ran).collect();
    let chart: [&[(u64, u64)]; 5] = [
        &[(20, 22), (24, 26)],
        &[(7, 9), (11, 13), (15, 16)],
        &[(9, 11), (13, 15), (16, 20)],
        &[(0, 7)],
        &[(22, 24), (26, 27)],
    ];
    assert_eq!(ran, chart);
}
