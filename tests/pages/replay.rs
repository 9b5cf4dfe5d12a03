//! What the replay shows: at each step what a model in these lines says; and its sentences.

use std::collections::BTreeMap;
use std::fmt::Write;

use bibelot::trace::{Event, Reason, WaitKind};

use crate::open;
use crate::runs::{self, Events};

/// The executor as somebody has it who is told what happens, and only notes it down.
#[derive(Default)]
struct Notes {
    /// Who is ready, in order.
    ready: Vec<u64>,
    /// Who is polled, the innermost last.
    polled: Vec<u64>,
    /// Who was woken in its own poll.
    again: Vec<u64>,
    /// Who waits.
    waiting: BTreeMap<u64, WaitKind>,
    /// Which deadlines are set.
    timers: BTreeMap<u32, u64>,
    /// Which descriptors are watched, for whom, and what has come last: the first one first.
    sources: Vec<(i32, u64, &'static str)>,
    /// Whether it sleeps.
    asleep: bool,
}

impl Notes {
    /// Notes an event.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Spawned { task, .. } => self.ready.push(task.get()),
            Event::Woken { task, .. } => {
                if self.polled.contains(&task.get()) {
                    self.again.push(task.get());
                } else if self.waiting.remove(&task.get()).is_some() {
                    self.ready.push(task.get());
                }
            }
            Event::Polled { task } => {
                self.ready.retain(|ready| *ready != task.get());
                self.polled.push(task.get());
            }
            Event::Parked { task, on, .. } => {
                self.polled.retain(|polled| *polled != task.get());
                if self.again.contains(&task.get()) {
                    self.again.retain(|again| *again != task.get());
                    self.ready.push(task.get());
                } else {
                    self.waiting.insert(task.get(), on.kind());
                }
            }
            Event::Finished { task, .. } => {
                for list in [&mut self.ready, &mut self.polled, &mut self.again] {
                    list.retain(|it| *it != task.get());
                }
                self.waiting.remove(&task.get());
            }
            Event::TimerSet { timer, task, .. } => {
                self.timers
                    .insert(*timer, task.map_or(0, |task| task.get()));
            }
            Event::TimerUnset { timer } | Event::TimerFired { timer } => {
                self.timers.remove(timer);
            }
            Event::SourceAdded { fd, task } => {
                let task = task.map_or(0, |task| task.get());
                self.sources.push((*fd, task, "nothing has come yet"));
            }
            Event::SourceWanted { fd, task } => {
                self.source(*fd).1 = task.map_or(0, |task| task.get());
            }
            Event::SourceReady { fd, read, write } => {
                self.source(*fd).2 = match (read, write) {
                    (true, true) => "readable, writable",
                    (true, false) => "readable",
                    (false, true) => "writable",
                    (false, false) => "looked at",
                };
            }
            Event::SourceRemoved { fd } => self.sources.retain(|it| it.0 != *fd),
            Event::Asleep { .. } => self.asleep = true,
            Event::Awake => self.asleep = false,
            _ => {}
        }
    }

    /// A descriptor that is watched.
    fn source(&mut self, fd: i32) -> &mut (i32, u64, &'static str) {
        let found = self.sources.iter_mut().find(|it| it.0 == fd);
        found.expect("a descriptor that is told of is watched")
    }

    /// The rows of the panel of descriptors.
    fn rows(&self) -> Vec<String> {
        let rows = self.sources.iter().map(|(fd, task, what)| match fd {
            0.. => format!("fd {fd} for task {task}: {what}"),
            _ => format!("socket {} for task {task}: {what}", -fd),
        });
        rows.collect()
    }

    /// What is noted, in a line.
    fn line(&self) -> String {
        let mut line = String::new();
        let mut ready = self.ready.clone();
        ready.sort_unstable();
        let waiting: Vec<_> = self.waiting.keys().collect();
        let timers: Vec<_> = self.timers.iter().collect();
        write!(line, "ready {ready:?} polled {:?} ", self.polled).unwrap();
        write!(line, "waiting {waiting:?} timers {timers:?} ",).unwrap();
        let sources: Vec<_> = self.sources.iter().map(|it| (it.0, it.1)).collect();
        write!(line, "sources {sources:?} ").unwrap();
        write!(line, "asleep {}", self.asleep).unwrap();
        line
    }
}

