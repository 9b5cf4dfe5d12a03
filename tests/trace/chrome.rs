//! The Chrome trace: valid JSON, slices that do not overlap, arrows with two ends.

use std::collections::BTreeMap;
use std::io;

use bibelot::testing::Sim;
use bibelot::trace::{Event, Observer, Recorder, Recording};
use bibelot::{Executor, task};

use crate::json::{self, Json};
use crate::programs::{a_bit_of_everything, look_at, ms, sockets};
use crate::support::same_every_time;

/// What is drawn of a recording.
fn drawn(recording: &Recording) -> Vec<Json> {
    let mut bytes = Vec::new();
    recording.write_chrome(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let trace = json::read(&text);
    let lost = trace.get("otherData").get("lost events").text().to_owned();
    assert_eq!(lost, recording.lost().to_string());
    trace.get("traceEvents").list().to_vec()
}

/// What is drawn of the last events of a program.
fn drawn_of<F: Future>(capacity: usize, main: F) -> Vec<Json> {
    drawn(&look_at(capacity, main).0.recording())
}

/// Those of one phase.
fn of<'a>(phase: &'a str, items: &'a [Json]) -> impl Iterator<Item = &'a Json> {
    let is = move |item: &&Json| item.get("ph").text() == phase;
    items.iter().filter(is)
}

/// A time, in nanoseconds.
fn nanos(item: &Json, key: &str) -> u64 {
    (item.get(key).number() * 1000.0).round() as u64
}

/// The lane of a thing.
fn lane(item: &Json) -> u64 {
    item.get("tid").number() as u64
}

/// Slices of a lane: category, name, begin and end.
type Slices = Vec<(String, String, u64, u64)>;

/// The slices of each lane, in the order of the file. Those with a begin and an end are of no length, and
/// have nothing but marks and arrows in them.
fn slices(items: &[Json]) -> BTreeMap<u64, Slices> {
    let mut lanes = BTreeMap::<u64, Slices>::new();
    let mut open = BTreeMap::new();
    for item in items {
        let phase = item.get("ph").text();
        match phase {
            "X" | "B" => {
                let text = |key| item.get(key).text().to_owned();
                let (begin, slices) = (nanos(item, "ts"), lanes.entry(lane(item)).or_default());
                assert!(!open.contains_key(&lane(item)), "{item:?}");
                let mut end = begin;
                if phase == "B" {
                    open.insert(lane(item), begin);
                } else {
                    end += nanos(item, "dur");
                    assert!(begin < end, "{item:?}");
                }
                slices.push((text("cat"), text("name"), begin, end));
            }
            "E" => assert_eq!(open.remove(&lane(item)), Some(nanos(item, "ts"))),
            _ => {}
        }
    }
    assert!(open.is_empty());
    lanes
}

/// The lane of each name.
fn names(items: &[Json]) -> BTreeMap<String, u64> {
    let names = of("M", items).filter(|item| item.get("name").text() == "thread_name");
    let name = |item: &Json| item.get("args").get("name").text().to_owned();
    names.map(|item| (name(item), lane(item))).collect()
}

/// Holds what must hold of any picture: order, slices, arrows, names.
fn check(items: &[Json]) {
    let stamped: Vec<_> = items
        .iter()
        .filter(|item| item.get("ph").text() != "M")
        .collect();
    assert!(stamped.is_sorted_by_key(|item| nanos(item, "ts")));
    for slices in slices(items).values() {
        for pair in slices.windows(2) {
            assert!(pair[0].3 <= pair[1].2, "{pair:?}");
        }
    }
    let mut ended = Vec::new();
    for item in stamped
        .iter()
        .filter(|item| matches!(item.get("ph").text(), "X" | "B"))
    {
        assert!(!ended.contains(&lane(item)), "after its end: {item:?}");
        if *item.get("args").get("end") != Json::Null {
            ended.push(lane(item));
        }
    }
    let known: Vec<u64> = names(items).into_values().collect();
    assert!(stamped.iter().all(|item| known.contains(&lane(item))));
    check_arrows(items);
}

/// Each arrow has two ends, and each end lies in a poll, also by the order of the file.
fn check_arrows(items: &[Json]) {
    let id = |item: &Json| item.get("id").number() as u64;
    let starts: BTreeMap<u64, &Json> = of("s", items).map(|item| (id(item), item)).collect();
    let ends: BTreeMap<u64, &Json> = of("f", items).map(|item| (id(item), item)).collect();
    assert!(starts.keys().eq(ends.keys()));
    assert_eq!(starts.len(), of("s", items).count());
    for (number, start) in starts {
        let end = ends[&number];
        assert_eq!(end.get("bp").text(), "e");
        assert_eq!(start.get("name"), end.get("name"));
        assert!(nanos(start, "ts") <= nanos(end, "ts"));
    }
    // The last slice that has begun in the lane of an end; none if that is over by the order of the file.
    let mut last = BTreeMap::<u64, (bool, u64, u64)>::new();
    for item in items {
        match item.get("ph").text() {
            phase @ ("X" | "B") => {
                let begin = nanos(item, "ts");
                let is_poll = item.get("cat").text() == "poll";
                let took = if phase == "X" { nanos(item, "dur") } else { 0 };
                last.insert(lane(item), (is_poll, begin, begin + took));
            }
            "E" => {
                last.remove(&lane(item));
            }
            "s" | "f" => {
                let (is_poll, begin, end) = last[&lane(item)];
                let at = nanos(item, "ts");
                assert!(is_poll && begin <= at && at <= end, "{item:?}");
                assert!(item.get("ph").text() == "s" || at == begin);
            }
            _ => {}
        }
    }
}

#[test]
fn a_known_program_has_a_known_picture() {
    same_every_time(a_known_program_has_a_known_picture);
    let items = drawn_of(1000, async {
        let fetch = task::Builder::new().name("fetch");
        let handle = fetch.spawn(async {
            task::consume(ms(2));
            bibelot::time::sleep(ms(5)).await;
            task::consume(ms(3));
        });
        task::consume(ms(1));
        handle.await.unwrap();
        task::consume(ms(4));
    });
    check(&items);
    let slices = slices(&items);
    let names = names(&items);
    let of_lane = |name: &str| -> Vec<_> {
        let slices = slices[&names[name]].iter();
        slices
            .map(|(_, name, begin, end)| (name.as_str(), begin / 1000, end / 1000))
            .collect()
    };
    assert_eq!(
        of_lane("main (1)"),
        [
            ("poll", 0, 1000),
            ("a task to end", 1000, 11000),
            ("poll", 11000, 15000)
        ]
    );
    assert_eq!(
        of_lane("fetch (2)"),
        [
            ("ready", 0, 1000),
            ("poll", 1000, 3000),
            ("a deadline", 3000, 8000),
            ("poll", 8000, 11000),
        ]
    );
    assert_eq!(
        of_lane("executor"),
        [
            ("turn", 0, 1000),
            ("turn", 1000, 3000),
            ("asleep", 3000, 8000),
            ("turn", 8000, 11000),
            ("turn", 11000, 15000),
        ]
    );
    let arrows = |phase| of(phase, &items).map(|item| (lane(item), nanos(item, "ts") / 1000));
    assert_eq!(Vec::from_iter(arrows("s")), [(2, 0), (3, 11000)]);
    assert_eq!(Vec::from_iter(arrows("f")), [(3, 1000), (2, 11000)]);
    let marks: Vec<_> = of("i", &items)
        .map(|item| item.get("name").text())
        .collect();
    assert_eq!(marks, ["deadline set", "deadline passed"]);
    let ready: Vec<_> = of("C", &items)
        .map(|item| item.get("args").get("tasks").number())
        .collect();
    assert_eq!(ready, [1.0, 1.0, 0.0, 1.0, 1.0]);
}

#[test]
fn any_picture_is_sound_also_of_a_recording_that_begins_in_the_middle() {
    let (_, _, told) = look_at(1, a_bit_of_everything());
    for capacity in 1..=told.len() {
        check(&drawn_of(capacity, a_bit_of_everything()));
    }
    check(&drawn_of(1000, sockets()));
}

#[test]
fn any_picture_is_sound_also_of_a_recording_that_ends_in_the_middle() {
    same_every_time(any_picture_is_sound_also_of_a_recording_that_ends_in_the_middle);
    let (_, _, told) = look_at(1, a_bit_of_everything());
    for len in 1..=told.len() {
        let mut recorder = Recorder::new(1000);
        for (at, event) in &told[..len] {
            recorder.observe(*at, event);
        }
        let recording = recorder.recording();
        check(&drawn(&recording));
        let summary = recording.summary();
        assert!(summary.polled() + summary.asleep() <= summary.elapsed());
    }
}

#[test]
fn one_that_is_dropped_by_a_shutdown_has_its_end() {
    let recorder = Recorder::new(1000);
    let builder = Executor::builder().observer(recorder.clone());
    let executor = builder.build().unwrap();
    executor.spawn(std::future::pending::<()>());
    executor.run(task::yield_now());
    drop(executor);
    let items = drawn(&recorder.recording());
    check(&items);
    let dropped = of("i", &items).filter(|item| item.get("name").text() == "dropped");
    assert_eq!(dropped.map(lane).collect::<Vec<_>>(), [2]);
    let end = of("X", &items).filter_map(|item| match item.get("args").get("end") {
        Json::Text(how) => Some((lane(item), how.as_str())),
        _ => None,
    });
    assert!(end.eq([(2, "was cancelled"), (3, "returned")]));
}

#[test]
fn there_is_an_arrow_for_each_wake_that_led_to_a_poll() {
    same_every_time(there_is_an_arrow_for_each_wake_that_led_to_a_poll);
    let (recorder, _, told) = look_at(10_000, a_bit_of_everything());
    let items = drawn(&recorder.recording());
    let mut expected = 0;
    for (nth, (_, event)) in told.iter().enumerate() {
        let task = match event {
            Event::Spawned {
                task,
                parent: Some(_),
                ..
            } => task,
            Event::Woken {
                task,
                by: bibelot::trace::Reason::Task(_),
            } => task,
            _ => continue,
        };
        let polled = Event::Polled { task: *task };
        expected += usize::from(told[nth..].iter().any(|(_, event)| *event == polled));
    }
    assert!(expected > 10);
    assert_eq!(of("s", &items).count(), expected);
}

#[test]
fn a_poll_in_the_wake_of_an_ended_task_has_its_arrow() {
    same_every_time(a_poll_in_the_wake_of_an_ended_task_has_its_arrow);
    let items = drawn_of(1000, async {
        bibelot::spawn(async { task::consume(ms(1)) })
            .await
            .unwrap();
    });
    check(&items);
    let wake = of("s", &items)
        .find(|item| item.get("name").text() == "wake")
        .unwrap();
    assert_eq!((lane(wake), nanos(wake, "ts")), (3, 1_000_000));
}

#[test]
fn hostile_names_are_only_names() {
    same_every_time(hostile_names_are_only_names);
    let hostile = [
        "</script><script>alert(1)</script>",
        "\"quoted\" \\back\\slash\\ 'single'",
        "line\nfeed\r\ttab\u{0}null\u{1f}\u{7f}",
        "ünïcödé 日本 🦀 \u{2028}\u{2029}\u{202e}",
        "",
        "{}[],:",
    ];
    let recorder = Recorder::new(1000);
    let builder = Executor::builder().observer(recorder.clone());
    Sim::from_builder(builder).run(async move {
        for name in hostile {
            task::Builder::new().name(name).spawn(task::yield_now());
        }
    });
    let recording = recorder.recording();
    let items = drawn(&recording);
    check(&items);
    let names = names(&items);
    for (nth, name) in hostile.iter().enumerate() {
        let task = nth as u64 + 2;
        assert_eq!(names[&format!("{name} ({task})")], task + 1);
    }
    let mut bytes = Vec::new();
    recording.write_chrome(&mut bytes).unwrap();
    assert!(!String::from_utf8(bytes).unwrap().contains("</script>"));
}

#[test]
fn the_picture_of_nothing_is_empty_and_valid() {
    let items = drawn(&Recorder::new(10).recording());
    check(&items);
    assert_eq!(items.len(), 3);
}

#[test]
fn a_recording_from_within_a_poll_is_drawn_to_its_end() {
    same_every_time(a_recording_from_within_a_poll_is_drawn_to_its_end);
    let recorder = Recorder::new(1000);
    let asked = recorder.clone();
    let builder = Executor::builder().observer(recorder);
    let items = Sim::from_builder(builder).run(async move {
        bibelot::time::sleep(ms(5)).await;
        drawn(&asked.recording())
    });
    check(&items);
    let slices = slices(&items);
    assert_eq!(slices[&2].last().unwrap().1, "a deadline");
}

#[test]
fn an_error_of_the_file_comes_back() {
    same_every_time(an_error_of_the_file_comes_back);
    /// A disk with little room.
    struct Full(usize);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let recording = look_at(1000, a_bit_of_everything()).0.recording();
    for room in [0, 10, 1000, 5000] {
        let error = recording.write_chrome(&mut Full(room)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
    recording.write_chrome(&mut Full(1 << 20)).unwrap();
}

#[test]
fn a_hundred_thousand_events_are_drawn() {
    same_every_time(a_hundred_thousand_events_are_drawn);
    let items = drawn_of(100_000, async {
        for _ in 0..100 {
            bibelot::spawn(async {
                for _ in 0..500 {
                    task::consume(ms(1));
                    task::yield_now().await;
                }
            });
        }
    });
    check(&items);
    assert!(of("X", &items).count() > 50_000);
}

#[test]
fn polls_of_one_moment_are_side_by_side_and_not_one_within_the_other() {
    same_every_time(polls_of_one_moment_are_side_by_side_and_not_one_within_the_other);
    let items = drawn_of(10_000, async {
        for _ in 0..2_000 {
            task::yield_now().await;
        }
    });
    check(&items);
    // Of each turn, and of its poll.
    let count = |phase| of(phase, &items).count();
    assert_eq!((count("X"), count("B"), count("E")), (0, 4_002, 4_002));
}
