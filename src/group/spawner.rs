//! [`Spawner`]: who may start members of a group and neither owns nor keeps it.

use std::fmt;
use std::panic::Location;
use std::rc::{Rc, Weak};

use crate::group::member::Member;
use crate::group::members::Members;

/// Starts members of a [`TaskGroup`](crate::task::TaskGroup), as long as that is there.
///
/// # Examples
///
/// ```
/// use bibelot::task::{Spawner, TaskGroup};
///
/// type Crawl = Spawner<u32, std::io::Error>;
///
/// async fn visit(depth: u32, crawl: Crawl) -> std::io::Result<u32> {
///     for _ in 0..depth {
///         // Fails only when the group has ended, and so is this member then.
///         let _ = crawl.spawn(Box::pin(visit(depth - 1, crawl.clone())));
///     }
///     Ok(depth)
/// }
///
/// bibelot::run(async {
///     let group = TaskGroup::new();
///     group.spawn(visit(2, group.spawner()));
///     assert_eq!(group.join().await.unwrap(), [2, 1, 1, 0, 0]);
/// });
/// ```
pub struct Spawner<T: 'static, E: 'static> {
    /// The group.
    members: Weak<Members<T, E>>,
}

/// The error of [`Spawner::spawn`]: the group has ended, or was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupEnded;

impl fmt::Display for GroupEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spawning in a group that has ended")
    }
}

impl std::error::Error for GroupEnded {}

impl<T: 'static, E: 'static> Spawner<T, E> {
    /// One for the group of these members.
    pub(super) fn new(members: &Rc<Members<T, E>>) -> Self {
        Self {
            members: Rc::downgrade(members),
        }
    }

    /// Starts a member; see [`TaskGroup::spawn`](crate::task::TaskGroup::spawn).
    ///
    /// # Errors
    ///
    /// Returns an error if the group has ended; the future is dropped then.
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Result<Member<T, E>, GroupEnded>
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        let members = self.members.upgrade().ok_or(GroupEnded)?;
        if members.is_closed() {
            return Err(GroupEnded);
        }
        let which = members.spawn(future, Location::caller());
        Ok(Member::new(members, which))
    }
}

impl<T: 'static, E: 'static> Clone for Spawner<T, E> {
    fn clone(&self) -> Self {
        Self {
            members: Weak::clone(&self.members),
        }
    }
}

impl<T: 'static, E: 'static> fmt::Debug for Spawner<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}