/// The same lines, by the page.
const LINES: &str = "Array.from({ length: page.log.count + 1 }, (_, step) => {
    const now = executorAt(page.log, page.model, step - 1);
    const list = (lanes) => `[${lanes.join(', ')}]`;
    const up = (one, other) => one - other;
    const ready = [...now.ready, ...now.children].map((it) => it.lane.task).sort(up);
    const waiting = now.waiting.map((it) => it.lane.task).sort(up);
    const timers = now.timers.map((it) => [it.timer, it.lane ? it.lane.task : 0]).sort(([one], [other]) => one - other);
    return `ready ${list(ready)} polled ${list(now.polled.map((lane) => lane.task))} waiting ${list(waiting)} ` +
        `timers ${list(timers.map(([timer, task]) => `(${timer}, ${task})`))} ` +
        `sources ${list(now.sources.map((it) => `(${it.fd}, ${waiterAt(it, step - 1)?.task ?? 0})`))} asleep ${now.asleep !== null}`;
}).join('\\n')";

#[test]
fn at_each_step_it_shows_what_somebody_else_has_noted() {
    let all: [(&str, Events); 7] = [
        ("noted-pipeline", runs::pipeline()),
        ("noted-scopes", runs::scopes()),
        ("noted-ends", runs::ends()),
        ("noted-deadlock", runs::deadlock()),
        ("noted-echo", runs::echo(5, 3)),
        ("noted-simulated", runs::simulated_echo(5, 3)),
        ("noted-handed-on", runs::handed_on()),
    ];
    for (name, events) in all {
        let Some(mut page) = open(name, &events, "view=replay") else {
            return;
        };
        let mut notes = Notes::default();
        let mut lines = vec![notes.line()];
        for (_, event) in &events {
            notes.note(event);
            lines.push(notes.line());
        }
        let shown = page.ask(LINES);
        for (step, (shown, noted)) in shown.lines().zip(&lines).enumerate() {
            let what = step.checked_sub(1).map(|nth| &events[nth].1);
            assert_eq!(shown, noted, "{name}, step {step}: {what:?}");
        }
        assert_eq!(shown.lines().count(), lines.len());
    }
}

/// The rows of the panel of descriptors at each step, and the number in its head.
const ROWS: &str = "Array.from({ length: page.log.count + 1 }, (_, step) => {
    page.go(step);
    page.draw();
    const rows = [...document.querySelectorAll('[data-part=sources] li')];
    const texts = rows.map((row) => [...row.childNodes].map((it) => it.textContent).join(' '));
    return [document.querySelector('[data-part=sources-count]').textContent, ...texts].join('|');
}).join('\\n')";

#[test]
fn at_each_step_the_panel_shows_what_is_watched_for_whom_and_what_has_come() {
    for (name, events, seen) in [
        ("rows-echo", runs::echo(3, 2), "fd "),
        ("rows-simulated", runs::simulated_echo(3, 2), "socket "),
        ("rows-handed-on", runs::handed_on(), "socket "),
    ] {
        let Some(mut page) = open(name, &events, "view=replay") else {
            return;
        };
        let mut notes = Notes::default();
        let mut most = 0;
        let shown = page.ask(ROWS);
        let mut shown = shown.lines();
        for step in 0..=events.len() {
            if let Some(nth) = step.checked_sub(1) {
                notes.note(&events[nth].1);
            }
            let rows = notes.rows();
            let expected = match rows.len() {
                0 => String::from("|No descriptor is watched."),
                count => format!("{count}|{}", rows.join("|")),
            };
            assert_eq!(shown.next(), Some(&*expected), "{name}, step {step}");
            assert!(rows.iter().all(|row| row.starts_with(seen)), "{rows:?}");
            most = most.max(rows.len());
        }
        let is_echo = name != "rows-handed-on";
        assert!(most >= if is_echo { 4 } else { 1 }, "{name}: {most}");
    }
}

