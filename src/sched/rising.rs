//! Tasks in order of a number that rises: who comes later mostly belongs behind.
//!
//! ```text
//!   last     2 0 3     the number of who was taken last, in digits
//!            │ │ └─ row 0, by the last digit:    2 0 4 ─ 2 0 4,  2 0 7
//!            │ └─── row 1, by the one before:    2 1 2 ─ 2 1 0,  2 5 5
//!            └───── row 2, by the first:         3 3 8 ─ 3 0 1 ─ 3 7 4
//! ```
//!
//! A radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for the shortest path problem",
//! Journal of the ACM, 1990). A task lies in the row of the first digit in which its number differs from
//! that of the one taken last, on the stack of its own digit there. So the first row that has any has the
//! least, on its first stack. In row 0 all of a stack have the same number; another stack is dealt out once
//! its least number is the last one: to rows below, since all of them share the digit by which they lay there.
//!
//! A task therefore moves down once for each digit at most, and most never do, however many there are: a heap
//! costs a step for each time that their number doubles. A digit has 4096 values, so that two words say which
//! stack of a row is the first that holds any (`sched/used.rs`); and a stack is made of the tasks themselves
//! (`sched/stack.rs`).
//!
//! Laws. Equal numbers lie on the same stack, always, the newer on the older, and a stack is turned over
//! before it is dealt out: so who came first comes first. Whose number is below the last one has come too early
//! for the rows, and waits in a heap; all of those come before all of these. Read next: `sched/urgency.rs`.

use crate::sched::ReadyTask;
use crate::sched::stack::Stack;
use crate::sched::urgency::Urgency;
use crate::sched::used::{PLACE_BITS, Used};

/// How many bits of a number a digit has.
const DIGIT: u32 = PLACE_BITS;

/// How many rows there are: digits of a number.
const ROWS: usize = u64::BITS.div_ceil(DIGIT) as usize;

/// How many stacks a row has: values of a digit.
const STACKS: usize = 1 << DIGIT;

/// Tasks, of which the one with the least number comes first, and among equals the one that was there
/// first.
#[derive(Debug, Default)]
pub(super) struct Rising {
    /// Those that come next, all of the same number, the oldest on top.
    next: Stack,
    /// Those of this number and above.
    rows: Rows,
    /// Those below.
    early: Urgency,
    /// Whether there are any of those.
    is_early: bool,
}

/// All rows.
#[derive(Debug)]
struct Rows {
    /// The number of the task that was taken last.
    last: u64,
    /// Row 0.
    near: Box<Row>,
    /// The others, as far as they have been used.
    far: [Option<Box<Row>>; ROWS - 1],
}

/// A row.
#[derive(Debug)]
struct Row {
    /// Which stacks hold any.
    used: Used,
    /// The stacks, by their digits.
    stacks: [Stack; STACKS],
}

impl Rising {
    /// The number of the task that was taken last; zero at first.
    #[inline]
    pub(super) fn last(&self) -> u64 {
        self.rows.last
    }

    /// Puts a task in its place.
    #[inline]
    pub(super) fn push(&mut self, number: u64, mut task: ReadyTask) {
        if number < self.rows.last {
            return self.push_early(number, task);
        }
        task.known.number = number;
        self.rows.lay(task);
    }

    /// Takes the first one.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<ReadyTask> {
        if self.is_early {
            return self.pop_early();
        }
        if let Some(next) = self.next.pop() {
            return Some(next);
        }
        let (first, next) = self.rows.take_least()?;
        self.next = next;
        Some(first)
    }

    /// Puts a task in its place whose number is below the last one. If it is alone, that is its own.
    #[cold]
    fn push_early(&mut self, number: u64, task: ReadyTask) {
        if self.next.is_empty() && !self.is_early && self.rows.are_empty() {
            self.rows.last = number;
            self.push(number, task);
        } else {
            self.early.push(number, task);
            self.is_early = true;
        }
    }

    /// Takes the first one of those that came too early.
    #[cold]
    fn pop_early(&mut self) -> Option<ReadyTask> {
        let first = self.early.pop();
        self.is_early = !self.early.is_empty();
        first
    }
}

impl Drop for Rising {
    /// Takes the stacks apart: each task would drop the next one, deeper and deeper.
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            last: 0,
            near: Row::new(),
            far: Default::default(),
        }
    }
}

