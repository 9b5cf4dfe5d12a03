//! The rules of the house that no compiler checks: imports point down, files are small and say what
//! they are, `unsafe` and clocks stay where they belong, simulations are compared, and nothing is left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground: a module uses its own floor and those below. `src/lib.rs` lists them
/// in the same order.
const FLOORS: [&[&str]; 8] = [
    &[
        "clock",
        "counter",
        "error",
        "place",
        "primitive",
        "report",
        "rng",
        "sys",
    ],
    &[
        "counted",
        "frame",
        "inbox",
        "locals",
        "maybe_done",
        "observer",
        "ready",
        "registry",
        "sched",
        "scheduler",
        "sleeper",
        "timers",
        "wait_queue",
        "waker",
    ],
    &["reactor", "task"],
    &["executor"],
    &[
        "block",
        "cancel_scope",
        "cancelled",
        "canceller",
        "consume",
        "epilogue",
        "group",
        "group_error",
        "local",
        "race",
        "reply",
        "scope",
        "thread",
        "time",
    ],
    &["sync", "worker"],
    &["fs", "io", "net", "process", "signal"],
    &["testing", "trace"],
];

/// Uses that point up, each with its reason.
const EXCEPTIONS: [(&str, &[&str], &str); 4] = [
    ("observer", &["task"], "an observer is told of tasks"),
    ("sched", &["task"], "a policy is told of tasks"),
    ("scheduler", &["task"], "a slot holds a task"),
    (
        "task",
        &[
            "cancel_scope",
            "cancelled",
            "consume",
            "epilogue",
            "executor",
            "group",
            "group_error",
            "local",
            "race",
            "scope",
        ],
        "what tasks do is re-exported where users look for it; a handle asks its executor for the time",
    ),
];

/// Modules of one floor that use each other: the way back, with its reason.
const WAYS_BACK: [(&str, &[&str], &str); 2] = [
    (
        "waker",
        &["registry", "scheduler"],
        "a wake ends in a ready queue, or in an inbox that the registry knows",
    ),
    (
        "io",
        &["fs", "net", "process"],
        "a standard stream may be a file; and what all streams have in common is written once",
    ),
];

/// Files that may say `unsafe`.
const UNSAFE: [&str; 4] = [
    "src/waker.rs",
    "src/task/cell.rs",
    "src/task/pool.rs",
    "src/sys.rs",
];

/// How long a file may be.
const LINES_MAX: usize = 400;

/// Files that are longer, and how long they may be: not to grow.
const LONGER: [(&str, usize); 1] = [("src/task/cell.rs", 456)];

/// Files without a header: programs of twenty lines, of which it is measured what building them costs.
const HEADLESS: [&str; 6] = [
    "benches/peers/embedding/async-io.rs",
    "benches/peers/embedding/bibelot.rs",
    "benches/peers/embedding/monoio.rs",
    "benches/peers/embedding/smol.rs",
    "benches/peers/embedding/std.rs",
    "benches/peers/embedding/tokio.rs",
];

/// All files of ours: the library's, its tests, examples, and benchmarks, which are in no package.
fn ours() -> impl Iterator<Item = (String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["src", "tests", "examples", "benches"]
        .into_iter()
        .filter(|folder| *folder != "benches" || root.join(folder).exists())
        .flat_map(sources)
        .filter(|(file, _)| !file.contains("/target/"))
}

