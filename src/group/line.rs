//! Those who have ended and whom nobody has asked: in order, and yet values apart from the rest.
//!
//! ```text
//!   ended:  a = 1     b fails     c = 2     d = 3
//!   values: (a, 1)  (c, 2)  (d, 3)
//!   others: b, behind one value
//! ```
//!
//! Who joins a group looks at the others alone, since a failure cancels the rest; values can wait, and
//! are taken all together when nobody is left. So most members cost one push. Who asks for one after
//! another takes them in the order in which they ended: each of the others knows how many values came
//! before it.

use std::collections::VecDeque;
use std::mem;

use crate::task::TaskId;

/// Those who have ended and whom nobody has asked.
pub(super) struct Line<T> {
    /// Members that left a value and nothing else; they are out of the group.
    values: Vec<(TaskId, T)>,
    /// Those of them that are before all others, the first one last: two stacks make a queue, and a
    /// push on one is all that it costs who is not asked for alone.
    first: Vec<(TaskId, T)>,
    /// How many values were taken.
    taken: usize,
    /// The keys of those whose handle tells how they ended; and how many values came before.
    others: VecDeque<(usize, usize)>,
}

impl<T> Line<T> {
    /// Puts a member at the end that left a value and nothing else.
    #[inline]
    pub(super) fn push_value(&mut self, id: TaskId, value: T) {
        self.values.push((id, value));
    }

    /// Puts somebody else at the end.
    pub(super) fn push(&mut self, key: usize) {
        self.others.push_back((key, self.taken + self.values()));
    }

    /// Takes the first one, if that is a value.
    pub(super) fn pop_value(&mut self) -> Option<(TaskId, T)> {
        if matches!(self.others.front(), Some((_, values)) if *values <= self.taken) {
            return None;
        }
        if self.first.is_empty() {
            mem::swap(&mut self.first, &mut self.values);
            self.first.reverse();
        }
        let value = self.first.pop()?;
        self.taken += 1;
        Some(value)
    }

    /// Takes the first one that is no value.
    pub(super) fn pop(&mut self) -> Option<usize> {
        let (key, _) = self.others.pop_front()?;
        Some(key)
    }

    /// Takes out whoever has this key.
    pub(super) fn remove(&mut self, key: usize) {
        let nth = self.others.iter().position(|(other, _)| *other == key);
        nth.and_then(|nth| self.others.remove(nth));
    }

    /// Takes all values, in any order.
    pub(super) fn take_values(&mut self) -> Vec<(TaskId, T)> {
        self.taken += self.values();
        let mut values = mem::take(&mut self.values);
        values.append(&mut self.first);
        values
    }

    /// How many values there are.
    pub(super) fn values(&self) -> usize {
        self.first.len() + self.values.len()
    }

    /// How many others there are.
    pub(super) fn others(&self) -> usize {
        self.others.len()
    }
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            first: Vec::new(),
            taken: 0,
            others: VecDeque::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_another_they_come_in_the_order_in_which_they_ended() {
        let mut line = Line::default();
        line.push(10);
        line.push_value(TaskId::new(1), "first");
        line.push(11);
        line.push(12);
        line.push_value(TaskId::new(2), "second");
        assert_eq!((line.values(), line.others()), (2, 3));

        assert_eq!(line.pop_value(), None, "10 is the first");
        assert_eq!(line.pop(), Some(10));
        assert_eq!(line.pop_value(), Some((TaskId::new(1), "first")));
        assert_eq!(line.pop_value(), None, "11 came before the second");
        line.remove(11);
        assert_eq!(line.pop(), Some(12));
        // Asked in vain, it stands at the end again.
        line.push(12);
        line.push_value(TaskId::new(3), "third");
        assert_eq!(line.pop_value(), Some((TaskId::new(2), "second")));
        assert_eq!(line.pop_value(), None, "12 comes before the third");

        assert_eq!(line.take_values(), [(TaskId::new(3), "third")]);
        assert_eq!(line.pop(), Some(12));
        assert_eq!((line.values(), line.others()), (0, 0));
    }
}
