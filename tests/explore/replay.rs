//! Replay files: what is refused when it is read, and what when it is followed. Nothing hangs.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bibelot::spawn;
use bibelot::task::{Builder, yield_now};
use bibelot::testing::{Explorer, Sim};

use crate::bugs::ALL;
use crate::folder;
use crate::support::{Trace, panic_of};

/// The file of a bug, found anew.
fn file_of(bug: usize, name: &str) -> PathBuf {
    let bug = &ALL[bug];
    let explorer = Explorer::new().replay_dir(folder(name));
    let found = explorer.try_run(async || bug.broken().await).unwrap_err();
    found.replay_file().unwrap().to_owned()
}

/// What is said of a file with this text, and of which line.
fn refused(folder: &Path, text: &str) -> Option<(usize, String)> {
    let path = folder.join("changed.replay");
    fs::write(&path, text).unwrap();
    let error = Sim::replay(&path).err()?;
    Some((error.line().unwrap(), error.to_string()))
}

/// A text with the checks of its lines, as they should be.
fn checked(lines: &[&str]) -> String {
    let mut text = format!("{}\n", lines[0]);
    let mut check = 0x811c_9dc5_u32;
    for line in &lines[1..] {
        for byte in line.bytes().chain([b'\n']) {
            check = (check ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        text += &format!("{line} #{check:08x}\n");
    }
    text
}

/// The lines of a file without their checks.
fn unchecked(text: &str) -> Vec<&str> {
    let line = |line: &'_ str| {
        line.len()
            - line
                .rsplit_once(" #")
                .map_or(0, |(_, check)| check.len() + 2)
    };
    text.lines().map(|whole| &whole[..line(whole)]).collect()
}

#[test]
fn the_file_is_text_with_a_line_for_each_decision() {
    let text = fs::read_to_string(file_of(0, "text-of-file")).unwrap();
    let lines = unchecked(&text);
    assert_eq!(checked(&lines), text);
    assert_eq!(lines[0], "bibelot replay 2");
    assert_eq!(lines[1], format!("version {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(lines[2], "program explore");
    assert!(
        lines[3].starts_with("test tests/explore/replay.rs:"),
        "{}",
        lines[3]
    );
    assert_eq!(lines[4], "found exhaustive search, fewest overtakes first");
    assert_eq!(lines[5], "seed 0");
    assert!(
        lines[6].starts_with("fails \"the test panicked: "),
        "{}",
        lines[6]
    );
    assert_eq!(lines[7], "polls_max 100000");
    let decided = lines[8];
    assert!(decided.starts_with("decision 1 of "), "{decided}");
    assert!(
        decided.contains(": 2 of 2, task 3 at tests/explore/bugs.rs:"),
        "{decided}"
    );
    assert_eq!(lines.last(), Some(&"end"));
}

#[test]
fn a_file_that_was_cut_anywhere_is_refused() {
    let path = file_of(1, "cut");
    let text = fs::read_to_string(&path).unwrap();
    let folder = path.parent().unwrap();
    assert_eq!(refused(folder, &text), None);
    assert_eq!(
        refused(folder, &text.replace('\n', "\r\n")),
        None,
        "as some systems write it"
    );
    // Without the last line's end it is still whole.
    for end in 0..text.len() - 1 {
        let cut = &text[..end];
        let (line, says) = refused(folder, cut).unwrap_or_else(|| panic!("taken: {cut:?}"));
        let last = cut.lines().count().max(1);
        assert!(line == last || line == last + 1, "{end}: {says}");
        assert!(
            says.contains("expected") && says.contains("found"),
            "{says}"
        );
    }
}

#[test]
fn a_file_that_was_changed_anywhere_is_refused_by_its_line() {
    let path = file_of(1, "changed");
    let text = fs::read_to_string(&path).unwrap();
    let folder = path.parent().unwrap();
    for at in 0..text.len() - 1 {
        let line = text[..at].lines().count().max(1) + usize::from(text[..at].ends_with('\n'));
        // A digit where a digit may be, a letter, and a line more, in turns.
        let others = ["1", "x", "\n"];
        for other in [others[at % 3], others[(at + 1) % 3]] {
            let mut changed = text.clone();
            changed.replace_range(at..=at, other);
            if changed == text {
                continue;
            }
            let (told, says) =
                refused(folder, &changed).unwrap_or_else(|| panic!("taken: {changed}"));
            assert!(
                told == line || told == line + 1,
                "{at} {other:?}, line {line}: {says}"
            );
        }
    }
    let (told, says) = refused(folder, &format!("{text}more\n")).expect("one is added");
    assert!(
        told == text.lines().count() + 1 && says.ends_with("\"more\": it was added"),
        "{says}"
    );
    // Whole lines.
    let lines: Vec<&str> = text.lines().collect();
    for nth in 1..lines.len() {
        let mut without = lines.clone();
        without.remove(nth);
        let (told, says) = refused(folder, &without.join("\n")).expect("one is not there");
        assert_eq!(told, nth + 1, "{says}");
        let mut twice = lines.clone();
        twice.insert(nth, lines[nth]);
        // What comes behind the end is nobody's.
        if nth + 1 < lines.len() {
            let (told, says) = refused(folder, &twice.join("\n")).expect("one is there twice");
            assert_eq!(told, nth + 2, "{says}");
        }
    }
}

#[test]
fn a_file_of_another_version_or_of_none_is_refused() {
    let path = file_of(0, "version");
    let text = fs::read_to_string(&path).unwrap();
    let folder = path.parent().unwrap();
    let mut lines = unchecked(&text);
    lines[1] = "version 0.0.1";
    let (line, says) = refused(folder, &checked(&lines)).unwrap();
    assert_eq!(line, 2);
    assert!(
        says.contains("written by version 0.0.1 of bibelot, and this is "),
        "{says}"
    );
    // The first format did not say the seed, so chance could not be the same again.
    for format in ["bibelot replay 1", "bibelot replay 3"] {
        lines[0] = format;
        let (line, says) = refused(folder, &checked(&lines)).unwrap();
        assert_eq!(line, 1);
        let expected = format!("found {format:?}: another format; explore the test again");
        assert!(says.ends_with(&expected), "{says}");
    }
    for other in ["", "\n", "{\"json\": true}", "\u{feff}bibelot replay 2"] {
        let (line, says) = refused(folder, other).unwrap();
        assert!(line == 1 && says.contains("no replay file"), "{says}");
    }
    // Right checks over nonsense.
    for nonsense in [
        "decision 1 of 1: 0 of 2, task 2 at a.rs:1:1",
        "decision 2 of 1",
        "ends",
    ] {
        let mut lines = unchecked(&text);
        lines[8] = nonsense;
        let (line, says) = refused(folder, &checked(&lines)).unwrap();
        assert!(line == 9 && says.contains("expected a decision"), "{says}");
    }
}

#[test]
fn a_file_whose_numbers_are_none_is_refused() {
    let path = file_of(0, "numbers");
    let text = fs::read_to_string(&path).unwrap();
    let folder = path.parent().unwrap();
    for (nth, wrong) in [(5, "seed -1"), (7, "polls_max many")] {
        let mut lines = unchecked(&text);
        lines[nth] = wrong;
        let (line, says) = refused(folder, &checked(&lines)).unwrap();
        assert!(
            line == nth + 1 && says.contains("expected a number behind "),
            "{says}"
        );
    }
    // And one that is not there.
    let mut lines = unchecked(&text);
    lines.remove(5);
    let (line, says) = refused(folder, &checked(&lines)).unwrap();
    assert!(line == 6 && says.contains("expected \"seed\""), "{says}");
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_the_reason() {
    let folder = folder("unread");
    let error = Sim::replay(folder.join("none.replay")).unwrap_err();
    assert_eq!(error.line(), None);
    assert!(
        error.to_string().starts_with("reading the replay file \""),
        "{error}"
    );
    assert!(error.source().unwrap().to_string().contains("No such file"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("bytes"), [0xff, 0xfe, 0x00]).unwrap();
    let error = Sim::replay(folder.join("bytes")).unwrap_err();
    assert!(error.source().is_some(), "{error}");
}

#[test]
fn another_program_is_told_at_the_decision_that_does_not_fit() {
    for (file, path) in (0..ALL.len()).map(|nth| (nth, file_of(nth, &format!("other-{nth}")))) {
        for (program, bug) in ALL
            .iter()
            .enumerate()
            .filter(|(program, _)| *program != file)
        {
            let text = panic_of(|| Sim::replay(&path).unwrap().run(bug.broken()));
            let is_told =
                text.contains("what runs here is not what was explored (program explore, test ");
            // The tasks of those two have the same names, in the same file.
            let is_alike = file < 2 && program < 2 && text.contains(bug.says);
            assert!(is_told || is_alike, "{file} by {program}: {text}");
        }
    }
    let text = panic_of(|| {
        Sim::replay(file_of(0, "told"))
            .unwrap()
            .run(ALL[2].broken())
    });
    let places = text.split("tests/explore/bugs.rs:").count() - 1;
    assert!(text.starts_with("line 9 of the replay file \""), "{text}");
    assert!(text.contains("decision 1 is 2 of 2, task 3 at "), "{text}");
    assert!(
        text.contains("but ready are 2 tasks: task 2 \"waiter\" (spawned at "),
        "{text}"
    );
    assert_eq!(places, 3, "{text}");
}

#[test]
fn a_file_without_decisions_is_followed_by_its_own_program_alone() {
    let explorer = Explorer::new().replay_dir(folder("no-decision"));
    let found = explorer.try_run(async || panic!("in the plain order"));
    let found = found.unwrap_err();
    let path = found.replay_file().unwrap();
    let text = fs::read_to_string(path).unwrap();
    let mut lines = unchecked(&text);
    assert!(!lines.iter().any(|line| line.starts_with("decision")));
    assert_eq!(refused(path.parent().unwrap(), &text), None);

    lines[2] = "program another";
    let (line, says) = refused(path.parent().unwrap(), &checked(&lines)).unwrap();
    assert_eq!(line, 3);
    assert!(
        says.contains("program another, and this is explore"),
        "{says}"
    );
}

#[test]
fn a_program_that_ends_too_soon_is_told_so() {
    let path = file_of(0, "too-soon");
    let text = panic_of(|| Sim::replay(&path).unwrap().run(async {}));
    assert!(
        text.starts_with("the program has ended after 0 of the "),
        "{text}"
    );
    // A panic of its own is told instead.
    let text = panic_of(|| Sim::replay(&path).unwrap().run(async { panic!("my own") }));
    assert_eq!(text, "my own");
}

#[test]
fn a_file_and_a_seed_are_two_orders_and_refused() {
    let path = file_of(0, "and-a-seed");
    let text = panic_of(|| drop(Sim::replay(&path).unwrap().seed(7)));
    assert_eq!(
        text,
        "a simulation that follows a replay file has its order and its chance from there, and needs no seed"
    );
}

#[test]
fn after_the_file_it_is_first_come_first_served() {
    // Fails at the first decision, when `b` comes before `a`; the rest is not in the file.
    async fn test(trace: Trace, fails: bool) {
        let first = Rc::new(std::cell::Cell::new(None));
        for name in ["a", "b", "c"] {
            let (trace, first) = (trace.clone(), Rc::clone(&first));
            drop(Builder::new().name(name).spawn(async move {
                let is_first = first.replace(Some(name)).is_none();
                assert!(!fails || !is_first || name != "b", "b is first");
                trace.say(name);
                yield_now().await;
                trace.say(name);
            }));
        }
    }
    let explorer = Explorer::new().replay_dir(folder("after"));
    let found = explorer.try_run(|| test(Trace::new(), true)).unwrap_err();
    let path = found.replay_file().unwrap();
    let trace = Trace::new();
    Sim::replay(path).unwrap().run(test(trace.clone(), false));
    assert_eq!(trace.take(), ["b", "a", "c", "b", "a", "c"]);
}

#[test]
fn a_panic_that_nobody_joins_fails_the_replay_too() {
    for is_last in [false, true] {
        let test = async || {
            let begun = Rc::new(std::cell::Cell::new(false));
            let has_begun = Rc::clone(&begun);
            drop(spawn(async move { begun.set(true) }));
            drop(spawn(async move { assert!(has_begun.get(), "too early") }));
            if !is_last {
                yield_now().await;
                yield_now().await;
            }
        };
        let explorer = Explorer::new().replay_dir(folder(&format!("unjoined-{is_last}")));
        let found = explorer.try_run(test).unwrap_err();
        let sim = Sim::replay(found.replay_file().unwrap()).unwrap();
        let text = panic_of(|| sim.run(test()));
        assert!(
            text.ends_with("panicked: too early; nobody was left to join it"),
            "{text}"
        );
    }
}

#[test]
fn the_file_is_where_it_was_asked_for_and_a_folder_keeps_what_it_has() {
    let folder = folder("place");
    let failing = |message: &'static str| async move { panic!("{message}") };
    let save = |message| {
        let explorer = Explorer::new().replay_dir(&folder);
        let found = explorer.try_run(|| failing(message)).unwrap_err();
        found.replay_file().unwrap().to_owned()
    };
    let (one, same, other) = (save("one"), save("one"), save("other"));
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert!(fs::read_to_string(&one).unwrap().contains("panicked: one"));
    assert!(
        fs::read_to_string(&other)
            .unwrap()
            .contains("panicked: other")
    );
    let path = folder.join("mine.replay");
    for message in ["one", "other"] {
        let found = Explorer::new()
            .replay_file(&path)
            .try_run(|| failing(message));
        assert_eq!(found.unwrap_err().replay_file(), Some(&*path));
        assert!(fs::read_to_string(&path).unwrap().contains(message));
    }
    // Without a word it is in the system's folder for such.
    let found = Explorer::new().try_run(|| failing("here")).unwrap_err();
    let path = found.replay_file().unwrap();
    assert!(path.starts_with(std::env::temp_dir()));
    fs::remove_file(path).unwrap();
}
