//! What is written of each event, and of names that try to be more than names.

use super::{as_json, write};
use crate::clock::{Clock, Instant};
use crate::observer::{Event, Finish};
use crate::sched::Reason;
use crate::task::TaskId;
use crate::task::waits::Waits;
use std::panic::Location;
use std::time::Duration;

/// What is written of some events, the first of which happens now, and each a millisecond later.
fn written(events: impl IntoIterator<Item = Event>) -> Vec<String> {
    let start = Clock::new_virtual().now();
    let events: Vec<_> = (0..)
        .zip(events)
        .map(|(nth, event)| (start + Duration::from_millis(nth), event))
        .collect();
    let mut out = Vec::new();
    write("all", &events, &[], 7, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.replace(file!(), "here")
        .lines()
        .map(String::from)
        .collect()
}

#[test]
fn what_tasks_do_is_written_as_it_is_told() {
    let (main, task) = (TaskId::new(1), TaskId::new(2));
    let at = Location::caller();
    let line = format!("here:{}:{}", at.line(), at.column());
    let woken = |by| Event::Woken { task, by };
    let finished = |how| Event::Finished { task, how };
    let spawned = |task, parent, name: Option<&str>| {
        let name = name.map(|name| name.into());
        Event::Spawned {
            task,
            parent,
            name,
            at,
        }
    };
    let lines = written([
        Event::Turn { ready: 3 },
        spawned(main, None, Some("main")),
        spawned(task, Some(main), None),
        woken(Reason::Task(main)),
        woken(Reason::Outside),
        woken(Reason::Itself),
        woken(Reason::Spawned),
        Event::Polled { task },
        Event::parked(task, Waits::TIME | Waits::JOIN, Some(at)),
        Event::parked(task, Waits::TIME | Waits::JOIN, None),
        finished(Finish::Returned),
        finished(Finish::Cancelled),
        finished(Finish::Panicked),
        Event::CancelAsked { task, by: None, at },
    ]);
    assert_eq!(
        lines,
        [
            r#"{"version":1,"title":"all","lost":7,"events":["#,
            "[0,0,3],",
            "[1000000,3,1,0,0,0],",
            "[1000000,3,2,1,-1,0],",
            "[1000000,4,2,1],",
            "[1000000,4,2,0],",
            "[1000000,4,2,-1],",
            "[1000000,4,2,-2],",
            "[1000000,5,2],",
            "[1000000,6,2,0,0],",
            "[1000000,6,2,0,-1],",
            "[1000000,7,2,0],",
            "[1000000,7,2,1],",
            "[1000000,7,2,2],",
            "[1000000,8,2,0,0]],",
            r#""tasks":[],"#,
            r#""names":["main"],"#,
            &format!(r#""places":["{line}"],"#),
            r#""waits":[[3,"a task to end or a deadline"]]}"#,
        ]
    );
}

#[test]
fn what_the_world_does_is_written_as_it_is_told() {
    let start = Clock::new_virtual().now();
    let (timer, fd, task) = (4, 9, Some(TaskId::new(2)));
    let set = |deadline| Event::TimerSet {
        timer,
        task,
        deadline,
    };
    let asleep = |until| Event::Asleep { until };
    let lines = written([
        asleep(None),
        asleep(Some(start + Duration::from_nanos(50))),
        Event::Awake,
        set(start + Duration::from_secs(1)),
        set(start - Duration::from_nanos(3)),
        set(Instant::NEVER),
        Event::TimerUnset { timer },
        Event::TimerFired { timer },
        Event::SourceAdded { fd, task: None },
        Event::SourceReady {
            fd,
            read: true,
            write: false,
        },
        Event::SourceWanted { fd: -3, task },
        Event::SourceRemoved { fd },
    ]);
    assert_eq!(
        lines[1..13],
        [
            "[0,1,null],",
            "[1000000,1,50],",
            "[1000000,2],",
            "[1000000,9,4,2,1000000000],",
            "[1000000,9,4,2,-3],",
            "[1000000,9,4,2,null],",
            "[1000000,10,4],",
            "[1000000,11,4],",
            "[1000000,12,9,0],",
            "[1000000,14,9,1,0],",
            "[1000000,15,-3,2],",
            "[1000000,13,9]],",
        ]
    );
}

#[test]
fn a_recording_without_events_is_one() {
    let lines = written([]);
    assert_eq!(
        lines.concat(),
        r#"{"version":1,"title":"all","lost":7,"events":[],"tasks":[],"names":[],"places":[],"waits":[]}"#
    );
}

#[test]
fn a_name_is_only_ever_a_text() {
    assert_eq!(as_json("plain"), "\"plain\"");
    assert_eq!(as_json("größer 🦀"), "\"größer 🦀\"");
    assert_eq!(as_json("\"\\"), r#""\"\\""#);
    assert_eq!(
        as_json("</script><!--&"),
        r#""\u003c/script\u003e\u003c!--\u0026""#
    );
    assert_eq!(
        as_json("\n\t\0\u{7f}\u{85}"),
        r#""\u000a\u0009\u0000\u007f\u0085""#
    );
    assert_eq!(
        as_json("\u{2028}\u{2029}\u{202e}\u{feff}"),
        r#""\u2028\u2029\u202e\ufeff""#
    );
}
