//! The model's groups.
//!
//! A group hands out its members in the order in which their futures have ended, and asks one that
//! still owes something again after the others. That is the order of completion, except among members
//! of which one was paying when another ended and the owner looked only later.

use std::collections::VecDeque;

use crate::NOBODY;
use crate::debts::Owing;
use crate::naive::{Around, Machine, Run, Walk};
use crate::program::{Block, How, Id};
use crate::trace::{End, Event, Fate};

/// A group.
#[derive(Default)]
pub(crate) struct Group {
    /// Whether its body runs.
    is_open: bool,
    /// Whether nobody is let in any more.
    is_closed: bool,
    /// Its members, in order of creation.
    members: Vec<Id>,
    /// Those that have a fate, in that order, except who is claimed. One that is found to owe
    /// something when it is asked goes to the end of the queue.
    gone: VecDeque<Id>,
    /// Those whose ends were handed out.
    taken: Vec<Id>,
    /// Those that somebody joins by their own handles.
    claimed: Vec<Id>,
    /// The task that waits for members.
    owner: Option<Id>,
    /// How many have a part in it: its owner, and members' handles.
    keepers: u32,
}

/// A group that is in use by its owner.
pub(crate) struct InGroup<'p> {
    /// Its name.
    pub(crate) id: Id,
    /// Its body, while that runs.
    pub(crate) body: Option<Run<'p>>,
    /// How it ends.
    how: How,
    /// Until when it waits for the next member alone.
    pub(crate) deadline: Option<u64>,
    /// The members with values.
    values: Vec<(Id, Id)>,
    /// How the others have failed.
    failures: Vec<Fate>,
    /// Whether all are cancelled and only waited for.
    is_ending: bool,
}

/// Who is next.
enum Next {
    /// Nobody yet.
    Waits,
    /// This one.
    Member(Id, Fate),
    /// Nobody is left.
    Nobody,
}

impl<'p> Machine<'p> {
    /// A group.
    pub(crate) fn group(&mut self, group: Id) -> &mut Group {
        self.groups.get_mut(&group).expect("a group that was made")
    }

