//! The recorder: the last events, as they were told, and the tasks they name.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::pending;
use std::rc::Rc;

use bibelot::task::TaskId;
use bibelot::testing::Sim;
use bibelot::time::sleep;
use bibelot::trace::{Event, Finish, Reason, Recorder, Recording, fairness};
use bibelot::{Executor, Report, task};

use crate::programs::{a_bit_of_everything, look_at, ms, sockets};
use crate::support::same_every_time;

/// The tasks that an event names.
fn named(event: &Event) -> Vec<TaskId> {
    match *event {
        Event::Spawned { task, parent, .. } => [Some(task), parent].into_iter().flatten().collect(),
        Event::Woken { task, by } => match by {
            Reason::Task(by) => vec![task, by],
            _ => vec![task],
        },
        Event::CancelAsked { task, by, .. } => [Some(task), by].into_iter().flatten().collect(),
        Event::Polled { task } | Event::Parked { task, .. } | Event::Finished { task, .. } => {
            vec![task]
        }
        Event::TimerSet { task, .. } | Event::SourceAdded { task, .. } => Vec::from_iter(task),
        _ => vec![],
    }
}

/// A recorder that is not told anything any more, and was told of this.
fn recording_of<F: Future>(capacity: usize, main: F) -> Recording {
    look_at(capacity, main).0.recording()
}

#[test]
fn what_was_told_comes_back_as_it_was() {
    let (recorder, _, told) = look_at(10_000, a_bit_of_everything());
    assert!(told.len() > 100);
    assert_eq!(recorder.recording().events(), told);
    assert_eq!(recorder.recording().lost(), 0);
    assert_eq!(recorder.told(), told.len() as u64);
    let (recorder, _, told) = look_at(10_000, sockets());
    assert_eq!(recorder.recording().events(), told);
    assert!(
        told.iter()
            .any(|(_, event)| matches!(event, Event::SourceReady { .. }))
    );
}

#[test]
fn the_newest_overwrite_the_oldest_whatever_there_is_room_for() {
    same_every_time(the_newest_overwrite_the_oldest_whatever_there_is_room_for);
    let (_, _, told) = look_at(1, a_bit_of_everything());
    for capacity in 1..=told.len() + 1 {
        let recording = recording_of(capacity, a_bit_of_everything());
        let kept = capacity.min(told.len());
        assert_eq!(recording.events(), &told[told.len() - kept..]);
        assert_eq!(recording.lost(), (told.len() - kept) as u64);
        assert_eq!(recording.start(), Some(told[told.len() - kept].0));
        assert_eq!(recording.end(), told.last().map(|&(at, _)| at));
    }
}

#[test]
fn whoever_is_named_is_known_also_when_the_spawn_was_overwritten() {
    same_every_time(whoever_is_named_is_known_also_when_the_spawn_was_overwritten);
    let (recorder, _, told) = look_at(10_000, a_bit_of_everything());
    let all = recorder.recording();
    let mut births = BTreeMap::new();
    for (at, event) in &told {
        if let Event::Spawned {
            task,
            parent,
            name,
            at: place,
        } = event
        {
            births.insert(*task, (*at, *parent, name.as_deref(), *place));
        }
    }
    assert_eq!(all.tasks().len(), births.len());
    for capacity in 1..=told.len() {
        let recording = recording_of(capacity, a_bit_of_everything());
        // A parent may have ended long before; who does something is known.
        let does = |event: &Event| match event {
            Event::Spawned { task, .. } => vec![*task],
            event => named(event),
        };
        for task in recording.events().iter().flat_map(|(_, event)| does(event)) {
            let known = recording
                .task(task)
                .unwrap_or_else(|| panic!("task {task}"));
            let (spawned, parent, name, place) = births[&task];
            assert_eq!((known.parent(), known.name()), (parent, name));
            assert_eq!((known.spawned_at(), known.spawned()), (place, spawned));
            assert_eq!(known.ended(), all.task(task).unwrap().ended());
        }
        assert!(recording.tasks().is_sorted_by_key(|task| task.id()));
    }
}

