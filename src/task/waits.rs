//! What a task waits for: one bit a kind, since a task may wait for several things at once.
//!
//! Beside the bits there is room for one name: of the very thing, as long as that is the only one which
//! another task or a thread has in hand. Of several none is named, since the text would keep quiet about
//! the others.

use std::cell::Cell;
use std::fmt;
use std::ops::BitOr;

/// A set of things that a task waits for.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Waits {
    /// One bit a kind.
    kinds: u8,
    /// What it is that another task or a thread has in hand.
    thing: Thing,
}

/// The kinds of things that a task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[cfg_attr(
    not(feature = "trace"),
    allow(unreachable_pub, reason = "traces have it")
)]
pub enum WaitKind {
    /// A descriptor that can be read, or one that can be written.
    Io,
    /// A thread's reply, or a signal.
    Thread,
    /// Another task's doing: a lock, a queue, an event.
    Task,
    /// The end of another task.
    Join,
    /// Anybody who has its waker: a future that is not bibelot's.
    Foreign,
    /// A deadline.
    Time,
    /// Its turn: it has given way, and is ready.
    Turn,
    /// Nothing that could wake it.
    Nothing,
}

/// What another task or a thread has in hand.
#[cfg_attr(
    not(all(feature = "sync", feature = "testing")),
    expect(
        dead_code,
        reason = "what has a name is in `sync`, `worker` and `testing`"
    )
)]
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Thing {
    /// None of them is waited for.
    #[default]
    Nothing,
    /// One without a name here, or several.
    Any,
    /// A mutex that is locked.
    Mutex,
    /// A lock of readers and writers.
    RwLock,
    /// A permit of a semaphore.
    Permit,
    /// A token of a capacity limiter.
    Token,
    /// A notification of a condition variable.
    Notification,
    /// Those who have not come to a barrier.
    Barrier,
    /// An event that is not set.
    Event,
    /// The value of a lock that is set once.
    OnceValue,
    /// An item of a queue.
    QueueItem,
    /// Room in a queue.
    QueueRoom,
    /// All items of a queue to be done with.
    QueueDone,
    /// An item of a channel.
    ChannelItem,
    /// Room in a channel.
    ChannelRoom,
    /// Who receives, where there is no room.
    ChannelReceiver,
    /// The next value of a broadcast.
    Broadcast,
    /// The next change of a watch.
    Change,
    /// The value of a oneshot.
    OneshotValue,
    /// A value that comes once, for tasks and threads.
    Outcome,
    /// Those who receive, to be gone.
    Closing,
    /// All others to wait.
    Quiet,
    /// Its step of a sequence.
    Step,
    /// A permit for a thread.
    #[cfg(feature = "worker")]
    PoolPermit,
    /// A simulated connection to be made.
    SimulatedConnection,
    /// A client of a simulated listener.
    SimulatedClient,
    /// What the peer of a simulated connection sends.
    SimulatedData,
    /// Room in a simulated connection.
    SimulatedRoom,
    /// A datagram of a simulated network.
    SimulatedDatagram,
}

impl Thing {
    /// How texts name it, if it is just one and has a name.
    fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Nothing | Self::Any => return None,
            Self::Mutex => "a mutex",
            Self::RwLock => "a read-write lock",
            Self::Permit => "a semaphore's permit",
            Self::Token => "a limiter's token",
            Self::Notification => "a condvar's notification",
            Self::Barrier => "the others at a barrier",
            Self::Event => "an event",
            Self::OnceValue => "the value of a once-lock",
            Self::QueueItem => "a queue's item",
            Self::QueueRoom => "room in a queue",
            Self::QueueDone => "a queue to be worked off",
            Self::ChannelItem => "a channel's item",
            Self::ChannelRoom => "room in a channel",
            Self::ChannelReceiver => "a channel's receiver",
            Self::Broadcast => "a broadcast's value",
            Self::Change => "a watch's change",
            Self::OneshotValue => "a oneshot's value",
            Self::Outcome => "an outcome",
            Self::Closing => "the receivers to be gone",
            Self::Quiet => "all others to wait",
            Self::Step => "its step of a sequence",
            #[cfg(feature = "worker")]
            Self::PoolPermit => "a permit of the pool",
            Self::SimulatedConnection => "a simulated connection to be made",
            Self::SimulatedClient => "a client of a simulated listener",
            Self::SimulatedData => "data of a simulated connection",
            Self::SimulatedRoom => "room in a simulated connection",
            Self::SimulatedDatagram => "a simulated datagram",
        })
    }

    /// What both are together.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (one, same) if one == same => one,
            _ => Self::Any,
        }
    }
}