#[test]
fn a_source_is_of_the_task_that_waits_for_it_now() {
    let events = runs::handed_on();
    let step_of = |is_such: &dyn Fn(&Event) -> bool| {
        let nth = events.iter().position(|(_, event)| is_such(event));
        nth.expect("an event of the kind") + 1
    };
    let added = step_of(&|event| matches!(event, Event::SourceAdded { .. }));
    let wanted = step_of(&|event| matches!(event, Event::SourceWanted { .. }));
    let Some(mut page) = open("handed-on", &events, &format!("view=replay&step={added}")) else {
        return;
    };
    let rows = "[data-part=sources] li";
    assert_eq!(
        page.texts(rows),
        ["socket 1 for task 2: nothing has come yet"]
    );
    assert_eq!(
        page.text("#caption"),
        "Simulated socket 1 is watched from now on, for task 2 “before”."
    );
    page.ask(&format!("(page.go({wanted} - 1), page.draw())"));
    assert_eq!(page.texts(rows), ["socket 1 for task 2: readable"]);
    page.key("ArrowRight");
    assert_eq!(page.texts(rows), ["socket 1 for task 3: readable"]);
    assert_eq!(
        page.text("#caption"),
        "Simulated socket 1 is waited for by task 3 “after” now."
    );
    assert_eq!(
        page.text(".log .now .line"),
        "simulated socket 1 waited for by task 3"
    );
    // So who is woken next is known to be woken by it.
    let woken = step_of(
        &|event| matches!(event, Event::Woken { task, by: Reason::Outside } if task.get() == 3),
    );
    page.ask(&format!("(page.go({woken}), page.draw())"));
    assert_eq!(
        page.text("#caption"),
        "Task 3 “after” is woken from outside, by simulated socket 1: it is ready, first in the queue."
    );
    page.key("End");
    assert_eq!(page.texts(rows), ["No descriptor is watched."]);
}

#[test]
fn a_step_shows_the_queue_the_timers_and_whom_it_polls() {
    let Some(mut page) = open("steps", &runs::fetch(), "view=replay&step=8") else {
        return;
    };
    assert_eq!(page.texts("[data-part=polled] .chip"), ["2 fetch"]);
    assert_eq!(
        page.texts("[data-part=timers] li"),
        ["in 5 ms timer 0 of task 2 “fetch”"]
    );
    assert_eq!(
        page.texts("[data-part=waiting] .group"),
        ["for a task to end 1 main"]
    );
    assert_eq!(
        page.text("#caption"),
        "Timer 0 is set by task 2 “fetch” to +5 ms, in 5 ms."
    );
    assert_eq!(
        page.text(".log .now"),
        "8 +0 ns timer 0 set to +5 ms by task 2"
    );
    // The poll ends, the executor sleeps, wakes, and the timer fires.
    for _ in 0..2 {
        page.key("ArrowRight");
    }
    assert_eq!(
        page.text("[data-part=polled]"),
        "Asleep until +5 ms, or until something comes from outside."
    );
    for _ in 0..3 {
        page.key("ArrowRight");
    }
    assert_eq!(page.text("#where"), "13 / 20 · +5 ms");
    assert_eq!(page.texts("[data-part=ready-next] .chip"), ["2 fetch"]);
    assert_eq!(page.text("[data-part=timers]"), "No deadline is set.");
    assert_eq!(
        page.text("#caption"),
        "Task 2 “fetch” is woken from outside, by timer 0: it is ready, first in the queue."
    );
    page.key("ArrowRight");
    assert_eq!(page.texts("[data-part=ready-now] .chip"), ["2 fetch"]);
    assert_eq!(page.text("[data-part=turn]"), "Turn 3: 1 poll left of 1.");
    // Back is as far as forward.
    page.key("ArrowLeft");
    assert_eq!(page.texts("[data-part=ready-next] .chip"), ["2 fetch"]);
    page.key("Home");
    assert_eq!(page.text("#caption"), "Nothing has happened yet.");
    assert_eq!(page.texts(".chip"), [""; 0]);
    page.key("End");
    assert_eq!(page.texts("[data-part=ended] .chip"), ["1 main", "2 fetch"]);
}