#[test]
fn those_that_ended_long_ago_are_forgotten() {
    same_every_time(those_that_ended_long_ago_are_forgotten);
    let recorder = recording_of(100, async {
        let _alive = task::Builder::new().name("alive").spawn(sleep(ms(1)));
        for nth in 0..10_000 {
            let name = format!("task of a name {nth}");
            task::Builder::new()
                .name(name)
                .spawn(async {})
                .await
                .unwrap();
        }
    });
    // The main task and the one that sleeps are not in the last events but by chance.
    assert!(recorder.tasks().len() < 60, "{}", recorder.tasks().len());
    assert!(recorder.lost() > 50_000);
}

#[test]
fn those_that_end_in_one_turn_are_forgotten_when_there_are_too_many() {
    let recorder = Recorder::new(100);
    let builder = Executor::builder().observer(recorder.clone());
    let executor = builder.build().unwrap();
    for _ in 0..1000 {
        executor.spawn(async {});
    }
    executor.run(async {});
    let recording = recorder.recording();
    assert!(
        recording.tasks().len() <= 102,
        "{}",
        recording.tasks().len()
    );
    for (_, event) in recording.events() {
        assert!(
            named(event)
                .iter()
                .all(|task| recording.task(*task).is_some())
        );
    }
}

#[test]
fn one_that_lives_keeps_its_name_parent_and_place() {
    same_every_time(one_that_lives_keeps_its_name_parent_and_place);
    let recording = recording_of(10, async {
        let server = task::Builder::new().name("server").spawn(pending::<()>());
        for _ in 0..100 {
            task::yield_now().await;
        }
        server.cancel();
        assert!(server.await.is_err());
    });
    let server = recording
        .tasks()
        .iter()
        .find(|task| task.name() == Some("server"));
    let server = server.unwrap();
    assert_eq!(server.parent().map(TaskId::get), Some(1));
    assert!(server.spawned_at().file().ends_with("recorder.rs"));
    assert_eq!(server.ended().map(|(_, how)| how), Some(Finish::Cancelled));
    assert_eq!(
        recording.task(server.parent().unwrap()).unwrap().name(),
        Some("main")
    );
}

#[test]
fn a_task_knows_how_long_it_ran_without_its_children() {
    same_every_time(a_task_knows_how_long_it_ran_without_its_children);
    let recording = recording_of(1000, async {
        task::consume(ms(1));
        task::scope(async |s| {
            task::consume(ms(2));
            s.spawn(async {
                task::consume(ms(4));
                task::yield_now().await;
                task::consume(ms(8));
            });
        })
        .await;
        task::consume(ms(16));
    });
    let ran: Vec<_> = recording.tasks().iter().map(|task| task.ran()).collect();
    assert_eq!(ran, [ms(17), ms(2), ms(12)]);
    let polls: Vec<_> = recording.tasks().iter().map(|task| task.polls()).collect();
    assert_eq!(polls[2], 2);
    assert!((fairness(ran) - 31.0 * 31.0 / (3.0 * (289.0 + 4.0 + 144.0))).abs() < 1e-12);
}

#[test]
fn nothing_was_recorded_where_nothing_was_told() {
    let recorder = Recorder::new(10);
    let recording = recorder.recording();
    assert!(recording.events().is_empty() && recording.tasks().is_empty());
    assert_eq!((recording.start(), recording.end()), (None, None));
    assert_eq!(
        (recording.lost(), recorder.told(), recorder.capacity()),
        (0, 0, 10)
    );
    assert!(recording.task(look_at_main()).is_none());
}

/// The number of a main task.
fn look_at_main() -> TaskId {
    Sim::new().run(async { task::current().id() })
}

#[test]
#[should_panic(expected = "at least one event")]
fn a_recorder_of_no_events_is_refused() {
    let _recorder = Recorder::new(0);
}

