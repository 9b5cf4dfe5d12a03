//! The figures: exact under virtual time, and the same from metrics as from a recording.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use bibelot::testing::Sim;
use bibelot::time::{Duration, sleep};
use bibelot::trace::{Event, Histogram, Metrics, Observer, Recorder, Summary, fairness};
use bibelot::{Executor, task};

use crate::programs::{a_bit_of_everything, keeper, look_at, ms, wakes_too_late, works_and_sleeps};
use crate::support::same_every_time;

/// The summary of a program, which metrics and a recording agree on.
fn summary_of<F: Future>(main: F) -> Summary {
    let (recorder, metrics, _) = look_at(1_000_000, main);
    let summary = metrics.summary();
    assert_eq!(recorder.recording().summary(), summary);
    summary
}

#[test]
fn a_known_program_has_a_known_summary() {
    same_every_time(a_known_program_has_a_known_summary);
    //        0  2    5      9   11      15   18    21
    //  main  │
    //  a     ├──┤             ├───┤                    due at 5, and seen then; polled at 9
    //  b        ├────┤                      ├─────┤    due at 18
    //  c             ├──────┤     ├───────┤            due at 10, polled at 11
    let summary = summary_of(async {
        for (work, rest) in [(2, 3), (3, 13), (4, 1)] {
            bibelot::spawn(async move {
                task::consume(ms(work));
                sleep(ms(rest)).await;
                task::consume(ms(work));
            });
        }
    });
    assert_eq!(
        summary.to_string(),
        "\
elapsed         21.00ms: 85.7 % polled, 14.3 % asleep
tasks                 4 spawned, 4 returned, 0 cancelled, 0 panicked: 190.5 a second
polls                 7 with 6 switches, and 0 of children: 333.3 a second
fairness          0.931
                  count        p50        p99      p99.9        max       mean
wake to run           7     0.00ns     5.00ms     5.00ms     5.00ms     1.57ms
response              4     0.00ns     5.00ms     5.00ms     5.00ms     1.75ms
turnaround            4    11.00ms    21.00ms    21.00ms    21.00ms    11.75ms"
    );
    assert_eq!((summary.elapsed(), summary.polled()), (ms(21), ms(18)));
    assert_eq!((summary.asleep(), summary.ended()), (ms(3), 4));
    assert_eq!(summary.fairness(), 324.0 / 348.0);
    assert_eq!(summary.utilisation(), 18.0 / 21.0);
}

#[test]
fn bursts_that_arrive_together_wait_as_the_textbook_says() {
    same_every_time(bursts_that_arrive_together_wait_as_the_textbook_says);
    // Silberschatz: bursts of 24, 3 and 3 wait for 17 in the mean, in this order; in the other one for 3.
    let mean_of = |bursts: [u64; 3]| {
        let summary = summary_of(async move {
            for burst in bursts {
                bibelot::spawn(async move { task::consume(ms(burst)) });
            }
        });
        let waits = summary.response();
        // The main task has waited for nothing.
        assert_eq!((waits.count(), waits.min()), (4, Some(Duration::ZERO)));
        waits.mean().unwrap() * 4 / 3
    };
    assert_eq!(mean_of([24, 3, 3]), ms(17));
    assert_eq!(mean_of([3, 3, 24]), ms(3));
}

#[test]
fn children_of_a_scope_have_figures_of_their_own_and_no_time_counts_twice() {
    same_every_time(children_of_a_scope_have_figures_of_their_own_and_no_time_counts_twice);
    let summary = summary_of(async {
        task::scope(async |s| {
            for _ in 0..3 {
                s.spawn(works_and_sleeps(4, 1));
            }
        })
        .await;
    });
    // Main, body, three children.
    assert_eq!((summary.spawned(), summary.ended()), (5, 5));
    assert_eq!(summary.polled(), ms(36));
    assert!(summary.polled() + summary.asleep() <= summary.elapsed());
    // Main and body have run for no time.
    assert_eq!(summary.fairness(), 1.0);
    assert_eq!(summary.switches(), 0);
    assert_eq!(summary.child_polls(), 1 + 3 * 4);
    assert!(summary.polls() < summary.child_polls());
}