#[test]
fn each_step_is_explained_in_a_sentence() {
    let events = runs::fetch();
    let Some(mut page) = open("sentences", &events, "view=replay") else {
        return;
    };
    let place = |task: u64| {
        let born = events.iter().find_map(|(_, event)| match event {
            Event::Spawned { task: it, at, .. } if it.get() == task => Some(at.to_string()),
            _ => None,
        });
        born.unwrap()
    };
    let waits = events.iter().filter_map(|(_, event)| match event {
        Event::Parked { at: Some(at), .. } => Some(at.to_string()),
        _ => None,
    });
    let waits: Vec<_> = waits.collect();
    let sentences = page.ask(
        "Array.from({ length: page.log.count }, (_, i) => page.words.sentence(i)).join('\\n')",
    );
    let sentences: Vec<_> = sentences.lines().collect();
    assert_eq!(
        sentences,
        [
            format!(
                "Task 1 “main” is spawned, at {}: it is ready, first in the queue.",
                place(1)
            )
            .as_str(),
            "A turn begins: the one task that is ready now will be polled.",
            "Task 1 “main” is polled for the 1st time, 0 ns after it became ready.",
            &format!(
                "Task 2 “fetch” is spawned by task 1 “main”, at {}: it is ready, first in the queue.",
                place(2)
            ),
            &format!(
                "The poll of task 1 “main” ends after 0 ns: it waits for a task to end, at {}.",
                waits[0]
            ),
            "A turn begins: the one task that is ready now will be polled.",
            "Task 2 “fetch” is polled for the 1st time, 0 ns after it became ready.",
            "Timer 0 is set by task 2 “fetch” to +5 ms, in 5 ms.",
            &format!(
                "The poll of task 2 “fetch” ends after 0 ns: it waits for a deadline, at {}.",
                waits[1]
            ),
            "No task is ready: the executor sleeps until the next deadline, in 5 ms, or its clock jumps there.",
            "The executor is awake again, after 5 ms.",
            "Timer 0 of task 2 “fetch” fires: its deadline has passed.",
            "Task 2 “fetch” is woken from outside, by timer 0: it is ready, first in the queue.",
            "A turn begins: the one task that is ready now will be polled.",
            "Task 2 “fetch” is polled for the 2nd time, 0 ns after it became ready.",
            "Task 2 “fetch” returned, after 2 polls, 5 ms after its birth.",
            "Task 1 “main” is woken by task 2 “fetch”: it is ready, first in the queue.",
            "A turn begins: the one task that is ready now will be polled.",
            "Task 1 “main” is polled for the 2nd time, 0 ns after it became ready.",
            "Task 1 “main” returned, after 2 polls, 5 ms after its birth.",
        ]
    );
}

#[test]
fn every_kind_of_event_has_a_sentence() {
    for (name, events) in [
        ("sentences-ends", runs::ends()),
        ("sentences-scopes", runs::scopes()),
        ("sentences-echo", runs::echo(3, 2)),
        ("sentences-handed-on", runs::handed_on()),
    ] {
        let Some(mut page) = open(name, &events, "view=replay") else {
            return;
        };
        let odd = page.ask(
            "Array.from({ length: page.log.count }, (_, i) => page.words.sentence(i))
                .filter((text) => !/^[A-Z][^\\n]*\\.$/.test(text) || /undefined|NaN|null|does not know/.test(text)).join('\\n')",
        );
        assert_eq!(odd, "", "{name}");
    }
}

#[test]
fn children_of_a_scope_are_polled_within_their_task() {
    let events = runs::scopes();
    let nested = events.windows(2).position(|pair| {
        matches!(&pair[0].1, Event::Polled { .. }) && matches!(&pair[1].1, Event::Polled { .. })
    });
    let step = nested.unwrap() + 2;
    let Some(mut page) = open("within", &events, &format!("view=replay&step={step}")) else {
        return;
    };
    let polled = page.texts("[data-part=polled] .chip");
    assert_eq!(polled.len(), 2, "{polled:?}");
    assert_eq!(polled[0], "1 main");
    assert!(
        page.text("#caption")
            .contains("within the poll of task 1 “main”")
    );
}

#[test]
fn a_wake_from_outside_is_told_with_what_it_came_by() {
    // Several timers fire before the first of their tasks is woken.
    let events = runs::scopes();
    let Some(mut page) = open("causes", &events, "view=replay") else {
        return;
    };
    let mut timers = BTreeMap::new();
    let mut told = Vec::new();
    for (nth, (_, event)) in events.iter().enumerate() {
        match event {
            Event::TimerSet {
                timer,
                task: Some(task),
                ..
            } => {
                timers.insert(task.get(), *timer);
            }
            Event::Woken {
                task,
                by: Reason::Outside,
            } if timers.contains_key(&task.get()) => {
                told.push((nth, task.get(), timers[&task.get()]));
            }
            _ => {}
        }
    }
    assert!(told.len() > 10);
    for (nth, task, timer) in told {
        let sentence = page.ask(&format!("page.words.sentence({nth})"));
        // Who has a scope is woken when its children are, by timers which are theirs.
        let is_own = sentence.contains(&format!("is woken from outside, by timer {timer}:"));
        assert!(is_own || task == 1, "{sentence}");
    }
}

