//! The roster: what is known of the children of scopes, where somebody may ask for it.
//!
//! A child lies in its scope, which nobody but its task can reach, so what a report wants to tell of it is
//! noted here beside: where it comes from when it is spawned, and what it waits for after each poll. That
//! costs a little for each, so only an executor that looks for deadlocks has a roster; the others have
//! none of its code, and ask once a spawn and once a poll of a child whether there is one.
//!
//! Read next: `executor/deadlock.rs`, who asks.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::Location;
use std::rc::Rc;

use crate::scheduler::Scheduler;
use crate::scheduler::children::Children;
use crate::task::extras::Spread;
use crate::task::id::TaskId;
use crate::task::waits::Waits;
use crate::waker::{self, Token};

/// What is known of one child.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its number.
    pub(crate) id: TaskId,
    /// The name that it was given.
    pub(crate) name: Option<Box<str>>,
    /// Where it was spawned.
    pub(crate) spawned_at: &'static Location<'static>,
    /// Whether it is its scope's body.
    pub(crate) is_body: bool,
    /// The task in whose turn it was spawned.
    pub(crate) task: Option<Token>,
    /// What it waits for.
    pub(crate) waits: Waits,
    /// Where it waits.
    pub(crate) waits_at: Option<&'static Location<'static>>,
}

impl Known {
    /// What is known of a child that was not polled.
    #[cold]
    pub(crate) fn born(
        id: TaskId,
        name: Option<Box<str>>,
        spawned_at: &'static Location<'static>,
        is_body: bool,
    ) -> Self {
        Self {
            id,
            name,
            spawned_at,
            is_body,
            task: None,
            waits: Waits::NOTHING,
            waits_at: None,
        }
    }
}

/// What is asked of a roster.
pub(crate) trait Lists {
    /// Notes a child, which is in the turn of a task.
    fn add(&self, token: Token, known: Known, task: Option<Token>);

    /// Notes what a child waits for, and where.
    fn park(&self, token: Token, waits: Waits, at: Option<&'static Location<'static>>);

    /// Forgets a child.
    fn remove(&self, token: Token);

    /// What is known of a child.
    fn get(&self, token: Token) -> Option<Known>;

    /// What is known of all, in no order.
    fn all(&self) -> Vec<(Token, Known)>;
}

/// A roster.
#[derive(Default)]
pub(crate) struct Roster(RefCell<HashMap<Token, Known, Spread>>);

impl Lists for Roster {
    fn add(&self, token: Token, known: Known, task: Option<Token>) {
        self.0.borrow_mut().insert(token, Known { task, ..known });
    }

    fn park(&self, token: Token, waits: Waits, at: Option<&'static Location<'static>>) {
        if let Some(known) = self.0.borrow_mut().get_mut(&token) {
            (known.waits, known.waits_at) = (waits, at);
        }
    }

    fn remove(&self, token: Token) {
        self.0.borrow_mut().remove(&token);
    }

    fn get(&self, token: Token) -> Option<Known> {
        self.0.borrow().get(&token).cloned()
    }

    fn all(&self) -> Vec<(Token, Known)> {
        let known = self.0.borrow();
        known
            .iter()
            .map(|(token, of)| (*token, of.clone()))
            .collect()
    }
}

/// Brings what is known of a child along when another executor polls its scope.
pub(crate) fn pass_on(from: &Rc<Children>, old: Token, to: &Rc<Children>, new: Token) {
    if let (Some(from), Some(to)) = (from.roster(), to.roster())
        && let Some(known) = from.get(old)
    {
        let task = waker::with_current(Scheduler::current_token);
        to.add(new, known, task.flatten());
    }
}
