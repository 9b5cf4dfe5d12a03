//! What keys, pointers and the address change.

use crate::open;
use crate::runs;

#[test]
fn a_click_on_a_lane_tells_the_life_of_its_task() {
    let Some(mut page) = open("life", &runs::fetch(), "") else {
        return;
    };
    let (x, y) = page.point(2, 10.2);
    page.click(x, y);
    assert_eq!(page.text("#life h2"), "Task 2 fetch");
    assert_eq!(
        page.text("#life-now"),
        "After step 11 it waits for a deadline."
    );
    let facts = page.text("#life dl");
    assert!(
        facts.starts_with("Born +0 ns by task 1 “main” tests/pages/runs.rs:"),
        "{facts}"
    );
    assert!(facts.ends_with("End +5 ms returned Lived 5 ms"), "{facts}");
    let rows = page.texts("#life .states tbody tr");
    let rows: Vec<_> = rows
        .iter()
        .map(|row| row.split(" tests/").next().unwrap())
        .collect();
    assert_eq!(
        rows,
        [
            "+0 ns is ready 0 ns",
            "+0 ns is polled 0 ns",
            "+0 ns waits for a deadline",
            "+5 ms is ready, woken by timer 0 0 ns",
            "+5 ms is polled 0 ns",
        ]
    );
    assert_eq!(page.texts("#life .states tr.now").len(), 1);
    assert_eq!(
        page.texts("#life .shares tbody tr"),
        [
            "is polled 2 0 ns 0 ns",
            "is ready 2 0 ns 0 ns",
            "waits for a deadline 1 5 ms 5 ms"
        ]
    );
    // A link leads to another task, and one to a step.
    page.ask("[...document.querySelectorAll('#life dl .link')].find((it) => it.innerText.includes('main')).click()");
    page.frame();
    assert_eq!(page.text("#life h2"), "Task 1 main");
    page.ask("[...document.querySelectorAll('#life .states .link')].at(-1).click()");
    page.frame();
    assert_eq!(page.text("#where"), "19 / 20 · +5 ms");
    page.key("Escape");
    assert_eq!(page.ask("document.getElementById('life').hidden"), "true");
    // The names are lanes as well; what is under a pointer is told.
    page.mouse("mouseMoved", 60.0, y);
    page.frame();
    assert!(
        page.text("#tip")
            .starts_with("task 2 fetch spawned at tests/pages/runs.rs:")
    );
    page.click(60.0, y);
    assert_eq!(page.text("#life h2"), "Task 2 fetch");
}

#[test]
fn tasks_are_found_by_name_number_and_place() {
    let Some(mut page) = open("find", &runs::pipeline(), "") else {
        return;
    };
    let lanes = "page.timeline.lanes.map((lane) => lane.task).join(' ')";
    page.key("/");
    for letter in ["P", "a", "r"] {
        page.key(letter);
    }
    assert_eq!(page.text("#found"), "3 of 6 tasks");
    assert_eq!(page.ask(lanes), "3 4 5");
    assert_eq!(page.number("page.timeline.work.lanes"), 3.0);
    page.key("Enter");
    assert_eq!(page.text("#life h2"), "Task 3 parse 0");
    page.reopen("find=%236");
    assert_eq!(page.ask(lanes), "6");
    page.reopen("find=2");
    assert_eq!(page.ask(lanes), "2 5");
    let line =
        page.ask("page.words.placeOf(page.model.byTask.get(2).place).match(/runs.rs:\\d+/)[0]");
    page.reopen(&format!("find={line}"));
    assert!(page.ask(lanes).split(' ').any(|task| task == "2"));
    page.reopen("find=nobody");
    assert_eq!(page.text("#found"), "0 of 6 tasks");
    assert_eq!(page.text("#nothing"), "No task is found.");
}