#[test]
fn a_task_that_wakes_itself_waits_from_the_end_of_its_poll() {
    same_every_time(a_task_that_wakes_itself_waits_from_the_end_of_its_poll);
    let summary = summary_of(async {
        let handle = bibelot::spawn(async {
            for _ in 0..2 {
                // What wakes it comes first, and then it works.
                let mut turn = std::pin::pin!(task::yield_now());
                std::future::poll_fn(|cx| {
                    let polled = turn.as_mut().poll(cx);
                    task::consume(ms(5));
                    polled
                })
                .await;
            }
        });
        handle.await.unwrap();
    });
    assert_eq!(summary.wake_to_run().max(), Some(Duration::ZERO));
    assert_eq!(summary.turnaround().max(), Some(ms(20)));
}

#[test]
fn ends_count_by_their_kind() {
    same_every_time(ends_count_by_their_kind);
    let summary = summary_of(a_bit_of_everything());
    assert_eq!((summary.cancelled(), summary.panicked()), (1, 1));
    assert_eq!(summary.spawned(), summary.ended());
    assert_eq!(summary.returned(), summary.ended() - 2);
    assert_eq!(summary.turnaround().count(), summary.ended());
    let polls = summary.polls() + summary.child_polls();
    assert_eq!(summary.wake_to_run().count(), polls);
}

#[test]
fn one_that_asks_for_nothing_does_not_lower_the_index() {
    same_every_time(one_that_asks_for_nothing_does_not_lower_the_index);
    let summary = summary_of(async {
        bibelot::spawn(async { task::consume(ms(5)) });
        bibelot::spawn(pending::<()>()).cancel();
    });
    assert_eq!(summary.spawned(), 3);
    assert_eq!(summary.fairness(), 1.0);
}

#[test]
fn one_that_is_woken_when_it_has_ended_is_not_there_any_more() {
    same_every_time(one_that_is_woken_when_it_has_ended_is_not_there_any_more);
    let (recorder, metrics, told) = look_at(1000, async {
        bibelot::spawn(wakes_too_late());
        task::yield_now().await;
    });
    let nth = |is: fn(&Event) -> bool| told.iter().rposition(|(_, event)| is(event)).unwrap();
    let ended = nth(|event| matches!(event, Event::Finished { task, .. } if task.get() == 2));
    let woken = nth(|event| matches!(event, Event::Woken { task, .. } if task.get() == 2));
    assert!(ended < woken, "{told:?}");
    // It would count as one that is starved.
    assert_eq!(metrics.summary().fairness(), 1.0);
    assert_eq!(recorder.recording().summary(), metrics.summary());
}

#[test]
fn those_dropped_unpolled_had_nothing_and_that_evenly() {
    let metrics = Metrics::new();
    let builder = Executor::builder().observer(metrics.clone());
    let executor = builder.build().unwrap();
    executor.spawn(async {});
    executor.spawn(pending::<()>());
    drop(executor);
    let summary = metrics.summary();
    assert_eq!((summary.spawned(), summary.cancelled()), (2, 2));
    assert_eq!((summary.polls(), summary.response().count()), (0, 0));
    assert_eq!(summary.fairness(), 1.0);
}

#[test]
fn a_starved_task_lowers_the_index() {
    same_every_time(a_starved_task_lowers_the_index);
    let metrics = Metrics::new();
    let asked = metrics.clone();
    let fair = Rc::new(Cell::new(0.0));
    let found = fair.clone();
    let builder = Executor::builder()
        .observer(metrics)
        .policy(bibelot::sched::Lifo::default());
    Sim::from_builder(builder).run(async move {
        let starved = bibelot::spawn(async {});
        let busy = bibelot::spawn(async move {
            for _ in 0..10 {
                task::consume(ms(1));
                task::yield_now().await;
            }
            found.set(asked.summary().fairness());
        });
        busy.await.unwrap();
        starved.await.unwrap();
    });
    // Two of which one has had everything.
    assert_eq!(fair.get(), 0.5);
}