/// All files of ours under `folder` whose names end with `.rs`.
fn sources(folder: &str) -> Vec<(String, String)> {
    /// Adds the files of one folder.
    fn add(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                add(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    add(&root.join(folder), &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source file");
        let name = path.strip_prefix(root).expect("under the root");
        (
            name.to_str().expect("a plain name").replace('\\', "/"),
            text,
        )
    };
    found.into_iter().map(read).collect()
}

/// The lines of code: without comments, and without the tests at the end of a file.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().enumerate();
    lines
        .map(|(nth, line)| (nth + 1, line.split("//").next().expect("at least one part")))
        .filter(|(_, line)| !line.trim().is_empty())
}

/// The floor of a module.
fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The module at the top to which a file belongs.
fn module_of(file: &str) -> &str {
    let path = file.strip_prefix("src/").expect("a file of the library");
    let end = path.find(['/', '.']).expect("at least an extension");
    &path[..end]
}

/// The code as statements: a `use` that goes on over several lines is one, at the line where it begins.
fn statements(text: &str) -> Vec<(usize, String)> {
    let mut statements: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (nth, line) in code(text) {
        if is_open && let Some((_, last)) = statements.last_mut() {
            last.push_str(line.trim());
        } else {
            statements.push((nth, line.trim().to_string()));
            is_open = line.split_whitespace().any(|word| word == "use");
        }
        is_open &= !line.contains(';');
    }
    statements
}

/// What a path names after its first `root::`: one name, or those of a group, each without what is in it.
fn named<'a>(statement: &'a str, root: &str) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (at, _) in statement.match_indices(root) {
        let before = statement[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &statement[at + root.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(first_name(rest));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (at, c) in group.char_indices() {
            match c {
                ',' | '}' if depth == 0 => {
                    names.push(first_name(&group[start..at]));
                    start = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The name with which a path begins.
fn first_name(path: &str) -> &str {
    let path = path.trim();
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
    &path[..end.unwrap_or(path.len())]
}

/// Where the names of the crate's root come from: `pub use module::{name, …}` in `src/lib.rs`.
fn roots() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let front = fs::read_to_string(root.join("src/lib.rs")).expect("the front page");
    let mut roots = BTreeMap::new();
    for (_, statement) in statements(&front) {
        let Some(path) = statement.strip_prefix("pub use ") else {
            continue;
        };
        let module = first_name(path);
        let last = path.trim_end_matches(';').rsplit_once("::");
        let (_, names) = last.expect("a path");
        for name in names.trim_matches(['{', '}']).split(',') {
            let name = name.rsplit(" as ").next().expect("at least one part");
            roots.insert(name.trim().to_string(), module.to_string());
        }
    }
    roots.remove("");
    roots
}

/// Which modules use which, where tests do not count.
fn uses() -> Vec<(String, usize, String, String)> {
    let roots = roots();
    let mut uses = Vec::new();
    for (file, text) in sources("src") {
        let module = module_of(&file);
        // Its tests in a file of their own may use what they like.
        if module == "lib" || file.ends_with("/tests.rs") || file.ends_with("/models.rs") {
            continue;
        }
        for (nth, statement) in statements(&text) {
            for name in named(&statement, "crate::") {
                let other = roots.get(name).map_or(name, String::as_str);
                uses.push((file.clone(), nth, module.to_string(), other.to_string()));
            }
        }
    }
    uses
}

#[test]
fn a_use_is_seen_however_it_is_written() {
    let text = "use crate::{\n    one::{A, B},\n    two, // why\n};\nlet x = crate::three::f(crate::Four);\n";
    let seen: Vec<_> = statements(text)
        .iter()
        .map(|(nth, statement)| (*nth, named(statement, "crate::").join(" ")))
        .collect();
    let expected = [(1, "one two"), (5, "three Four")];
    assert_eq!(seen, expected.map(|(nth, names)| (nth, names.to_string())));
    assert_eq!(
        roots().get("Executor").map(String::as_str),
        Some("executor")
    );
}

#[test]
fn imports_point_down() {
    let mut wrong = String::new();
    let mut needed = [false; EXCEPTIONS.len()];
    for (file, nth, module, other) in uses() {
        let own = floor(&module).unwrap_or_else(|| panic!("{file}: give {module} a floor"));
        let other_floor = floor(&other);
        let other_floor = other_floor.unwrap_or_else(|| panic!("{file}:{nth}: what is {other}?"));
        if other_floor <= own {
            continue;
        }
        let exception = EXCEPTIONS
            .iter()
            .position(|(from, to, _)| *from == module && to.contains(&other.as_str()));
        match exception {
            Some(exception) => needed[exception] = true,
            None => writeln!(wrong, "{file}:{nth}: {module} uses {other}, from above").unwrap(),
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    for (exception, needed) in EXCEPTIONS.iter().zip(needed) {
        assert!(needed, "nobody needs {exception:?}");
    }
}

#[test]
fn no_modules_of_one_floor_use_each_other_unless_it_says_why() {
    let is_way_back = |from: &str, to: &str| {
        let mut ways = WAYS_BACK.iter();
        ways.any(|(module, others, _)| *module == from && others.contains(&to))
    };
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut ways_back = BTreeSet::new();
    for (_, _, module, other) in uses() {
        if module == other || floor(&module) != floor(&other) {
            continue;
        }
        if is_way_back(&module, &other) {
            ways_back.insert((module, other));
        } else {
            edges.entry(module).or_default().insert(other);
        }
    }
    // Without cycles there is always a module that uses none of those left.
    while !edges.is_empty() {
        let before = edges.len();
        let left: BTreeSet<String> = edges.keys().cloned().collect();
        edges.retain(|_, others| others.iter().any(|other| left.contains(other)));
        assert!(edges.len() < before, "these use each other: {edges:?}");
    }
    let listed = WAYS_BACK.iter().map(|(_, others, _)| others.len()).sum();
    assert_eq!(
        ways_back.len(),
        listed,
        "some are not needed: {ways_back:?}"
    );
}

#[test]
fn the_floors_are_those_of_the_front_page() {
    let front = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    let front = front.expect("the front page");
    let listed: Vec<&str> = code(&front)
        .filter_map(|(_, line)| {
            let line = line.trim_start_matches("pub ");
            line.strip_prefix("mod ")?.strip_suffix(';')
        })
        .collect();
    let floors: Vec<usize> = listed
        .iter()
        .map(|module| floor(module).unwrap_or_else(|| panic!("give {module} a floor")))
        .collect();
    assert!(
        floors.is_sorted(),
        "in the order of their floors: {listed:?}"
    );
    for module in FLOORS.iter().copied().flatten() {
        assert!(
            listed.contains(module),
            "{module} is in the table and not in src/lib.rs"
        );
    }
}

#[test]
fn unsafe_is_where_it_belongs() {
    for (file, text) in sources("src") {
        let says = code(&text).find(|(_, line)| {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.any(|word| word == "unsafe")
        });
        if let Some((nth, _)) = says {
            assert!(UNSAFE.contains(&file.as_str()), "{file}:{nth} says unsafe");
        }
    }
}

#[test]
fn files_say_what_they_are_and_stay_small() {
    for (file, text) in ours() {
        if HEADLESS.contains(&file.as_str()) {
            assert!(!text.starts_with("//!"), "{file} has a header by now");
            continue;
        }
        assert!(
            text.starts_with("//! "),
            "{file} does not begin with what it is"
        );
        let lines = text.lines().count();
        let max = LONGER.iter().find(|(longer, _)| *longer == file);
        let max = max.map_or(LINES_MAX, |(_, max)| *max);
        let is_library = file.starts_with("src/");
        assert!(
            !is_library || lines <= max,
            "{file} has {lines} lines, of at most {max}"
        );
    }
}

#[test]
fn the_clock_is_read_in_one_place_and_nobody_sleeps_for_real() {
    for (file, text) in sources("src").into_iter().chain(sources("tests")) {
        if file == "tests/tidy.rs" {
            continue;
        }
        if file != "src/clock.rs" {
            let read = reads_clock(&text);
            assert_eq!(read, None, "{file}: the clock is read in src/clock.rs");
        }
        // There who waits for a lock makes way for its holder, whatever the clocks of tasks say.
        if file != "src/primitive/lean.rs" {
            let slept = sleeps(&text);
            assert_eq!(
                slept, None,
                "{file}: a test or a library that sleeps is slow or flaky"
            );
        }
    }
}

/// The line in which a text reads one of std's clocks, or imports it for that.
fn reads_clock(text: &str) -> Option<usize> {
    let statements = statements(text);
    let imports = |from: &str, name: &str| {
        let mut statements = statements.iter();
        statements.any(|(_, statement)| is_use(statement) && named(statement, from).contains(&name))
    };
    // A point of the file system's time may be named, but not asked for.
    let is_system_time_ours = !imports("std::time::", "SystemTime");
    let is_time_ours = !imports("std::", "time");
    let reads = |statement: &str| {
        is_use(statement) && named(statement, "std::time::").contains(&"Instant")
            || is_use(statement) && statement.contains("SystemTime as ")
            || statement.contains("std::time::Instant::now")
            || statement.contains("std::time::SystemTime::now")
            || !is_system_time_ours && statement.contains("SystemTime::now")
            || !is_time_ours && statement.contains("time::Instant::now")
            || !is_time_ours && statement.contains("time::SystemTime::now")
    };
    let read = statements.iter().find(|(_, statement)| reads(statement));
    read.map(|(nth, _)| *nth)
}

/// The line in which a text has its thread sleep, or imports what does that.
fn sleeps(text: &str) -> Option<usize> {
    let sleeps = |statement: &str| {
        statement.contains("thread::sleep(")
            || is_use(statement) && named(statement, "std::thread::").contains(&"sleep")
    };
    let mut statements = statements(text).into_iter();
    statements.find_map(|(nth, statement)| sleeps(&statement).then_some(nth))
}

/// Whether a statement is an import.
fn is_use(statement: &str) -> bool {
    statement.starts_with("use ") || statement.starts_with("pub") && statement.contains(" use ")
}

#[test]
fn a_clock_and_a_sleep_are_seen_however_they_are_imported() {
    let at = |text: &str| (reads_clock(text), sleeps(text));
    let clocks = [
        "\nlet now = std::time::Instant::now();",
        "\nuse std::time::Instant;",
        "\nuse std::time::{\n    Duration,\n    Instant as Real,\n};",
        "use std::time::SystemTime;\nlet now = SystemTime::now();",
        "\nuse std::time::SystemTime as Real;",
        "use std::{thread, time};\nlet now = time::Instant::now();",
    ];
    for text in clocks {
        assert_eq!(at(text), (Some(2), None), "{text}");
    }
    let sleeps = [
        "use std::thread;\nthread::sleep(day);",
        "\nuse std::thread::sleep;",
        "\nuse std::thread::{\n    self, sleep as nap,\n};",
    ];
    for text in sleeps {
        assert_eq!(at(text), (None, Some(2)), "{text}");
    }
    let virtual_ones = "use bibelot::time::{Instant, sleep};\nuse std::time::SystemTime;\n\
                        let now = Instant::now();\nsleep(day).await;";
    assert_eq!(at(virtual_ones), (None, None));
}

#[test]
fn nothing_is_left_to_do() {
    // Each in two parts, so that this file does not find itself.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("db", "g!("),
    ];
    for (file, text) in ours() {
        for (nth, line) in text.lines().enumerate() {
            for mark in marks {
                assert!(!line.contains(mark), "{file}:{}: {mark}", nth + 1);
            }
        }
    }
}

#[test]
fn every_expectation_gives_its_reason() {
    for (file, text) in ours() {
        let allows = text.match_indices(concat!("[all", "ow("));
        let expects = text.match_indices(concat!("[exp", "ect("));
        for (at, _) in allows.chain(expects) {
            let end = text[at..].find(")]").map_or(text.len(), |end| at + end);
            let expectation = &text[at..end];
            assert!(expectation.contains("reason = "), "{file}: {expectation}");
        }
    }
}

/// How a test simulates, itself or by one of the helpers that many use.
const SIMULATES: [&str; 7] = [
    "Sim::new(",
    "Sim::from_builder(",
    "cancel_storm(",
    " storm(",
    " sim(",
    "schedule(",
    "look_at(",
];

/// What is really outside, and brings a time and an order of its own: two runs that wait for it differ.
const OUTSIDE: [&str; 13] = [
    "thread::",
    "run_in_thread",
    "Command",
    "AsyncFd",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "pipe(",
    "sockets()",
    "foreign",
];

/// Files and tests whose simulations are not compared although their texts name nothing that is outside, and
/// why.
const NOT_COMPARED: [(&str, &str); 10] = [
    ("tests/explore/", "an exploration compares its own runs"),
    ("tests/fs/", "files are by threads"),
    ("tests/process/", "children are outside"),
    ("tests/signal/", "signals are outside"),
    ("tests/worker/", "threads are outside"),
    ("tests/sim/outside.rs", "it is about what is outside"),
    ("tests/stream.rs", "its clients are outside"),
    (
        "a_simulation_without_a_network_makes_real_sockets",
        "as it says",
    ),
    (
        "an_event_may_lie_in_a_thread_local",
        "which outlives the run",
    ),
    (
        "a_deadline_that_was_counted_outside_is_told_and_not_taken_for_one_of_the_simulation",
        "that deadline is of the real clock",
    ),
];

#[test]
fn simulations_are_run_twice_and_compared() {
    let mut not_compared: BTreeSet<&str> = NOT_COMPARED.iter().map(|(what, _)| *what).collect();
    let mut missing = Vec::new();
    for (file, text) in sources("tests") {
        if file == "tests/tidy.rs" {
            continue;
        }
        for test in text.split("\n#[test]\n").skip(1) {
            let body = test.split("\n}").next().expect("a test has a body");
            let name = body
                .split("fn ")
                .nth(1)
                .and_then(|rest| rest.split('(').next());
            let name = name.expect("a test has a name");
            let has = |words: &[&str]| words.iter().any(|word| body.contains(word));
            if !has(&SIMULATES) || has(&["same_every_time(", "twice("]) {
                continue;
            }
            let listed =
                { NOT_COMPARED.iter() }.find(|(what, _)| file.starts_with(what) || name == *what);
            if let Some((what, _)) = listed {
                not_compared.remove(what);
                continue;
            }
            // What the network in memory makes looks like a socket, and is inside.
            let is_outside = has(&OUTSIDE) && !file.starts_with("tests/network/");
            if !is_outside {
                missing.push(format!("{file}: {name}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "these do not call same_every_time(), nor are they listed with a reason: {missing:#?}"
    );
    assert!(
        not_compared.is_empty(),
        "need not be listed: {not_compared:?}"
    );
}

#[test]
fn the_readme_shows_a_policy_and_a_workload_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file| fs::read_to_string(root.join(file)).expect("a file of the repository");
    let (readme, yours) = (read("README.md"), read("examples/lab/yours.rs"));
    let (_, after) = readme
        .split_once("`examples/lab/yours.rs`:\n\n```rust,ignore\n")
        .expect("it says where they go, and shows them");
    let (shown, _) = after.split_once("\n```").expect("a block has an end");
    for line in shown.lines() {
        let stands = yours.lines().any(|own| own == line);
        assert!(stands, "not in examples/lab/yours.rs: {line}");
    }
    // Without these the laboratory would know of neither.
    for needed in ["const POLICIES", "const WORKLOADS", "struct Shy", "fn rush"] {
        assert!(shown.contains(needed), "the block leaves out: {needed}");
    }
}