#[test]
fn wheel_keys_and_drags_change_what_is_seen() {
    let Some(mut page) = open("zoom", &runs::pipeline(), "axis=time") else {
        return;
    };
    let whole = page.window();
    let arrows = page.number("page.timeline.work.arrows");
    let (x, y) = page.point(4, 200.0);
    let under = format!("page.scale.positionOf({x})");
    let before = page.number(&under);
    for _ in 0..4 {
        page.wheel(x, y, -300);
    }
    let near = page.window();
    assert!(
        near.1 - near.0 < (whole.1 - whole.0) / 5.0,
        "{near:?} of {whole:?}"
    );
    assert!((page.number(&under) - before).abs() < (near.1 - near.0) / 100.0);
    assert!(page.number("page.timeline.work.arrows") < arrows);
    assert!(page.text("#window").contains(" to "));
    // A drag takes what it holds along, and is no click.
    page.drag((x, y), (x - 200.0, y));
    let moved = page.window();
    assert!(moved.0 > near.0 && ((moved.1 - moved.0) - (near.1 - near.0)).abs() < 1.0);
    assert_eq!(page.ask("document.getElementById('life').hidden"), "true");
    page.key("a");
    assert!(page.window().0 < moved.0);
    page.key("s");
    assert!(page.window().1 - page.window().0 > moved.1 - moved.0);
    page.key("0");
    assert_eq!(page.window(), whole);
    // The strip above: a drag draws a new window, and the ruler moves the cursor.
    let strip = "document.getElementById('overview').getBoundingClientRect().top + 20";
    let top = page.number(strip);
    page.drag((320.0, top), (640.0, top));
    let part = page.window();
    assert!(
        (part.0 / whole.1 - 0.25).abs() < 0.01 && (part.1 / whole.1 - 0.5).abs() < 0.01,
        "{part:?}"
    );
    page.key("0");
    let ruler = top + 40.0;
    page.drag((400.0, ruler), (700.0, ruler));
    let at = page.number("page.scale.pixel(page.scale.cursor(page.at.step))");
    assert!((at - 700.0).abs() < 15.0, "{at}");
    // The other axis shows the same events.
    page.key("x");
    assert_eq!(page.text("#window"), "all 444 steps");
}

#[test]
fn two_fingers_zoom_and_one_taps() {
    let Some(mut page) = open("touch", &runs::pipeline(), "") else {
        return;
    };
    page.resize(390, 844, 3, true);
    page.reopen("axis=steps");
    let whole = page.window();
    let (_, y) = page.point(4, 100.0);
    page.touch("touchStart", &[(200.0, y), (240.0, y)]);
    page.touch("touchMove", &[(160.0, y), (280.0, y)]);
    page.touch("touchMove", &[(120.0, y), (340.0, y)]);
    page.touch("touchEnd", &[]);
    let near = page.window();
    assert!(
        near.1 - near.0 < (whole.1 - whole.0) / 3.0,
        "{near:?} of {whole:?}"
    );
    assert_eq!(page.ask("document.getElementById('life').hidden"), "true");
    page.touch("touchStart", &[(200.0, y)]);
    page.touch("touchEnd", &[]);
    assert_eq!(page.text("#life h2"), "Task 4 parse 1");
}

#[test]
fn the_keyboard_reaches_everything() {
    let Some(mut page) = open("keys", &runs::pipeline(), "") else {
        return;
    };
    page.key("ArrowDown");
    page.key("ArrowDown");
    assert_eq!(page.text("#life h2"), "Task 2 read");
    page.key("z");
    let window = page.window();
    // To the next event of the chosen task, and back.
    page.key("Home");
    page.ask("page.leap(1)");
    page.frame();
    assert!(
        page.text("#caption")
            .starts_with("Task 2 “read” is spawned")
    );
    assert!(window.1 > window.0);
    page.key("v");
    assert_eq!(
        page.ask("document.getElementById('replay').hidden"),
        "false"
    );
    page.key("v");
    assert_eq!(
        page.ask("document.getElementById('timeline').hidden"),
        "false"
    );
    for rows in ["low", "all", "high"] {
        page.key("l");
        assert_eq!(page.ask("page.at.rows"), rows);
    }
    page.key("?");
    assert_eq!(page.ask("document.getElementById('help').open"), "true");
    // While the help is open the keys are its own.
    let step = page.ask("page.at.step");
    page.key("ArrowRight");
    assert_eq!(page.ask("page.at.step"), step);
    page.ask("document.getElementById('help').close()");
    // Everything that can be pressed has a name.
    let nameless = page.ask(
        "[...document.querySelectorAll('button, input, select, canvas')]
            .filter((it) => !(it.innerText || it.getAttribute('aria-label') || it.labels?.length)).length",
    );
    assert_eq!(nameless, "0");
}

#[test]
fn the_address_leads_back_to_a_moment() {
    let Some(mut page) = open(
        "address",
        &runs::pipeline(),
        "view=timeline&step=30&task=3&axis=steps&from=20&to=60&rows=low&theme=dark",
    ) else {
        return;
    };
    assert_eq!(page.window(), (20.0, 60.0));
    assert_eq!(page.text("#life h2"), "Task 3 parse 0");
    page.key("ArrowRight");
    while !page.ask("location.hash").contains("step=31") {
        page.frame();
    }
    assert_eq!(
        page.ask("location.hash"),
        "#view=timeline&step=31&task=3&rows=low&theme=dark&axis=steps&from=20&to=60"
    );
    // What makes no sense is as if it were not there.
    page.reopen("view=other&step=much&task=99&axis=none&from=x&to=y&rows=1&speed=3");
    assert_eq!(page.text("#where"), "1 / 444 · +0 ns");
    page.reopen("step=100000");
    assert!(page.text("#where").starts_with("444 / 444"));
}
