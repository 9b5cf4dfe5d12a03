//! The clients of a server: as many as are being served, and no trace of those that were.
//!
//! ```text
//!   accept ─► [ c1 │ c2 │    │ c4 ] ◄── a seat leaves when its task's future is dropped:
//!                  handles                it has ended, was cancelled, or has panicked
//! ```
//!
//! Each client's task holds its seat, and gives it up by a destructor, so however it ends. The
//! server waits until few enough are seated. Law: nothing is borrowed while a handle is dropped or
//! a waker woken. Read next: `net/serve.rs`.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::executor::context;
use crate::executor::spawn::spawn_at;
use crate::task::JoinHandle;
use crate::task::waits::Waits;
use crate::waker;

/// The clients that are being served.
pub(super) struct Clients {
    /// Their tasks; `None` while one is being started.
    handles: RefCell<Slab<Option<JoinHandle<()>>>>,
    /// How many there may be.
    limit: Cell<usize>,
    /// The server, if it waits for one to end.
    server: Cell<Option<Waker>>,
    /// Where the server was made.
    at: &'static Location<'static>,
}

impl Clients {
    /// No clients yet, of the server that was made there.
    pub(super) fn new(at: &'static Location<'static>) -> Self {
        Self {
            handles: RefCell::default(),
            limit: Cell::new(usize::MAX),
            server: Cell::default(),
            at,
        }
    }

    /// Sets how many there may be.
    pub(super) fn set_limit(&self, limit: usize) {
        self.limit.set(limit);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.handles.borrow().len()
    }

    /// Starts the task of a client, which holds the seat it is given.
    pub(super) fn spawn<F>(self: &Rc<Self>, serve: impl FnOnce(Seat) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        let key = self.handles.borrow_mut().insert(None);
        let seat = Seat {
            clients: Rc::clone(self),
            key,
        };
        let future = serve(seat);
        let handle = spawn_at(future, self.at);
        self.handles.borrow_mut()[key] = Some(handle);
    }

    /// Waits until there may be one more.
    pub(super) async fn room(&self) {
        poll_fn(|cx| self.poll_at_most(self.limit.get() - 1, cx)).await;
    }

    /// Ready when the last one has been served.
    pub(super) fn poll_empty(&self, cx: &Context<'_>) -> Poll<()> {
        self.poll_at_most(0, cx)
    }

    /// Ready if at most `count` are left; else the task is woken when one ends.
    fn poll_at_most(&self, count: usize, cx: &Context<'_>) -> Poll<()> {
        if self.len() <= count {
            return Poll::Ready(());
        }
        context::note(Waits::TASK, self.at);
        let replaced = self.server.replace(Some(waker::keep(cx.waker())));
        drop(replaced);
        Poll::Pending
    }

    /// Cancels them all.
    pub(super) fn cancel_all(&self) {
        let handles = self.handles.take();
        for handle in handles.iter().filter_map(|(_, handle)| handle.as_ref()) {
            handle.cancel();
        }
    }
}

/// A client's part in the list; whoever drops it has been served.
pub(super) struct Seat {
    /// The list.
    clients: Rc<Clients>,
    /// Its part.
    key: usize,
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Gone already if the server was dropped first.
        let handle = self.clients.handles.borrow_mut().try_remove(self.key);
        drop(handle);
        if let Some(server) = self.clients.server.take() {
            waker::wake_kept(server);
        }
    }
}
