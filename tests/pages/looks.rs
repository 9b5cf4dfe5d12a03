//! What the timeline shows: lanes, polls, wakes, colours, at every size; and of odd recordings.

use std::fs;

use bibelot::trace::{Event, Reason, WaitKind};

use crate::runs::{self, Events};
use crate::{open, open_after};

/// How many of the events are such.
fn count(events: &Events, is_such: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|(_, event)| is_such(event)).count()
}

#[test]
fn the_timeline_shows_lanes_states_and_arrows() {
    let events = runs::fetch();
    let Some(mut page) = open("timeline", &events, "") else {
        return;
    };
    assert_eq!(page.text("h1"), "timeline");
    assert_eq!(
        page.text("#summary"),
        "2 tasks · 4 polls · 20 events · 5 ms"
    );
    // The polls take no time on a virtual clock, so it shows steps by itself.
    assert_eq!(page.text("#window"), "all 20 steps");
    let wakes = count(
        &events,
        |event| matches!(event, Event::Woken { by, .. } if *by != Reason::Itself),
    );
    let births = 1;
    let label = page.ask("document.getElementById('lanes').getAttribute('aria-label')");
    let arrows = wakes + births;
    assert_eq!(
        label,
        format!(
            "Timeline: 2 tasks, all 20 steps; in view 2 lanes and {arrows} arrows. \
             Up and down choose a task."
        )
    );
    assert_eq!(
        page.texts("#legend li"),
        [
            "polled",
            "ready",
            "a task’s end",
            "deadline",
            "↓ wakes",
            "⇣ spawns"
        ]
    );
    // Task 2 is polled with the seventh event, waits with the ninth, and is woken with the thirteenth.
    let running = page.colour("running");
    let point = page.point(2, 7.5);
    assert_eq!(page.colour_at(point), running);
    let (waiting, deadline) = (page.point(2, 10.5), page.colour("time"));
    let foot = page.number("page.timeline.row") / 2.0 - 8.0;
    assert_eq!(page.colour_at((waiting.0, waiting.1 + foot)), deadline);
    assert_ne!(page.colour_at(waiting), deadline);
    let (joining, join) = (page.point(1, 10.5), page.colour("join"));
    assert_eq!(page.colour_at((joining.0, joining.1 + foot)), join);
}

#[test]
fn every_event_of_a_larger_run_is_drawn() {
    let events = runs::pipeline();
    let Some(mut page) = open("pipeline", &events, "") else {
        return;
    };
    let polls = count(&events, |event| matches!(event, Event::Polled { .. }));
    let parks = count(&events, |event| matches!(event, Event::Parked { .. }));
    let births = count(&events, |event| matches!(event, Event::Spawned { .. }));
    let wakes = count(&events, |event| {
        matches!(
            event,
            Event::Woken {
                by: Reason::Task(_) | Reason::Outside,
                ..
            }
        )
    });
    assert_eq!(page.number("page.model.polls"), polls as f64);
    assert_eq!(page.number("page.timeline.work.lanes"), births as f64);
    assert_eq!(
        page.number("page.timeline.work.arrows"),
        (wakes + births - 1) as f64
    );
    // Each poll, each wait, and each time a task was ready, is a state; on steps all can be seen.
    page.reopen("axis=steps");
    let slices = page.ask(
        "page.model.lanes.flatMap((lane) => lane.states).filter((state) => state === RUNNING).length",
    );
    assert_eq!(slices, polls.to_string());
    let states = page.number("page.model.lanes.reduce((sum, lane) => sum + lane.states.length, 0)");
    let waits = count(
        &events,
        |event| matches!(event, Event::Parked { on, .. } if on.kind() != WaitKind::Turn),
    );
    assert!(states >= (polls + waits) as f64 && parks >= waits);
    assert_eq!(
        page.number("page.timeline.work.states + page.timeline.work.columns"),
        states
    );
}

