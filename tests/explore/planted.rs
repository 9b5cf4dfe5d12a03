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
    ];
    assert_eq!(schedules, expected);
}

/// How many schedules each strategy needs at most, for some seeds.
#[test]
fn each_strategy_finds_what_it_is_for() {
    let within = |name: &str, explorer: fn() -> Explorer, limits: [Option<usize>; 6]| {
        for (bug, limit) in ALL.iter().zip(limits) {
            let most = (0..10).map(|seed| {
                let found = find(bug, explorer().seed(seed), name);
                found.map_or(usize::MAX, |found| found.schedules())
            });
            let most = most.max().expect("ten seeds");
            match limit {
                Some(limit) => assert!(most <= limit, "{name}, {}: {most}", bug.name),
                None => assert_eq!(most, usize::MAX, "{name}, {}", bug.name),
            }
        }
    };
    let limits = [Some(15), Some(10), Some(10), Some(35), Some(15), Some(25)];
    within("deepest", || Explorer::new().depth_first(1_000), limits);
    // Twenty polls of others before one's own is what chance hardly ever does …
    let limits = [Some(50), Some(50), Some(50), Some(300), Some(200), None];
    within("random", || Explorer::new().random(1_000), limits);
    // … and the very thing for a priority.
    let limits = [
        Some(100),
        Some(100),
        Some(100),
        Some(100),
        Some(600),
        Some(100),
    ];
    within("pct", || Explorer::new().pct(1_000, 2), limits);
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
    assert_eq!(counts, [35, 33, 5, 126, 30, 1]);
}

#[test]
fn whoever_finds_it_the_small_schedule_is_as_small_as_can_be() {
    for bug in &ALL {
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
