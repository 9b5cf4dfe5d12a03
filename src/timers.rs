//! Deadlines in order: exact to the nanosecond, cheap to set, cheaper to take back.
//!
//! ```text
//!   heap (4-ary)         places           wakers (slab)
//!   ┌───────────────┐     ┌────────┐      ┌───────────┐
//!   │ 5 ms, n2      │     │ n0: 1  │      │ n0: waker │
//!   │ 9 ms, n0      │ ◄── │ n1: 2  │      │ n1: waker │
//!   │ 7 ms, n1      │     │ n2: 0  │      │ n2: waker │ ◄── Sleep holds n2
//!   └───────────────┘     └────────┘      └───────────┘
//! ```
//!
//! Most deadlines are timeouts that never fire, set in rising order. Setting one of those appends
//! to the heap and compares once; taking it back fills the hole with the last entry. Firing costs
//! a walk down the heap: with four children to a node, 64 bytes that lie together, that is eight
//! steps for 100 000 timers; the places it writes on the way are four bytes each and lie together, so
//! they stay in the cache. No allocation once the tables have grown, no lock, no dead entries.
//!
//! Laws: an entry's node knows its place in the heap, always; equal deadlines fire in the order in
//! which they were set; a node belongs to its `Sleep` until that gives it back, fired or not, so a
//! key is never stale.
//!
//! Why not a wheel: it would be constant-time to fire as well, but its slots are coarse or its
//! code is long, and finding the next deadline (each turn wants it) is a search. Figures in
//! `benches/peers`, rows `timers_100k` and `timeout_unused`. Read next: `time/sleep.rs`.

use std::task::Waker;

use slab::Slab;

use crate::clock::Instant;
use crate::observer::{Event, Watched};

/// How many children a heap node has: four entries of 16 bytes are as much as a cache line.
const ARITY: usize = 4;

/// The place of a node that has fired: in no heap.
const FIRED: u32 = u32::MAX;

/// One deadline in the heap.
#[derive(Clone, Copy)]
struct Entry {
    /// When it is due.
    deadline: Instant,
    /// Which of equal deadlines was set first; wraps.
    sequence: u32,
    /// Its node.
    node: u32,
}

impl Entry {
    /// Whether this entry is to fire before `other`.
    fn is_before(&self, other: &Self) -> bool {
        if self.deadline == other.deadline {
            // The distance of two numbers that wrap: right while fewer than 2^31 lie between them.
            other.sequence.wrapping_sub(self.sequence) as i32 > 0
        } else {
            self.deadline < other.deadline
        }
    }
}

/// The name of a set deadline. Its owner gives it back with [`Timers::remove`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerKey(u32);

/// The place of the parent of an entry that is not the first.
fn parent_of(place: usize) -> usize {
    (place - 1) / ARITY
}

/// All deadlines of an executor.
#[derive(Default)]
pub(crate) struct Timers {
    /// The entries, each before its children `ARITY * i + 1 ..= ARITY * i + ARITY`.
    heap: Vec<Entry>,
    /// Whom to wake, by node; `None` once fired.
    wakers: Slab<Option<Waker>>,
    /// Where in the heap the entry lies, or [`FIRED`], by node.
    places: Vec<u32>,
    /// The sequence of the next entry.
    sequence: u32,
    /// [`Timers::fire`], once there has been a deadline: a program that never sets one has none of its
    /// code.
    fire: Option<fn(&mut Timers, Instant, &mut Vec<Waker>)>,
    /// Where it is noted which are set and fire.
    watched: Watched,
}

impl Timers {
    /// No deadlines yet; those to come are noted there.
    pub(crate) fn new(watched: Watched) -> Self {
        Self {
            watched,
            ..Self::default()
        }
    }

    /// Sets a deadline at which `waker` is to be woken.
    pub(crate) fn insert(&mut self, deadline: Instant, waker: Waker) -> TimerKey {
        let place = self.heap.len();
        let node = self.wakers.insert(Some(waker));
        if node == self.places.len() {
            self.places.push(FIRED);
        }
        self.places[node] = place as u32;
        let node = node as u32;
        let entry = Entry {
            deadline,
            sequence: self.sequence,
            node,
        };
        self.heap.push(entry);
        self.sequence = self.sequence.wrapping_add(1);
        self.fire = Some(Self::fire);
        // In rising order it stays where it is.
        if place > 0 && entry.is_before(&self.heap[parent_of(place)]) {
            self.sift_up(place);
        }
        if let Some(audience) = &self.watched {
            let task = audience.current();
            audience.note(Event::TimerSet {
                timer: node,
                task,
                deadline,
            });
        }
        TimerKey(node)
    }

    /// Whether the deadline has fired.
    pub(crate) fn has_fired(&self, key: TimerKey) -> bool {
        self.places[key.0 as usize] == FIRED
    }

    /// Sets whom to wake instead, unless it has fired; returns whom it replaces.
    ///
    /// The caller drops that one when it no longer borrows the timers.
    #[must_use]
    pub(crate) fn replace_waker(&mut self, key: TimerKey, waker: Waker) -> Option<Waker> {
        if self.has_fired(key) {
            return Some(waker);
        }
        self.wakers[key.0 as usize].replace(waker)
    }