#[test]
fn jains_index_is_that_of_the_paper() {
    let of = |shares: &[u64]| fairness(shares.iter().map(|&share| ms(share)));
    assert_eq!(of(&[]), 1.0);
    assert_eq!(of(&[0, 0]), 1.0);
    assert_eq!(of(&[7]), 1.0);
    // Those of k users who have the same, of n: k / n.
    for k in 1..=10 {
        let shares: Vec<u64> = (0..10).map(|nth| if nth < k { 50 } else { 0 }).collect();
        assert!((of(&shares) - k as f64 / 10.0).abs() < 1e-12);
    }
    // It does not depend on the unit.
    assert!((of(&[1, 2, 3]) - of(&[1000, 2000, 3000])).abs() < 1e-12);
}

#[test]
fn what_was_overwritten_does_not_count_and_nothing_counts_twice() {
    same_every_time(what_was_overwritten_does_not_count_and_nothing_counts_twice);
    let (all, metrics, told) = look_at(10_000, a_bit_of_everything());
    for capacity in 1..told.len() {
        let (recorder, _, _) = look_at(capacity, a_bit_of_everything());
        let summary = recorder.recording().summary();
        let cut = &told[told.len() - capacity..];
        assert_eq!(summary.elapsed(), cut[capacity - 1].0 - cut[0].0);
        assert!(summary.polled() + summary.asleep() <= summary.elapsed());
        let polls = cut
            .iter()
            .filter(|(_, event)| matches!(event, Event::Polled { .. }));
        assert_eq!(
            summary.polls() + summary.child_polls(),
            polls.count() as u64
        );
        // Each life counts from its beginning, also if that is gone.
        let longest = metrics.summary().turnaround().max();
        assert!(summary.turnaround().max() <= longest);
        assert_eq!(summary.turnaround().count(), summary.ended());
        assert!(summary.response().count() <= summary.spawned());
    }
    assert_eq!(all.recording().summary(), metrics.summary());
}

#[test]
fn a_poll_that_began_before_the_recording_counts_from_its_first_event() {
    same_every_time(a_poll_that_began_before_the_recording_counts_from_its_first_event);
    let program = async {
        task::consume(ms(7));
        let other = bibelot::spawn(pending::<()>());
        task::consume(ms(3));
        other.cancel();
    };
    // Spawned, asked to cancel, finished; turn, polled, finished.
    let recording = look_at(6, program).0.recording();
    let first = &recording.events()[0].1;
    assert!(matches!(first, Event::Spawned { .. }), "{first}");
    let summary = recording.summary();
    assert_eq!((summary.elapsed(), summary.polled()), (ms(3), ms(3)));
    assert_eq!(summary.turnaround().max(), Some(ms(10)));
    // That of the other one: nobody knows whether main was polled before.
    assert_eq!(summary.response().count(), 1);
    assert_eq!(recording.tasks()[0].ran(), ms(3));
}

#[test]
fn a_million_events_need_no_more_room_than_a_few() {
    same_every_time(a_million_events_need_no_more_room_than_a_few);
    let mut metrics = Metrics::new();
    let (observer, told) = keeper();
    let builder = Executor::builder().observer(observer);
    Sim::from_builder(builder).run(async {
        task::consume(ms(1));
        bibelot::spawn(task::yield_now()).await.unwrap();
    });
    // The same life again and again, as one executor that does not end would tell it.
    let told = told.take();
    let rounds = 1_000_000 / told.len() + 1;
    for _ in 0..rounds {
        for (at, event) in &told {
            metrics.observe(*at, event);
        }
    }
    let summary = metrics.summary();
    assert_eq!(summary.ended(), 2 * rounds as u64);
    assert_eq!(summary.polled(), ms(1) * rounds as u32);
}