impl Waits {
    /// Nothing was noted.
    pub(crate) const NOTHING: Self = Self::own(0);
    /// A turn: it has given way and is ready again.
    pub(crate) const TURN: Self = Self::own(1);
    /// The end of another task.
    pub(crate) const JOIN: Self = Self::own(1 << 1);
    /// Another task's doing: a lock, a queue, an event, a pipe in memory.
    pub(crate) const TASK: Self = Self::others(1 << 2);
    /// A deadline.
    pub(crate) const TIME: Self = Self::own(1 << 3);
    /// A descriptor that can be read, or one that can be written.
    pub(crate) const IO: Self = Self::own(1 << 4);
    /// A thread's reply, or a signal.
    pub(crate) const THREAD: Self = Self::others(1 << 5);
    /// Anybody: a waker has left our own futures. It may still be kept somewhere when the task is
    /// polled again, so this bit stays for as long as the task lives.
    pub(crate) const FOREIGN: Self = Self::own(1 << 6);

    /// Not a wait: `extras` knows something about the task. It is noted in the same way.
    pub(crate) const EXTRAS: Self = Self::own(1 << 7);

    /// A kind that names itself.
    const fn own(kinds: u8) -> Self {
        let thing = Thing::Nothing;
        Self { kinds, thing }
    }

    /// A kind of which there are many things.
    const fn others(kinds: u8) -> Self {
        let thing = Thing::Any;
        Self { kinds, thing }
    }

    /// The same, and what it is that another task or a thread has in hand.
    #[cfg(any(feature = "sync", feature = "testing"))]
    pub(crate) const fn by_name(self, thing: Thing) -> Self {
        Self { thing, ..self }
    }

    /// Of which kind it is; of several the one that comes first.
    pub(crate) fn kind(self) -> WaitKind {
        const KINDS: [(Waits, WaitKind); 7] = [
            (Waits::IO, WaitKind::Io),
            (Waits::THREAD, WaitKind::Thread),
            (Waits::TASK, WaitKind::Task),
            (Waits::JOIN, WaitKind::Join),
            (Waits::FOREIGN, WaitKind::Foreign),
            (Waits::TIME, WaitKind::Time),
            (Waits::TURN, WaitKind::Turn),
        ];
        let mut kinds = KINDS.iter();
        let first = kinds.find(|(bit, _)| self.kinds & bit.kinds != 0);
        first.map_or(WaitKind::Nothing, |&(_, kind)| kind)
    }

    /// Whether `extras` knows something about the task.
    pub(crate) fn has_extras(self) -> bool {
        self.kinds & Self::EXTRAS.kinds != 0
    }

    /// Whether something outside the executor's tasks and timers may end the wait.
    pub(crate) fn outside(self) -> bool {
        self.kinds & (Self::IO.kinds | Self::THREAD.kinds | Self::FOREIGN.kinds) != 0
    }

    /// What stays noted when the task is polled again.
    pub(crate) fn kept(self) -> Self {
        Self::own(self.kinds & (Self::FOREIGN.kinds | Self::EXTRAS.kinds))
    }
}

impl BitOr for Waits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            kinds: self.kinds | other.kinds,
            thing: self.thing.and(other.thing),
        }
    }
}

impl fmt::Display for Waits {
    /// Writes what is waited for, as in "waits for a mutex or a deadline".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WORDS: [(Waits, &str); 7] = [
            (Waits::TURN, "its turn"),
            (Waits::JOIN, "a task to end"),
            (Waits::TASK, "another task"),
            (Waits::TIME, "a deadline"),
            (Waits::IO, "a descriptor"),
            (Waits::THREAD, "a thread"),
            (Waits::FOREIGN, "a foreign waker"),
        ];
        let mut words = WORDS
            .iter()
            .filter(|(bit, _)| self.kinds & bit.kinds != 0)
            // One that has a name is alone in its kind.
            .map(|&(bit, word)| match bit {
                Self::TASK | Self::THREAD => self.thing.name().unwrap_or(word),
                _ => word,
            });
        match words.next() {
            None => f.write_str("nothing that could wake it")?,
            Some(first) => f.write_str(first)?,
        }
        for word in words {
            write!(f, " or {word}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Waits({self})")
    }
}

/// What many wait for, who say it one by one: how many of them there are for each kind.
#[derive(Debug, Default)]
pub(crate) struct Tally([Cell<u32>; 8]);

impl Tally {
    /// One of them waits for something else than before.
    pub(crate) fn change(&self, before: Waits, now: Waits) {
        for (nth, count) in self.0.iter().enumerate() {
            let bit = |waits: Waits| u32::from(waits.kinds >> nth & 1);
            count.set(count.get() + bit(now) - bit(before));
        }
    }

    /// What they wait for together. Of things in other hands none is named; if there is just one, it
    /// may be what is noted beside this.
    pub(crate) fn union(&self) -> Waits {
        let (mut kinds, mut things) = (0, 0);
        for (nth, count) in self.0.iter().enumerate() {
            let kind = u8::from(count.get() > 0) << nth;
            kinds |= kind;
            if kind & (Waits::TASK.kinds | Waits::THREAD.kinds) != 0 {
                things += count.get();
            }
        }
        match things {
            0 | 1 => Waits::own(kinds),
            _ => Waits::others(kinds),
        }
    }
}
