//! What a recorder shows of those whose birth it has overwritten: they are known all the same.

use bibelot::task::JoinHandle;
use bibelot::testing::Sim;
use bibelot::time::{Duration, sleep};
use bibelot::trace::{Event, Recorder, Recording};
use bibelot::{Executor, spawn, task};

use crate::open_kept;

/// The last `capacity` events of `main`, up to its end.
fn kept_of<F: Future>(capacity: usize, main: F) -> Recording {
    let recorder = Recorder::new(capacity);
    let kept = recorder.clone();
    let builder = Executor::builder().observer(recorder);
    let recording = Sim::from_builder(builder).run(async move {
        main.await;
        kept.recording()
    });
    let is_birth = |event: &Event| matches!(event, Event::Spawned { .. });
    let births = recording
        .events()
        .iter()
        .filter(|(_, event)| is_birth(event));
    assert_eq!(births.count(), 0, "all births are lost");
    recording
}

/// Sleeps a millisecond, so many times.
async fn sleeps(times: usize) {
    for _ in 0..times {
        sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn tasks_whose_birth_is_overwritten_have_their_names_parents_and_places() {
    let named = |name: &str| task::Builder::new().name(name);
    let kept = kept_of(30, async move {
        let parent = named("the parent").spawn(async move {
            named("the child").spawn(sleeps(20)).await.unwrap();
        });
        sleeps(12).await;
        drop(parent);
    });
    assert!(kept.lost() > 0);
    let Some(mut page) = open_kept("kept", &kept, "task=3") else {
        return;
    };
    let lanes = "page.model.order.map((lane) => page.words.who(lane)).join(', ')";
    assert_eq!(
        page.ask(lanes),
        "task 1 “main”, task 2 “the parent”, task 3 “the child”"
    );
    let life = page.text("#life");
    assert!(life.starts_with("Task 3 the child"), "{life}");
    assert!(
        life.contains("before the recording begins, by task 2 “the parent”"),
        "{life}"
    );
    assert!(life.contains("tests/pages/kept.rs:"), "{life}");
    assert!(
        life.contains("After step 1 it is in a state that was not recorded."),
        "{life}"
    );
    page.reopen("find=parent");
    assert_eq!(page.text("#found"), "1 of 3 tasks");
}

#[test]
fn a_line_of_ancestors_may_be_as_long_as_it_likes() {
    /// Spawns so many generations, of which each waits for the next, and the last one sleeps.
    fn descend(generations: usize) -> JoinHandle<()> {
        spawn(async move {
            match generations {
                0 => sleeps(30).await,
                _ => descend(generations - 1).await.unwrap(),
            }
        })
    }
    let kept = kept_of(20, async {
        let _first = descend(30_000);
        sleep(Duration::from_millis(25)).await;
    });
    let Some(mut page) = open_kept("ancestors", &kept, "") else {
        return;
    };
    assert_eq!(page.number("page.model.order.length"), 30_002.0);
    assert_eq!(page.number("page.model.order.at(-1).depth"), 30_001.0);
}
