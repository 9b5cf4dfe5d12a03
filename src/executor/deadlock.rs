//! The report of a deadlock: who waits for what and where, as a tree of who spawned whom.
//!
//! ```text
//!   deadlock (seed 7): every task is waiting and no deadline is to come
//!     task "main" (spawned at src/main.rs:9:5) waits for a task to end at src/main.rs:12:20
//!       task "fetch" (spawned at src/main.rs:11:9) waits for a mutex at src/main.rs:31:8
//!         the body of the scope at src/main.rs:30:5 waits for …
//! ```
//!
//! The tasks are in their slots, with what they have noted when they were polled last; the children of
//! scopes are in the roster (`scheduler/roster.rs`). A child stands below who polls its scope, which
//! may be another child.
//!
//! One thing is told that nobody waits for: a child that is ready, but whose scope is not polled. Somebody
//! holds the future of that scope and awaits something else, for which the child may be needed.

use std::collections::{BTreeMap, HashMap};

use crate::clock::Instant;
use crate::executor::{Core, Place};
use crate::scheduler::children::Whereabouts;
use crate::task::extras;
use crate::task::id::{Called, TaskId};
use crate::task::waits::Waits;
use crate::waker::Token;

/// How many levels are told apart by how far they are from the margin: a chain of a thousand tasks, each
/// spawned by the one before, is still to be read.
const LEVELS_MAX: usize = 20;

/// A task, or a child of a scope.
struct Node {
    /// The order among brothers: that of their spawns.
    id: TaskId,
    /// Below whom it stands.
    parent: Option<Token>,
    /// What is said of it.
    line: String,
}

impl Core {
    /// Says in a panic who waits for what, and where, and where each was spawned, and by whom.
    pub(super) fn report_deadlock(&self) {
        if let Some(ledger) = self.ledger().filter(|_| self.is_shut_down.get()) {
            // A panic has said it before, or will: what still waits is a cleanup without a grace.
            ledger.give_up(self);
            return;
        }
        let seed = self.options.seed.map(|seed| format!(" (seed {seed})"));
        let seed = seed.unwrap_or_default();
        let mut text = if self.clock.is_manual() && self.timers.borrow().next().is_some() {
            format!(
                "the clock stands still{seed}: every task is waiting, and the clock is manual: call \
                 testing::advance"
            )
        } else {
            format!("deadlock{seed}: every task is waiting and no deadline is to come")
        };
        self.write_tree(&mut text);
        panic!("{text}");
    }

    /// Writes the tree, a line for each task and each child.
    fn write_tree(&self, text: &mut String) {
        let nodes = self.nodes();
        let mut below: BTreeMap<Option<Token>, Vec<(Token, &Node)>> = BTreeMap::new();
        for (token, node) in &nodes {
            let is_there = |parent: &Token| nodes.contains_key(parent) && parent != token;
            let parent = node.parent.filter(is_there);
            below.entry(parent).or_default().push((*token, node));
        }
        for brothers in below.values_mut() {
            // The last is told first: they are taken from a stack.
            brothers.sort_unstable_by_key(|(_, node)| std::cmp::Reverse(node.id));
        }
        let roots = below.remove(&None).unwrap_or_default();
        let mut stack: Vec<_> = roots.into_iter().map(|root| (1, root)).collect();
        while let Some((level, (token, node))) = stack.pop() {
            let indent = 2 * level.min(LEVELS_MAX);
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            text.push_str(&node.line);
            let children = below.remove(&Some(token)).unwrap_or_default();
            stack.extend(children.into_iter().map(|child| (level + 1, child)));
        }
    }

    /// All tasks and children.
    fn nodes(&self) -> HashMap<Token, Node> {
        let due = self.due();
        let mut tokens = HashMap::new();
        self.scheduler.for_each(|token, task, _| {
            tokens.insert(task.id(), token);
        });
        let mut nodes = HashMap::new();
        self.scheduler.for_each(|token, task, _| {
            let spawner = task.current().parent;
            let parent = spawner.and_then(|spawner| tokens.get(&spawner).copied());
            let mut line = format!("{} (spawned at {}", extras::call(task), task.spawned_at());
            if let Some(spawner) = spawner.filter(|_| parent.is_none()) {
                line += &format!(" by task {spawner}, which has ended");
            }
            line.push(')');
            self.write_wait(&mut line, task.waits(), task.waits_at(), due.get(&token));
            let id = task.id();
            nodes.insert(token, Node { id, parent, line });
        });
        let children = self.scheduler.children();
        let all = children.roster().map(|roster| roster.all());
        for (token, known) in all.unwrap_or_default() {
            let (id, at) = (known.id, known.spawned_at);
            let mut line = match known.is_body {
                true => format!("the body of the scope at {at}"),
                false => format!("{} (spawned at {at})", Called(known.name.as_deref(), id)),
            };
            let mut parent = known.task;
            match children.whereabouts(token) {
                Some(Whereabouts::Waits(polled_by)) => {
                    parent = polled_by.or(parent);
                    self.write_wait(&mut line, known.waits, known.waits_at, due.get(&token));
                }
                _ => line += " is ready, but nobody polls its scope",
            }
            nodes.insert(token, Node { id, parent, line });
        }
        nodes
    }

    /// Writes what one waits for, and where, and until when.
    fn write_wait(
        &self,
        line: &mut String,
        waits: Waits,
        at: Option<Place>,
        due: Option<&Instant>,
    ) {
        *line += &format!(" waits for {waits}");
        if let Some(at) = at {
            *line += &format!(" at {at}");
        }
        if let Some(due) = due {
            *line += &format!(", due in {:?}", *due - self.clock.now());
        }
    }

    /// The next deadline of each task or child that has one.
    fn due(&self) -> HashMap<Token, Instant> {
        let mut due = HashMap::new();
        for (deadline, waker) in self.timers.borrow().all() {
            if let Some(token) = Token::of(waker).filter(|_| deadline != Instant::NEVER) {
                let first: &mut Instant = due.entry(token).or_insert(deadline);
                *first = deadline.min(*first);
            }
        }
        due
    }
}
