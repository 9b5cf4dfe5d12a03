//! Yours: a policy and a workload of your own, beside all the others.
//!
//! Ten lines for one, a line in its list, and the table and the report have it:
//!
//! ```text
//! cargo run --release --example lab -- --policy fifo,shy --workload rush
//! ```

use bibelot::sched::{Policy, ReadyTask};

use crate::figures::Figure;
use crate::lab::{Lab, ms};
use crate::policies::Named;
use crate::workloads::Workload;

/// Your policies.
pub(crate) const POLICIES: &[Named] = &[Named {
    name: "shy",
    about: "who has had the fewest polls comes first",
    make: |_seed| Box::new(Shy::default()),
}];

/// Your workloads.
pub(crate) const WORKLOADS: &[Workload] = &[Workload {
    name: "rush",
    about: "forty guests come at noon, and the cook has a stew on the fire",
    of: "guest",
    matters: Figure::Turnaround,
    start: rush,
}];

/// The task that has had the fewest polls comes first.
#[derive(Default)]
struct Shy(Vec<ReadyTask>);

impl Policy for Shy {
    fn push(&mut self, task: ReadyTask) {
        self.0.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        let fewest = (0..self.0.len()).min_by_key(|&nth| self.0[nth].polls())?;
        Some(self.0.remove(fewest))
    }
}

/// Guests who all come at noon, each with some small wish, and one large piece of work.
fn rush(lab: &Lab) {
    lab.job("stew").slice(ms(4)).work(ms(160));
    for _ in 0..40 {
        let noon = 100 + lab.random(30) + lab.random(30);
        let wish = ms(2 + lab.random(8));
        lab.job("guest").after(ms(noon)).work(wish);
    }
}