#[test]
fn figures_may_begin_anew_and_who_is_alive_stays_so() {
    same_every_time(figures_may_begin_anew_and_who_is_alive_stays_so);
    let metrics = Metrics::new();
    let clear = metrics.clone();
    let builder = Executor::builder().observer(metrics.clone());
    Sim::from_builder(builder).run(async move {
        let old = bibelot::spawn(works_and_sleeps(5, 5));
        sleep(ms(12)).await;
        clear.clear();
        assert_eq!(clear.summary(), Summary::default());
        old.await.unwrap();
    });
    let summary = metrics.summary();
    assert_eq!((summary.spawned(), summary.ended()), (0, 2));
    assert_eq!(summary.turnaround().max(), Some(ms(30)));
    assert_eq!(summary.response().count(), 0);
    // From 15, when the poll begins in which it was cleared, to 30.
    assert_eq!(summary.elapsed(), ms(15));
}

#[test]
fn nothing_has_no_figures() {
    let summary = Recorder::new(1).recording().summary();
    assert_eq!(summary, Summary::default());
    assert_eq!(summary, Metrics::new().summary());
    assert_eq!(summary.utilisation(), 0.0);
    assert_eq!(summary.tasks_per_second(), 0.0);
    assert_eq!(summary.turnaround().p50(), None);
    assert!(
        summary
            .to_string()
            .contains("turnaround            0          -")
    );
}

#[test]
fn percentiles_are_those_of_the_sorted_values_or_less_than_a_64th_above() {
    let mut seed = 7_u64;
    let mut random = || {
        // Xorshift (Marsaglia 2003).
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for count in [1, 2, 3, 10, 99, 100, 101, 1000, 12_345] {
        let mut histogram = Histogram::new();
        // Of all sizes, from nanoseconds to years.
        let mut values: Vec<u64> = (0..count).map(|_| random() >> (random() % 64)).collect();
        for value in &values {
            histogram.record(Duration::from_nanos(*value));
        }
        values.sort_unstable();
        for (percent, thousandths) in [
            (0.0, 0),
            (50.0, 500),
            (99.0, 990),
            (99.9, 999),
            (100.0, 1000),
        ] {
            let rank = (values.len() * thousandths).div_ceil(1000).max(1);
            let truth = values[rank - 1];
            let found = histogram.percentile(percent).unwrap().as_nanos() as u64;
            assert!(
                found >= truth && found - truth <= truth / 64,
                "{found} for {truth}"
            );
            assert!(values.contains(&found));
        }
        let nanos = |nanos: u64| Some(Duration::from_nanos(nanos));
        assert_eq!(histogram.min(), nanos(values[0]));
        assert_eq!(histogram.max(), nanos(values[values.len() - 1]));
        let sum: u128 = values.iter().map(|&value| u128::from(value)).sum();
        assert_eq!(histogram.mean(), nanos((sum / count as u128) as u64));
        assert_eq!(histogram.count(), count as u64);
        assert_eq!(
            histogram.iter().map(|(_, count)| count).sum::<u64>(),
            count as u64
        );
        assert!(histogram.iter().is_sorted());
    }
}

#[test]
fn histograms_add_up() {
    let of = |range: std::ops::Range<u64>| {
        let mut histogram = Histogram::new();
        range.for_each(|nanos| histogram.record(Duration::from_nanos(nanos)));
        histogram
    };
    let mut sum = Histogram::new();
    for part in [0..0, 500..700, 0..500, 700..1000] {
        sum.merge(&of(part));
    }
    assert_eq!(sum, of(0..1000));
    assert_eq!(sum.p50(), of(0..1000).p50());
    sum.record(Duration::MAX);
    assert_eq!(sum.max(), Some(Duration::from_nanos(u64::MAX)));
}

#[test]
#[should_panic(expected = "a percentile is from 0 to 100, and 101 is not")]
fn there_is_no_percentile_above_100() {
    let _none = Histogram::new().percentile(101.0);
}
