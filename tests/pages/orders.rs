//! Recordings whose order contradicts itself: what another observer has kept may be anything.

use bibelot::trace::Event;

use crate::{open, runs};

/// Random numbers: xorshift.
struct Dice(u64);

impl Dice {
    /// A number below `bound`.
    fn roll(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[test]
fn events_in_any_order_are_shown_somehow() {
    for seed in 1..=3 {
        let mut dice = Dice(seed * 0x9E37_79B9);
        let mut events = match seed % 3 {
            0 => runs::scopes(),
            1 => runs::ends(),
            _ => runs::echo(3, 2),
        };
        // Some events are told twice, some never, and all somewhere else.
        for _ in 0..events.len() / 4 {
            let (from, to) = (dice.roll(events.len()), dice.roll(events.len()));
            events[to] = events[from].clone();
        }
        for nth in 1..events.len() {
            events.swap(nth, dice.roll(nth + 1));
        }
        let Some(mut page) = open(&format!("orders-{seed}"), &events, "") else {
            return;
        };
        let said = page.ask(
            "(() => {
                const texts = [];
                for (let step = 0; step <= page.log.count; step++) {
                    page.go(step);
                    texts.push(document.getElementById('caption').textContent, document.getElementById('replay').textContent);
                }
                for (const lane of page.model.lanes) {
                    page.choose(lane);
                    texts.push(document.getElementById('life').textContent);
                }
                return texts.find((text) => /NaN|undefined|null|Infinity/.test(text)) ?? 'all is said';
            })()",
        );
        assert_eq!(said, "all is said", "seed {seed}");
        page.reopen("view=replay&step=30");
        assert!(page.text("#caption").len() > 10);
    }
}

#[test]
fn a_log_of_two_executors_names_the_tasks_of_each() {
    // In both of them the second task has the number 2.
    let (first, second) = (runs::fetch(), runs::shuffled());
    let is_second =
        |(_, event): &(_, Event)| matches!(event, Event::Polled { task } if task.get() == 2);
    let one = first.iter().position(is_second).unwrap() + 1;
    let other = first.len() + second.iter().position(is_second).unwrap() + 1;
    let Some(mut page) = open("two", &[first, second].concat(), "") else {
        return;
    };
    for (step, said) in [
        (one, "Task 2 “fetch” is polled"),
        (other, "Task 2 “card 0” is polled"),
    ] {
        page.reopen(&format!("view=replay&step={step}"));
        let caption = page.text("#caption");
        assert!(caption.starts_with(said), "{caption}");
    }
}