    /// Makes a group.
    pub(crate) fn new_group(&mut self, id: Id, body: &'p Block, how: How) -> InGroup<'p> {
        let group = Group {
            is_open: true,
            keepers: 1,
            ..Group::default()
        };
        self.groups.insert(id, group);
        InGroup {
            id,
            body: Some(Run::new(body)),
            how,
            deadline: None,
            values: Vec::new(),
            failures: Vec::new(),
            is_ending: false,
        }
    }

    /// Starts a member, unless the group has ended.
    pub(crate) fn spawn_in(&mut self, group: Id, id: Id, block: &'p Block) -> bool {
        let Some(found) = self.groups.get_mut(&group) else {
            return false;
        };
        if found.is_closed || found.keepers == 0 {
            return false;
        }
        found.members.push(id);
        found.keepers += 1;
        self.members.insert(id);
        self.spawn(id, block, Some(group));
        true
    }

    /// Whether a member's end was handed out.
    pub(crate) fn is_taken(&self, id: Id) -> bool {
        let group = self.tasks[&id].group.map(|group| &self.groups[&group]);
        group.is_some_and(|group| group.taken.contains(&id))
    }

    /// Cancels the members of a group whose body runs.
    pub(crate) fn cancel_all_in(&mut self, group: Id) -> bool {
        let is_open = self.groups.get(&group).is_some_and(|group| group.is_open);
        if is_open {
            self.cancel_all(group);
        }
        is_open
    }

    /// Cancels the members of a group.
    fn cancel_all(&mut self, group: Id) {
        for member in self.group(group).members.clone() {
            if !self.is_taken(member) {
                self.cancel(member);
            }
        }
    }

    /// Notes that a task has a fate; it may still owe something.
    pub(crate) fn note_gone(&mut self, id: Id) {
        if let Some(group) = self.task(id).group {
            let group = self.group(group);
            if !group.claimed.contains(&id) {
                group.gone.push_back(id);
            }
        }
        self.wake_owner_of(id);
    }

    /// Wakes the owner of the group in which a task is.
    pub(crate) fn wake_owner_of(&mut self, task: Id) {
        if let Some(group) = self.task(task).group
            && let Some(owner) = self.group(group).owner.take()
        {
            self.wake(owner);
        }
    }

    /// Takes the handle of a member, to join it.
    pub(crate) fn take_member(&mut self, id: Id) -> bool {
        if !self.members.remove(&id) {
            return false;
        }
        if self.is_taken(id) {
            self.leave_group_of(id);
            return false;
        }
        true
    }

    /// Joins a member, which the owner passes over meanwhile.
    pub(crate) fn join_member(&mut self, id: Id, around: Around) -> Walk<End> {
        let task = self.task(id);
        let (has_ended, fate) = (task.has_ended, task.fate);
        if !has_ended {
            task.joiner = Some(around.task);
        }
        let group = task.group.expect("a member has a group");
        let group = self.group(group);
        if !group.claimed.contains(&id) {
            group.claimed.push(id);
            group.gone.retain(|gone| *gone != id);
        }
        if !has_ended {
            return Walk::Waits;
        }
        group.taken.push(id);
        self.wake_owner_of(id);
        self.leave_group_of(id);
        Walk::Ended(End::Joined(fate.expect("it has ended")))
    }

    /// Gives back a member that was to be joined.
    pub(crate) fn give_member_back(&mut self, id: Id) {
        let group = self.task(id).group.expect("a member has a group");
        self.group(group).claimed.retain(|claimed| *claimed != id);
        if self.task(id).fate.is_some() {
            self.note_gone(id);
        }
        self.leave_group(group);
    }

    /// Drops a member's handle.
    fn leave_group_of(&mut self, id: Id) {
        let group = self.task(id).group.expect("a member has a group");
        self.leave_group(group);
    }

    /// One less has a part in the group; after the last one, its members are detached.
    pub(crate) fn leave_group(&mut self, group: Id) {
        let found = self.group(group);
        found.keepers -= 1;
        if found.keepers == 0 {
            for member in found.members.clone() {
                if !self.is_taken(member) {
                    self.detach(member);
                }
            }
        }
    }

    /// The next member that has ended.
    fn next(&mut self, group: Id, owner: Id) -> Next {
        let gone = self.group(group).gone.clone();
        if let Some(nth) = gone.iter().position(|id| self.tasks[id].has_ended) {
            let id = gone[nth];
            let fate = self.task(id).fate.expect("it has ended");
            let found = self.group(group);
            found.gone.rotate_left(nth);
            found.gone.pop_front();
            found.taken.push(id);
            return Next::Member(id, fate);
        }
        let found = self.group(group);
        if found.taken.len() == found.members.len() {
            return Next::Nobody;
        }
        found.owner = Some(owner);
        Next::Waits
    }

    /// Drops a group: its members are cancelled, and its task owes it to wait for them.
    pub(crate) fn drop_group(&mut self, group: Id, around: Around) {
        let found = self.group(group);
        found.is_open = false;
        found.is_closed = true;
        self.cancel_all(group);
        let members = self.group(group).members.clone();
        let is_alive = |member: &Id| !self.tasks[member].has_ended;
        if members.iter().any(is_alive) {
            self.owe(Owing::Group(group), around);
        } else {
            self.leave_group(group);
        }
    }

    /// Waits for the members of a group that was dropped; `true` if it waits.
    pub(crate) fn walk_orphans(&mut self, group: Id, task: Id) -> bool {
        loop {
            match self.next(group, task) {
                Next::Waits => return true,
                Next::Member(_, Fate::Panicked(step)) => self.say(NOBODY, Event::Reported(step)),
                Next::Member(..) => {}
                Next::Nobody => {
                    self.leave_group(group);
                    return false;
                }
            }
        }
    }

    /// Walks a group's body, and then its end.
    pub(crate) fn walk_group(&mut self, group: &mut InGroup<'p>, around: Around) -> Walk<End> {
        let id = group.id;
        if let Some(body) = &mut group.body {
            match self.walk(body, around) {
                Walk::Waits => return Walk::Waits,
                Walk::Ended(Ok(_)) => {}
                Walk::Ended(Err(error)) => {
                    self.drop_group(id, around);
                    return Walk::Ended(End::Failed(error));
                }
                Walk::Panics(step) => {
                    self.drop_group(id, around);
                    return Walk::Panics(step);
                }
            }
            group.body = None;
            self.group(id).is_open = false;
            if let How::NextWithin(time) = group.how {
                group.deadline = Some(self.now + time);
            }
        }
        let end = match group.how {
            How::Drop => End::Done,
            How::NextOnce | How::NextAll => {
                let is_once = group.how == How::NextOnce;
                match self.say_next(id, around.task, is_once) {
                    Some(()) => End::Done,
                    None => return Walk::Waits,
                }
            }
            How::Join | How::NextWithin(_) | How::Any | How::FirstOk => {
                match self.walk_join(group, around) {
                    Some(end) => End::Group(end),
                    None => return Walk::Waits,
                }
            }
        };
        self.drop_group(id, around);
        Walk::Ended(end)
    }

    /// Hands out the next member, or all; `None` if it waits.
    fn say_next(&mut self, id: Id, task: Id, is_once: bool) -> Option<()> {
        loop {
            match self.next(id, task) {
                Next::Waits => return None,
                Next::Nobody => return Some(()),
                // One that was cancelled is passed over.
                Next::Member(_, Fate::Cancelled) => {}
                Next::Member(_, fate) => {
                    self.say(task, Event::Next(id, fate));
                    if is_once {
                        return Some(());
                    }
                }
            }
        }
    }

    /// Joins a group, in whatever way; `None` if it waits.
    fn walk_join(
        &mut self,
        group: &mut InGroup<'p>,
        around: Around,
    ) -> Option<Result<Vec<Id>, Vec<Fate>>> {
        let id = group.id;
        if let Some(deadline) = group.deadline {
            let waits = self.say_next(id, around.task, true).is_none();
            if waits && (deadline > self.now || self.leaves_it_to_outer(around)) {
                return None;
            }
            group.deadline = None;
        }
        let is_join = matches!(group.how, How::Join | How::NextWithin(_));
        loop {
            if !group.is_ending && !is_join {
                let is_over =
                    !group.values.is_empty() || group.how == How::Any && !group.failures.is_empty();
                if is_over {
                    group.is_ending = true;
                    self.group(id).is_closed = true;
                    self.cancel_all(id);
                }
            }
            match self.next(id, around.task) {
                Next::Waits => return None,
                Next::Nobody => break,
                Next::Member(_, Fate::Cancelled) => {}
                Next::Member(member, Fate::Value(value)) if !group.is_ending => {
                    group.values.push((member, value));
                }
                Next::Member(_, Fate::Value(_)) => {}
                Next::Member(_, failure) => {
                    group.failures.push(failure);
                    if is_join && group.failures.len() == 1 {
                        self.cancel_all(id);
                    }
                }
            }
        }
        self.group(id).is_closed = true;
        Some(self.join_end(group, is_join))
    }

    /// What joining a group gives in the end.
    fn join_end(&mut self, group: &mut InGroup<'p>, is_join: bool) -> Result<Vec<Id>, Vec<Fate>> {
        let is_ok = if is_join {
            group.failures.is_empty()
        } else {
            !group.values.is_empty()
        };
        if !is_ok {
            return Err(group.failures.clone());
        }
        for failure in &group.failures {
            if let Fate::Panicked(step) = failure {
                self.say(NOBODY, Event::Reported(*step));
            }
        }
        let created = self.group(group.id).members.clone();
        let order = |(member, _): &(Id, Id)| created.iter().position(|other| other == member);
        group.values.sort_by_key(order);
        Ok(group.values.iter().map(|(_, value)| *value).collect())
    }
}