#[test]
fn tasks_glide_from_panel_to_panel_unless_nothing_is_to_move() {
    let Some(mut page) = open("glide", &runs::fetch(), "view=replay&step=14") else {
        return;
    };
    let gliding = "document.querySelectorAll('.gliding').length";
    page.ask("(page.go(15), page.draw())");
    assert_eq!(page.ask(gliding), "0");
    page.ask("(page.go(14), page.draw())");
    page.allow_motion();
    page.ask("(page.go(15), page.draw())");
    assert_eq!(page.ask(gliding), "1");
    assert_eq!(page.texts("[data-part=polled] .chip"), ["2 fetch"]);
    while page.ask(gliding) != "0" {
        page.frame();
    }
    // A leap is not shown as a way.
    page.ask("(page.go(1), page.draw())");
    assert_eq!(page.ask(gliding), "0");
}

#[test]
fn it_plays_to_the_end_and_stops() {
    let Some(mut page) = open("plays", &runs::fetch(), "view=replay&step=2&speed=1024") else {
        return;
    };
    page.key(" ");
    while page.ask("page.playing") == "true" {
        page.frame();
    }
    page.frame();
    assert_eq!(page.text("#where"), "20 / 20 · +5 ms");
    // Once more, from the beginning; and a pause keeps the step.
    page.ask("page.at.speed = 1");
    page.key(" ");
    assert_eq!(page.ask("page.playing"), "true");
    assert_eq!(
        page.ask("document.getElementById('play').getAttribute('aria-label')"),
        "Pause"
    );
    page.key(" ");
    assert_eq!(page.ask("page.playing"), "false");
    assert!(page.number("page.at.step") < 20.0);
}

#[test]
fn the_queue_of_a_policy_is_not_said_to_have_an_order() {
    let Some(mut page) = open("fifo", &runs::fetch(), "view=replay&step=13") else {
        return;
    };
    assert_eq!(page.ask("page.model.isFifo"), "true");
    assert!(page.text("#caption").ends_with("first in the queue."));
    let mut page = open("shuffled", &runs::shuffled(), "view=replay&step=9").expect("as before");
    assert_eq!(page.ask("page.model.isFifo"), "false");
    assert!(page.text(".queue").contains("A policy chooses"));
    assert!(!page.text("#caption").contains("in the queue"));
}

#[test]
fn any_part_of_a_recording_can_be_shown() {
    for (name, events) in [
        ("parts-scopes", runs::scopes()),
        ("parts-ends", runs::ends()),
        ("parts-echo", runs::echo(2, 2)),
        ("parts-handed-on", runs::handed_on()),
    ] {
        let Some(mut page) = open(name, &events, "view=replay") else {
            return;
        };
        // Every suffix, as a ring keeps it; and with every third event missing, as nobody should.
        let odd = page.ask(
            "(() => {
                const odd = [], { log } = page;
                const part = (keep) => {
                    const kept = log.rows.map((_, i) => i).filter(keep);
                    const time = kept.map((i) => log.time[i]);
                    return { ...log, rows: kept.map((i) => log.rows[i]), what: kept.map((i) => log.what[i]), time, count: kept.length, end: time.at(-1) ?? 0 };
                };
                const look = (log, name) => {
                    const model = understand(log), words = makeWords(log, model);
                    for (let i = 0; i < log.count; i += 1) {
                        executorAt(log, model, i);
                        if (/undefined|NaN|null/.test(words.sentence(i) + words.line(i))) odd.push(`${name}, ${i}: ${words.sentence(i)}`);
                    }
                    for (const lane of model.lanes) {
                        if (lane.starts.some((start, nth) => nth > 0 && start < lane.starts[nth - 1])) odd.push(`${name}: ${lane.task}`);
                    }
                };
                for (let from = 0; from < log.count; from += 7) look(part((i) => i >= from), `from ${from}`);
                for (let third = 0; third < 3; third++) look(part((i) => i % 3 !== third), `without ${third}`);
                return odd.join('\\n');
            })()",
        );
        assert_eq!(odd, "", "{name}");
    }
}
