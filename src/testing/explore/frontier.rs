//! All the schedules there are, each once.
//!
//! ```text
//!   0 0 0 0            the plain order: first come, first served
//!   ├─ 1               … and each way to overtake once more, later than the last time
//!   │  ├─ 1 1
//!   │  ├─ 1 0 1
//!   │  └─ 1 0 0 1
//!   ├─ 0 1
//!   │  ├─ 0 1 1
//!   …
//! ```
//!
//! A schedule is the list of its overtakes; without its last one it is the schedule above it in the tree.
//! So each is reached once, from a run that has shown that the last decision is there. A *branch* is a
//! schedule that was not run yet, and the order in which branches are taken is the whole difference between
//! the two searches:
//!
//! - first in, first out: by the number of overtakes. What two overtakes can break is found before any
//!   schedule with three is tried, which most bugs do not need (Musuvathi and Qadeer, "Iterative context
//!   bounding for systematic testing of multithreaded programs", PLDI 2007; Emmi, Qadeer and Rakamarić,
//!   "Delay-bounded scheduling", POPL 2011). Branches take memory, but never more than will be run.
//! - last in, first out: depth first, the last decision before the others. That needs next to no memory,
//!   and what it has seen when it is stopped is one corner of the tree.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::testing::director::Decision;
use crate::testing::explore::pilots::{Overtake, overtakes};

/// In which order branches are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Order {
    /// The fewest overtakes first.
    Fewest,
    /// The deepest first.
    Deepest,
}

/// A schedule that was not run yet.
struct Branch {
    /// Its overtakes but the last.
    stem: Rc<[Overtake]>,
    /// The last.
    last: Overtake,
    /// What was decided before the last, and who was ready then.
    before: u64,
}

/// What is still to be run.
pub(super) struct Frontier {
    /// The branches.
    branches: VecDeque<Branch>,
    /// Which of them is next.
    order: Order,
    /// How many overtakes a schedule may have.
    overtakes_max: usize,
    /// Whether some have more.
    is_bounded: bool,
    /// Whether there was no room for some.
    is_full: bool,
    /// How many overtakes the last one taken had without its last.
    taken: usize,
}

impl Frontier {
    /// One that knows no schedule yet.
    pub(super) fn new(order: Order, overtakes_max: usize) -> Self {
        Self {
            branches: VecDeque::new(),
            order,
            overtakes_max,
            is_bounded: false,
            is_full: false,
            taken: 0,
        }
    }

    /// Adds the schedules that are one overtake away from one that was run; of all of them no more than
    /// `room` will be.
    pub(super) fn add(&mut self, run: &[Decision], room: usize) {
        let stem: Rc<[Overtake]> = overtakes(run).into();
        let from = stem.last().map_or(0, |(nth, _)| nth + 1);
        let later = &run[from as usize..];
        if stem.len() == self.overtakes_max {
            self.is_bounded |= !later.is_empty();
            return;
        }
        for (decision, nth) in later.iter().zip(from..) {
            for chosen in 1..decision.of {
                if self.order == Order::Fewest && self.branches.len() == room {
                    self.is_full = true;
                    return;
                }
                self.branches.push_back(Branch {
                    stem: Rc::clone(&stem),
                    last: (nth, chosen),
                    before: decision.before,
                });
            }
        }
    }

    /// The overtakes of the next schedule, and what must have happened before the last of them.
    pub(super) fn next(&mut self) -> Option<(Vec<Overtake>, u64)> {
        let branch = match self.order {
            Order::Fewest => self.branches.pop_front(),
            Order::Deepest => self.branches.pop_back(),
        }?;
        self.taken = branch.stem.len();
        let mut schedule = branch.stem.to_vec();
        schedule.push(branch.last);
        Some((schedule, branch.before))
    }

    /// Whether every schedule was taken.
    pub(super) fn is_complete(&self) -> bool {
        self.branches.is_empty() && !self.is_bounded && !self.is_full
    }

    /// How many overtakes a schedule may have at most to have been taken for sure.
    pub(super) fn complete_to(&self) -> usize {
        match (self.order, self.branches.front()) {
            (_, None) if !self.is_full => self.overtakes_max,
            (Order::Fewest, Some(next)) => next.stem.len(),
            (Order::Fewest, None) => self.taken,
            (Order::Deepest, _) => 0,
        }
    }
}