/// The kinds of waits that are drawn as such: their colours, whether these have gaps, and the legend's words.
const COLOURS: [(WaitKind, &str, bool, &str); 7] = [
    (WaitKind::Io, "io", false, "descriptor"),
    (WaitKind::Thread, "thread", true, "thread or signal"),
    (WaitKind::Task, "task", false, "another task"),
    (WaitKind::Join, "join", false, "a task’s end"),
    (WaitKind::Foreign, "foreign", true, "foreign waker"),
    (WaitKind::Time, "time", false, "deadline"),
    (WaitKind::Nothing, "nothing", true, "nothing: stuck"),
];

/// How far two colours are apart: in that of red, green and blue in which they are most so.
fn apart(one: &str, other: &str) -> i32 {
    let parts = |colour: &str| -> Vec<i32> {
        let numbers = colour.trim_start_matches("rgb(").trim_end_matches(')');
        let numbers = numbers.split(", ").map(|part| part.parse());
        numbers.collect::<Result<_, _>>().expect("three numbers")
    };
    let pairs = parts(one).into_iter().zip(parts(other));
    let apart = pairs.map(|(one, other)| (one - other).abs()).max();
    apart.expect("three numbers")
}

#[test]
fn waits_are_coloured_by_what_is_waited_for_in_light_and_in_dark() {
    let events = runs::reasons();
    let Some(mut page) = open("reasons", &events, "axis=steps") else {
        return;
    };
    // Where each wait begins: of a task that does nothing else, and so is not main.
    let waits = COLOURS.map(|(kind, name, is_dashed, _)| {
        let found = events
            .iter()
            .enumerate()
            .find_map(|(nth, (_, event))| match event {
                Event::Parked { task, on, .. } if on.kind() == kind && task.get() > 1 => {
                    Some((nth, task.get()))
                }
                _ => None,
            });
        let (nth, task) = found.unwrap_or_else(|| panic!("nobody waits for {kind:?}"));
        (nth, task, name, is_dashed)
    });
    let mut seen = Vec::new();
    for theme in ["light", "dark"] {
        page.prefer(theme);
        page.frame();
        let mut drawn: Vec<String> = Vec::new();
        for (nth, task, name, is_dashed) in waits {
            let (x, _) = page.point(task, nth as f64 + 0.3);
            let foot = page.number(&format!(
                "(() => {{
                    const {{ base, full }} = page.timeline.band(page.model.byTask.get({task}));
                    return document.getElementById('lanes').getBoundingClientRect().top + base - 0.1 * full;
                }})()"
            ));
            // More than a dash and a gap.
            let along: Vec<String> = (0..16)
                .map(|pixel| page.colour_at((x + f64::from(pixel), foot)))
                .collect();
            let colour = page.colour(name);
            // A dash may begin between two pixels, and then none of it is of the very colour.
            let near = along.iter().filter(|it| apart(it, &colour) <= 4).count();
            assert!(near >= 4, "{theme}, {name}, {colour}: {along:?}");
            let has_gaps = along.iter().any(|it| apart(it, &colour) > 40);
            assert_eq!(has_gaps, is_dashed, "{theme}, {name}: {along:?}");
            let alike = drawn.iter().find(|it| apart(it, &colour) <= 8);
            assert_eq!(alike, None, "{theme}, {name}: {colour}");
            drawn.push(colour);
        }
        seen.push(drawn);
    }
    assert_ne!(seen[0], seen[1]);
    let legend = page.texts("#legend li");
    for (_, _, _, text) in COLOURS {
        assert!(legend.iter().any(|it| it == text), "{text}: {legend:?}");
    }
}

#[test]
fn it_is_dark_where_the_system_is_and_light_on_paper() {
    let Some(mut page) = open("dark", &runs::fetch(), "") else {
        return;
    };
    let ground = (700.0, 600.0);
    let light = page.colour_at(ground);
    let brightness = "(() => {
        const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
        return red + green + blue;
    })()";
    assert!(page.number(brightness) > 700.0);
    page.prefer("dark");
    assert!(page.number(brightness) < 100.0);
    let dark = page.colour_at(ground);
    assert_ne!(dark, light);
    let (running, point) = (page.colour("running"), page.point(2, 7.5));
    assert_eq!(page.colour_at(point), running);
    // By hand it is the one or the other, whatever the system says.
    page.key("t");
    assert_eq!(page.text("#theme"), "Light");
    assert_eq!(page.colour_at(ground), light);
    page.key("t");
    assert_eq!(page.text("#theme"), "Dark");
    page.prefer("light");
    assert_eq!(page.colour_at(ground), dark);
    page.ask("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(page.colour_at(ground), light);
    page.ask("dispatchEvent(new Event('afterprint'))");
    page.frame();
    assert_eq!(page.colour_at(ground), dark);
}