#[test]
fn a_task_may_ask_what_has_happened_before_its_poll() {
    same_every_time(a_task_may_ask_what_has_happened_before_its_poll);
    let recorder = Recorder::new(1000);
    let asked = recorder.clone();
    let builder = Executor::builder().observer(recorder.clone());
    Sim::from_builder(builder).run(async move {
        sleep(ms(5)).await;
        let recording = asked.recording();
        let last = recording.events().last().map(|(_, event)| event.clone());
        let main = task::current().id();
        let by = Reason::Outside;
        assert_eq!(last, Some(Event::Woken { task: main, by }));
        assert_eq!(recording.task(main).unwrap().ended(), None);
    });
    assert!(recorder.told() > 5);
}

#[test]
fn a_recording_outlives_its_executor_and_may_leave_the_thread() {
    let recorder = Recorder::new(1000);
    let executor = Executor::builder()
        .observer(recorder.clone())
        .build()
        .unwrap();
    executor.spawn(pending::<()>());
    executor.run(task::yield_now());
    drop(executor);
    let recording = recorder.recording();
    let elsewhere = std::thread::spawn(move || recording.summary().spawned());
    assert_eq!(elsewhere.join().unwrap(), 2);
}

#[test]
fn a_second_executor_is_refused_reported_and_goes_on() {
    same_every_time(a_second_executor_is_refused_reported_and_goes_on);
    let recorder = Recorder::new(1000);
    let reports = Rc::new(RefCell::new(Vec::new()));
    let run = || {
        let reported = reports.clone();
        let builder = Executor::builder()
            .on_report(move |report: &Report| reported.borrow_mut().push(report.to_string()))
            .observer(recorder.clone());
        Sim::from_builder(builder).run(async { 7 })
    };
    assert_eq!(run(), 7);
    let told = recorder.told();
    assert!(told > 0 && reports.borrow().is_empty());
    assert_eq!(run(), 7);
    assert_eq!(recorder.told(), told);
    assert_eq!(
        reports.take(),
        [
            "an observer panicked: a recorder is told by one executor, and this is another one: \
             give each its own"
        ]
    );
    recorder.clear();
    assert_eq!(run(), 7);
    assert_eq!(
        (recorder.told(), recorder.recording().tasks().len()),
        (told, 1)
    );
    assert!(reports.take().is_empty());
}

#[test]
fn two_executors_that_take_turns_do_not_mix() {
    let recorder = Recorder::new(1000);
    let executor = || {
        let builder = Executor::builder().on_report(|_| ());
        builder.observer(recorder.clone()).build().unwrap()
    };
    let (one, other) = (executor(), executor());
    one.run(task::yield_now());
    let told = recorder.told();
    other.run(task::yield_now());
    assert_eq!(recorder.told(), told);
    one.run(task::yield_now());
    assert_eq!(recorder.told(), 2 * told);
}

#[test]
fn what_is_cleared_is_gone_and_those_alive_keep_their_names() {
    same_every_time(what_is_cleared_is_gone_and_those_alive_keep_their_names);
    let recorder = Recorder::new(1000);
    let clear = recorder.clone();
    let builder = Executor::builder().observer(recorder.clone());
    Sim::from_builder(builder).run(async move {
        let old = task::Builder::new().name("old").spawn(task::yield_now());
        let alive = task::Builder::new().name("alive").spawn(sleep(ms(9)));
        old.await.unwrap();
        sleep(ms(5)).await;
        clear.clear();
        task::consume(ms(1));
        alive.await.unwrap();
    });
    let recording = recorder.recording();
    assert_eq!(recording.lost(), 0);
    let names: Vec<_> = recording
        .tasks()
        .iter()
        .map(|task| task.name().unwrap())
        .collect();
    assert_eq!(names, ["main", "alive"]);
    let summary = recording.summary();
    assert_eq!(summary.elapsed(), ms(4));
    assert_eq!(summary.turnaround().max(), Some(ms(9)));
}

#[test]
fn a_hundred_thousand_events_are_kept() {
    same_every_time(a_hundred_thousand_events_are_kept);
    let recording = recording_of(100_000, async {
        for _ in 0..50_000 {
            task::yield_now().await;
        }
    });
    assert_eq!(recording.events().len(), 100_000);
    assert_eq!(recording.lost() + 100_000, 4 * 50_001);
    assert_eq!(recording.tasks().len(), 1);
}