    /// Takes a deadline back, fired or not; returns its waker, to be dropped outside of a borrow.
    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<Waker> {
        let place = self.places[key.0 as usize];
        if place != FIRED {
            self.take_out(place as usize);
            if let Some(audience) = &self.watched {
                audience.note(Event::TimerUnset { timer: key.0 });
            }
        }
        self.wakers.remove(key.0 as usize)
    }

    /// The earliest deadline that ever comes.
    pub(crate) fn next(&self) -> Option<Instant> {
        let first = self.heap.first().map(|entry| entry.deadline);
        first.filter(|deadline| *deadline != Instant::NEVER)
    }

    /// The deadlines that are set and have not fired, in no order, and whom each wakes.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Instant, &Waker)> {
        self.heap.iter().filter_map(|entry| {
            let waker = self.wakers[entry.node as usize].as_ref()?;
            Some((entry.deadline, waker))
        })
    }

    /// How many deadlines are set and have not fired.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Fires what is due at `now`, in order: the wakers go to `due`.
    pub(crate) fn expire(&mut self, now: Instant, due: &mut Vec<Waker>) {
        if let Some(fire) = self.fire {
            fire(self, now, due);
        }
    }

    /// [`expire`](Self::expire), where something may be due.
    fn fire(&mut self, now: Instant, due: &mut Vec<Waker>) {
        while let Some(first) = self.heap.first() {
            if first.deadline > now {
                return;
            }
            let node = first.node as usize;
            self.places[node] = FIRED;
            due.extend(self.wakers[node].take());
            if let Some(audience) = &self.watched {
                audience.note(Event::TimerFired { timer: first.node });
            }
            self.take_out(0);
        }
    }

    /// Takes the entry at `place` out of the heap and closes the hole.
    ///
    /// The hole goes down to a leaf, and the last entry from there up to where it belongs: it was a
    /// leaf, so that is seldom far, and no step down has to compare with it (Wegener's bottom-up
    /// heapsort, 1993).
    fn take_out(&mut self, place: usize) {
        let Some(last) = self.heap.pop() else { return };
        if place < self.heap.len() {
            let leaf = self.sink(place);
            self.heap[leaf] = last;
            self.sift_up(leaf);
        }
    }

    /// Moves the entry at `place` up until its parent is before it.
    fn sift_up(&mut self, mut place: usize) {
        let entry = self.heap[place];
        while place > 0 {
            let parent = parent_of(place);
            if !entry.is_before(&self.heap[parent]) {
                break;
            }
            self.put(place, self.heap[parent]);
            place = parent;
        }
        self.put(place, entry);
    }

    /// Moves a hole at `place` down to a leaf, by moving the least child up; returns where it ends.
    fn sink(&mut self, mut place: usize) -> usize {
        loop {
            let children = place * ARITY + 1;
            let after = (children + ARITY).min(self.heap.len());
            if children >= after {
                return place;
            }
            let mut least = children;
            for child in children + 1..after {
                if self.heap[child].is_before(&self.heap[least]) {
                    least = child;
                }
            }
            self.put(place, self.heap[least]);
            place = least;
        }
    }

    /// Writes `entry` at `place` and tells its node.
    fn put(&mut self, place: usize, entry: Entry) {
        self.heap[place] = entry;
        self.places[entry.node as usize] = place as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn at(nanos: u64) -> Instant {
        crate::clock::Clock::new_virtual()
            .now()
            .saturating_add(Duration::from_nanos(nanos))
    }

    /// The heap beside a naive model: random set, take back and expire; the same order always.
    #[test]
    fn the_heap_fires_like_a_sorted_map() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let mut timers = Timers::default();
            let mut model: BTreeMap<(Instant, u64), TimerKey> = BTreeMap::new();
            let mut now = 0;
            for sequence in 0..500 {
                match rng.below(4) {
                    0 | 1 => {
                        let deadline = at(now + rng.below(50) as u64);
                        let key = timers.insert(deadline, Waker::noop().clone());
                        model.insert((deadline, sequence), key);
                    }
                    2 if !model.is_empty() => {
                        let nth = rng.below(model.len());
                        let id = *model.keys().nth(nth).expect("below the length");
                        let key = model.remove(&id).expect("just seen");
                        assert!(!timers.has_fired(key));
                        assert!(timers.remove(key).is_some());
                    }
                    _ => {
                        now += rng.below(20) as u64;
                        let mut due = Vec::new();
                        timers.expire(at(now), &mut due);
                        let later = model.split_off(&(at(now + 1), 0));
                        assert_eq!(due.len(), model.len());
                        for key in model.into_values() {
                            assert!(timers.has_fired(key));
                            assert!(timers.remove(key).is_none());
                        }
                        model = later;
                    }
                }
                assert_eq!(timers.len(), model.len());
                assert_eq!(timers.next(), model.keys().next().map(|key| key.0));
            }
        }
    }
}