#[test]
fn nothing_sticks_out_at_any_size() {
    let Some(mut page) = open("sizes", &runs::pipeline(), "") else {
        return;
    };
    for (width, height, ratio) in [
        (390, 844, 3),
        (320, 568, 2),
        (820, 1180, 2),
        (2560, 1440, 1),
    ] {
        page.resize(width, height, ratio, width < 500);
        for hash in [
            "view=timeline&task=3",
            "view=replay&step=200",
            "view=timeline&step=40",
        ] {
            page.reopen(hash);
            let size = "`${document.documentElement.scrollWidth} ${document.documentElement.scrollHeight}`";
            assert_eq!(page.ask(size), format!("{width} {height}"), "{hash}");
            // No button or field lies outside of the window, and no two of them on one another.
            let overlaps = page.ask(
                "(() => {
                    const all = [...document.querySelectorAll('.head button, .head input, .bar-tools button, footer button, footer input, footer select')]
                        .filter((it) => it.checkVisibility()).map((it) => [it, it.getBoundingClientRect()]);
                    const out = all.filter(([, box]) => box.left < 0 || box.right > innerWidth || box.bottom > innerHeight);
                    const on = all.filter(([one, a], nth) => all.slice(nth + 1).some(([other, b]) =>
                        a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
                    return [...out, ...on].map(([it]) => it.id).join(' ');
                })()",
            );
            assert_eq!(overlaps, "", "{width}: {hash}");
        }
    }
}

#[test]
fn the_line_of_the_step_is_in_sight() {
    let events = runs::pipeline();
    let Some(mut page) = open("line", &events, "") else {
        return;
    };
    for height in [800, 500] {
        page.resize(1280, height, 1, false);
        for step in [1, 100, events.len()] {
            page.reopen(&format!("view=replay&step={step}"));
            let below = page.number(
                "document.querySelector('[data-part=log] .now').getBoundingClientRect().bottom
                - document.querySelector('.log .scroll').getBoundingClientRect().bottom",
            );
            assert!(below < 1.0, "step {step}, {height} high: {below} below");
        }
    }
}

#[test]
fn a_recording_without_events_says_so() {
    let Some(mut page) = open("empty", &Events::new(), "") else {
        return;
    };
    assert_eq!(
        page.text("#nothing"),
        "Nothing was recorded: there is no event in this recording."
    );
    assert_eq!(page.text("#caption"), "There is nothing to replay.");
    // No key makes it stumble.
    for key in [
        "ArrowRight",
        " ",
        "End",
        "ArrowDown",
        "w",
        "x",
        "l",
        "z",
        "v",
    ] {
        page.key(key);
    }
    assert_eq!(page.texts("#replay .empty").len(), 7);
    assert_eq!(page.text("#where"), "0 / 0");
}

#[test]
fn tasks_whose_birth_is_lost_are_drawn_all_the_same() {
    let all = runs::pipeline();
    let lost = all.len() / 2;
    let Some(mut page) = open_after("lost", &all[lost..].to_vec(), lost as u64, "axis=steps")
    else {
        return;
    };
    let summary = page.text("#summary");
    let said = format!("{lost} earlier events were not kept");
    assert!(
        summary.contains("6 tasks") && summary.contains(&said),
        "{summary}"
    );
    assert_eq!(page.number("page.timeline.work.lanes"), 6.0);
    let first = page.ask("page.model.order.map((lane) => lane.task).join(' ')");
    assert_eq!(first, "1 2 3 4 5 6");
    assert!(
        page.texts("#legend li")
            .contains(&String::from("not recorded"))
    );
    page.reopen("view=replay&step=0&task=1");
    assert!(
        page.text("#life")
            .contains("Born before the recording begins")
    );
}