impl Rows {
    /// Lays a task on its stack.
    #[inline]
    fn lay(&mut self, task: ReadyTask) {
        let number = task.known.number;
        if number ^ self.last < STACKS as u64 {
            self.near.lay(number, task);
        } else {
            self.lay_far(task);
        }
    }

    /// Lays a task on its stack that is not in row 0.
    #[inline(never)]
    fn lay_far(&mut self, task: ReadyTask) {
        let number = task.known.number;
        let row = (number ^ self.last).ilog2() / DIGIT;
        let far = self.far[row as usize - 1].get_or_insert_with(Row::new);
        far.lay(number >> (row * DIGIT), task);
    }

    /// Takes those with the least number, if there are any, the first one apart: that is the last number then.
    #[inline]
    fn take_least(&mut self) -> Option<(ReadyTask, Stack)> {
        loop {
            if let Some(stack) = self.near.first() {
                let mut next = stack.turn_over();
                let first = next.pop()?;
                self.last = first.known.number;
                return Some((first, next));
            }
            self.deal()?;
        }
    }

    /// Deals the first stack of the other rows out, those with the least number into row 0, if there are any.
    #[inline(never)]
    fn deal(&mut self) -> Option<()> {
        let mut rows = self.far.iter_mut().flatten();
        let stack = rows.find_map(|row| row.first())?;
        let (mut turned, mut least) = (Stack::EMPTY, u64::MAX);
        while let Some(task) = stack.pop() {
            least = least.min(task.known.number);
            turned.push(task);
        }
        self.last = least;
        while let Some(task) = turned.pop() {
            self.lay(task);
        }
        Some(())
    }

    /// Whether there are no tasks.
    fn are_empty(&self) -> bool {
        let mut far = self.far.iter().flatten();
        self.near.used.is_empty() && far.all(|row| row.used.is_empty())
    }
}

impl Row {
    /// One without tasks.
    #[cold]
    #[inline(never)]
    fn new() -> Box<Self> {
        Box::new(Self {
            used: Used::new(),
            stacks: [const { Stack::EMPTY }; STACKS],
        })
    }

    /// Lays a task on the stack of this digit, the lowest one.
    #[inline]
    fn lay(&mut self, digit: u64, task: ReadyTask) {
        let digit = digit as usize % STACKS;
        self.used.insert(digit);
        self.stacks[digit].push(task);
    }

    /// The first stack that holds any, which is to be emptied.
    #[inline]
    fn first(&mut self) -> Option<&mut Stack> {
        let digit = self.used.first()?;
        self.used.remove_first();
        Some(&mut self.stacks[digit % STACKS])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rng::Rng;

    /// Pushes and takes tasks by chance, with numbers from `number` of the one taken last, and compares with
    /// a sorted set.
    fn compare(seed: u64, number: impl Fn(u64, &mut Rng) -> u64) {
        let (mut rng, mut rising, mut model) = (Rng::new(seed), Rising::default(), BTreeSet::new());
        let mut last = 1 << 40;
        for nth in 0..20_000 {
            // More and more at first, fewer and fewer then, and none now and then.
            if rng.below(100) < if nth < 10_000 { 55 } else { 45 } {
                let number = number(last, &mut rng);
                rising.push(number, ReadyTask::nth(nth));
                model.insert((number, nth));
            } else {
                let taken = rising.pop().map(|task| task.id().get());
                let least = model.pop_first();
                assert_eq!(taken, least.map(|(_, nth)| nth));
                last = least.map_or(last, |(number, _)| number);
            }
        }
        while let Some((_, nth)) = model.pop_first() {
            assert_eq!(rising.pop().map(|task| task.id().get()), Some(nth));
        }
        assert!(rising.pop().is_none());
    }

    #[test]
    fn tasks_come_in_order_and_equals_as_they_came() {
        for seed in 0..8 {
            compare(seed, |last, rng| last + rng.below(3) as u64);
            compare(seed, |last, rng| last + rng.below(10_000) as u64);
            compare(seed, |last, rng| last + (rng.next() >> 20 >> rng.below(40)));
            // Some come too early, or are the first and the last there can be.
            compare(seed, |last, rng| last + rng.below(5_000) as u64 - 1_000);
            compare(seed, |_, rng| rng.next() >> rng.below(64));
            compare(seed, |_, rng| [0, 1, u64::MAX, u64::MAX - 1][rng.below(4)]);
        }
    }

    #[test]
    fn a_stack_of_any_height_is_dropped() {
        let mut rising = Rising::default();
        for nth in 0..1_000_000 {
            rising.push(7, ReadyTask::nth(nth));
        }
    }
}
