//! The planted bugs: each is found, shrunk and replayed, and the mended version is proven clean.

use bibelot::testing::{Explorer, Found, Sim};

use crate::bugs::{ALL, Bug};
use crate::folder;
use crate::support::panic_of;

/// What an explorer finds.
fn find(bug: &Bug, explorer: Explorer, name: &str) -> Option<Found> {
    let folder = folder(&format!("{}-{name}", bug.name));
    let explorer = explorer.replay_dir(folder);
    explorer.try_run(async || bug.broken().await).err()
}

#[test]
fn none_shows_in_the_plain_order() {
    for bug in &ALL {
        Sim::new().run(bug.broken());
        Sim::new().run(bug.mended());
    }
}

#[test]
fn each_is_found_by_the_usual_plan_and_said_by_its_name() {
    let mut schedules = Vec::new();
    for bug in &ALL {
        let found = find(bug, Explorer::new(), "usual").expect(bug.name);
        assert!(found.message().contains(bug.says), "{found}");
        schedules.push((bug.name, found.schedules(), found.overtakes()));
    }
    // The same explorer takes the same schedules on every machine.
    let expected = [
        ("lost update", 7, 2),
        ("lock order", 7, 2),
        ("missed notify", 9, 3),
        ("double release", 31, 3),
        ("cancellation hole", 10, 2),
        ("late starter", 21, 20),
        ("three in a row", 1766, 7),
    ];
    assert_eq!(schedules, expected);
}

/// The most schedules that a strategy needs for each bug, over some seeds; `None` if it does not find it
/// with one of them within a thousand.
fn most(name: &str, explorer: fn() -> Explorer) -> [Option<usize>; 7] {
    ALL.map(|bug| {
        let found = |seed| find(&bug, explorer().seed(seed), name).map(|found| found.schedules());
        let all: Option<Vec<usize>> = (0..10).map(found).collect();
        all.and_then(|all| all.into_iter().max())
    })
}

#[test]
fn each_strategy_finds_what_it_is_for() {
    // By the number of overtakes: the last bug needs six, and there are many schedules with less.
    let fewest = most("fewest", || Explorer::new().exhaustive(1_000));
    assert_eq!(
        fewest,
        [
            Some(7),
            Some(7),
            Some(9),
            Some(31),
            Some(10),
            Some(21),
            None
        ]
    );
    let deepest = most("deepest", || Explorer::new().depth_first(1_000));
    assert_eq!(
        deepest,
        [
            Some(8),
            Some(8),
            Some(4),
            Some(10),
            Some(3),
            Some(21),
            Some(88)
        ]
    );
    // Twenty polls of others before one's own is what even chance hardly ever does …
    let random = most("random", || Explorer::new().random(1_000));
    assert_eq!(random[5], None);
    assert!(
        random[..5]
            .iter()
            .all(|most| most.is_some_and(|most| most < 50)),
        "{random:?}"
    );
    // … and the very thing for a priority. Three windows one in the other are of depth three.
    let pct = most("pct", || Explorer::new().pct(1_000, 2));
    assert_eq!(pct[6], None);
    assert!(
        pct[..6]
            .iter()
            .all(|most| most.is_some_and(|most| most < 150)),
        "{pct:?}"
    );
}

#[test]
fn the_mended_versions_are_clean_in_every_schedule() {
    let counts = ALL.map(|bug| {
        let fewest = Explorer::new().exhaustive(100_000);
        let deepest = Explorer::new().depth_first(100_000);
        let fewest = fewest.run(async || bug.mended().await);
        let deepest = deepest.run(async || bug.mended().await);
        assert!(fewest.is_complete(), "{}: {fewest}", bug.name);
        assert_eq!(fewest, deepest, "both search the same tree");
        assert_eq!(fewest.schedules(), fewest.distinct(), "each once");
        fewest.schedules()
    });
    assert_eq!(counts, [35, 33, 5, 126, 30, 1, 27_300]);
}

#[test]
fn whoever_finds_it_the_small_schedule_is_as_small_as_can_be() {
    // Of the last one the least schedule is the ten-thousandth or so.
    for bug in &ALL[..6] {
        // It takes the schedules with fewest overtakes first: none is smaller.
        let least = find(bug, Explorer::new().exhaustive(100_000), "least");
        let least = least.expect(bug.name).overtakes();
        let others = [
            Explorer::new().depth_first(10_000),
            Explorer::new().random(10_000),
            Explorer::new().pct(10_000, 3).seed(7),
        ];
        for explorer in others {
            if let Some(found) = find(bug, explorer, "small") {
                assert_eq!(found.overtakes(), least, "{found}");
            }
        }
    }
}

#[test]
fn the_replay_file_reproduces_each() {
    for bug in &ALL {
        let found = find(bug, Explorer::new(), "replay").expect(bug.name);
        let path = found.replay_file().expect("a file");
        for _ in 0..2 {
            let sim = Sim::replay(path).unwrap();
            let text = panic_of(|| sim.run(bug.broken()));
            assert!(text.contains(bug.says), "{}: {text}", bug.name);
        }
    }
}