#[test]
fn names_are_only_ever_texts() {
    let Some(mut page) = open("names", &runs::names(), "view=replay&step=999") else {
        return;
    };
    assert_eq!(page.ask("document.title"), "names");
    assert_eq!(page.ask("document.querySelectorAll('img').length"), "0");
    assert_eq!(page.ask("document.scripts.length"), "2");
    let chips = page.texts("[data-part=ended] .chip");
    for name in [
        "2 </script><script>document.title = 'broken'</script>",
        "3 <img onerror=alert(1)> & \"quotes\" 'too'",
        r"4 two\u{a}lines\u{9}and \u{2028} \u{2029}",
        r"5 \u{202e}backwards",
        "6 größer 東京 🦀 👩\u{200d}💻",
    ] {
        assert!(chips.iter().any(|chip| chip == name), "{name}: {chips:#?}");
    }
}

#[test]
fn a_hundred_thousand_events_cost_what_the_screen_can_hold() {
    let events = runs::many(100_000);
    let Some(mut page) = open("many", &events, "") else {
        return;
    };
    assert!(page.text("#summary").contains("100 000 events"));
    // Of a thousand lanes those are drawn that can be seen.
    for (hash, most) in [("axis=time", 25.0), ("axis=steps&rows=low", 50.0)] {
        page.reopen(hash);
        let lanes = page.number("page.timeline.work.lanes");
        assert!(lanes < most, "{hash}: {lanes} lanes");
    }
    page.reopen("axis=time&rows=all");
    let looks = page.number("page.timeline.work.looks");
    assert!(looks < 100_000.0, "{looks} looks");
    // It is drawn once when it is opened, and as the address and the size are read.
    assert!(page.number("page.drawings") <= 4.0);
    assert!(page.text("#hint").is_empty() || page.text("#hint").contains("wakes"));
    // A step is no walk through the log.
    page.reopen("view=replay&step=70000");
    assert!(page.text("#where").starts_with("70 000 / 100 000"));
    assert!(page.number("document.querySelectorAll('.chip').length") < 400.0);
}

#[test]
fn a_lane_costs_as_many_looks_as_it_has_pixels() {
    let Some(mut page) = open("few", &runs::few(100_000), "") else {
        return;
    };
    let width = page.number("page.scale.right - page.scale.left");
    let states = page.number("page.model.lanes.reduce((sum, lane) => sum + lane.states.length, 0)");
    assert!(states > 50_000.0, "{states}");
    // At most a column and a state a pixel, in the three lanes and in that of the executor.
    let most = 4.0 * 2.0 * width;
    for hash in [
        "axis=time",
        "axis=steps",
        "axis=steps&from=40000&to=60000",
        "axis=steps&from=50000&to=50200",
        "axis=time&rows=all",
    ] {
        page.reopen(hash);
        let looks = page.number("page.timeline.work.looks");
        assert!(looks < most, "{hash}: {looks} looks of {most}");
    }
    // Where each state is wide enough, each is drawn.
    page.reopen("axis=steps&from=50000&to=50200");
    assert_eq!(page.number("page.timeline.work.columns"), 0.0);
    let drawn = page.number("page.timeline.work.states");
    assert!((110.0..130.0).contains(&drawn), "{drawn}");
}

#[test]
fn a_recording_of_another_form_is_refused_in_words() {
    let Some(mut page) = open("version", &runs::fetch(), "") else {
        return;
    };
    let text = fs::read_to_string(&page.file).unwrap();
    fs::write(
        &page.file,
        text.replace(r#"{"version":1,"#, r#"{"version":2,"#),
    )
    .unwrap();
    page.reopen("");
    assert_eq!(
        page.text("#caption"),
        "The recording cannot be shown: this page reads recordings of version 1, not 2"
    );
    assert_eq!(page.complaints.len(), 1);
    page.complaints.clear();
}
