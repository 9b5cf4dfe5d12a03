//! How `net` and the executor come to the network: sockets are made, and what is due arrives.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use crate::executor::{Core, context};
use crate::reactor::simulated;
use crate::reactor::source::Source;
use crate::testing::Network;
use crate::testing::network::handle::{Handle, Kind};
use crate::testing::network::world::{Id, World};
use crate::testing::network::{host, ports};
use crate::waker;

impl Network {
    /// Calls `f` with all there is, and then tells those of events who wait for them.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.world.borrow_mut();
        let done = f(&mut world);
        let notices = std::mem::take(&mut world.notices);
        drop(world);
        let mut wakers = Vec::new();
        for (source, event) in notices {
            source.on_event(event, &mut wakers);
            source.socket().note_ready(event.read, event.write);
        }
        wakers.into_iter().for_each(waker::wake_kept);
        done
    }

    /// Makes a socket in the simulation that runs.
    fn make(
        &self,
        kind: Kind,
        make: impl FnOnce(&mut World, usize) -> io::Result<Id>,
    ) -> io::Result<Rc<Source>> {
        let host = host::current(self)?;
        let (id, run) = self.with(|world| {
            context::with(|core| world.begin_unless_begun(core));
            io::Result::Ok((make(world, host)?, world.run))
        })?;
        Ok(Source::simulated(Rc::new(Handle::new(
            self.clone(),
            run,
            id,
            kind,
        ))))
    }

    /// Whether the `run`th simulation is the one that runs, under this executor.
    pub(super) fn is_in(&self, run: u64, core: &Rc<Core>) -> bool {
        self.world.borrow().check(run, Some(core)).is_ok()
    }

    /// What tells it from others.
    pub(super) fn key(&self) -> usize {
        Rc::as_ptr(&self.world).addr()
    }
}

impl simulated::Network for Network {
    fn listen(&self, addresses: &[SocketAddr]) -> io::Result<Rc<Source>> {
        self.make(Kind::Listener, |world, host| {
            ports::first(addresses, |at| world.listen(host, at))
        })
    }

    fn bind(&self, addresses: &[SocketAddr]) -> io::Result<Rc<Source>> {
        self.make(Kind::Datagrams, |world, host| {
            ports::first(addresses, |at| world.bind(host, at))
        })
    }

    fn connect(&self, address: SocketAddr) -> io::Result<Rc<Source>> {
        self.make(Kind::Stream, |world, host| world.connect(host, address))
    }

    fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let world = self.world.borrow();
        let Some(found) = world.look_up(host) else {
            return Err(io::Error::other(format!(
                "failed to look up {host:?}: the simulated network has no host of this name"
            )));
        };
        Ok(found
            .into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect())
    }

    fn deliver(&self) {
        self.with(World::deliver);
    }

    fn key(&self) -> usize {
        Network::key(self)
    }
}
