//! [`Host`]: where code runs, and which addresses it has there.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::executor::context;
use crate::executor::spawn::spawn_at;
use crate::local::{Local, Scoped};
use crate::task::JoinHandle;
use crate::testing::Network;

/// The host that code runs on; without one it is the first.
static HERE: Local<Host> = Local::new();

/// The name of the first.
const LOCALHOST: &str = "localhost";

/// The host that the running code is on.
pub(super) fn current(network: &Network) -> io::Result<usize> {
    HERE.with(|host| match host {
        None => Ok(0),
        Some(host) if host.network.key() == network.key() => Ok(host.id),
        Some(host) => Err(io::Error::other(format!(
            "{host:?} belongs to another network than that of this simulation"
        ))),
    })
}

/// A machine of a [`Network`]: it has a name, addresses, and ports of its own; made by [`Network::host`].
///
/// # Examples
///
/// ```
/// use bibelot::net::{TcpListener, TcpStream};
/// use bibelot::testing::{Network, Sim};
///
/// let network = Network::new();
/// let (blue, red) = (network.host("blue"), network.host("red"));
/// Sim::new().network(&network).run(async {
///     // The same port on two hosts.
///     let _blue = blue.scope(TcpListener::bind("0.0.0.0:80")).await.unwrap();
///     let _red = red.scope(TcpListener::bind("0.0.0.0:80")).await.unwrap();
///
///     let stream = red.scope(TcpStream::connect("blue:80")).await.unwrap();
///     assert_eq!(stream.local_addr().unwrap().ip(), red.ip());
///     assert_eq!(stream.peer_addr().unwrap().ip(), blue.ip());
/// });
/// ```
#[derive(Clone)]
pub struct Host {
    /// Of what network.
    network: Network,
    /// Its number there.
    id: usize,
}

impl Host {
    /// The host of this number.
    pub(super) fn new(network: Network, id: usize) -> Self {
        Self { network, id }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.network.world.borrow().hosts.name(self.id).to_owned()
    }

    /// Its first address, by which the others reach it.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.network.world.borrow().hosts.ips(self.id)[0]
    }

    /// Gives it another address, of either family. The look-up of its name finds it behind the others.
    ///
    /// # Panics
    ///
    /// Panics if another host has it, or if it is one that every host has for itself.
    #[track_caller]
    pub fn add_ip(&self, ip: IpAddr) {
        let mut world = self.network.world.borrow_mut();
        let added = world.hosts.add_ip(self.id, ip);
        drop(world);
        assert!(added, "{ip} cannot be an address of this host alone");
    }

    /// Has a future run on this host: the sockets that are made in it, and in the tasks that are spawned in
    /// it, are this host's.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if the executor's network is not this one: where it would make real sockets.
    ///
    /// # Cancel safety
    ///
    /// That of `future`.
    pub fn scope<F: Future>(&self, future: F) -> OnHost<F> {
        OnHost {
            future: HERE.scope(self.clone(), future),
            network: self.network.key(),
            is_checked: Cell::new(false),
        }
    }

    /// Starts a task that runs on this host; [`spawn`](crate::spawn) of a [`scope`](Self::scope).
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
    {
        spawn_at(self.scope(future), Location::caller())
    }

    /// Takes the host's power away, and gives it back at once: its sockets are gone, and nobody is told.
    ///
    /// Who uses one of them here sees `ConnectionAborted`, and a listener of this host fails. Its peers are
    /// half-open: they learn it when they send something, by a reset, and never if they only wait. The tasks
    /// are the program's own to cancel, and to start again. A host that does not answer at all is one whose
    /// links are [cut](Network::partition).
    pub fn crash(&self) {
        self.network.with(|world| world.crash(self.id));
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Host").field(&self.name()).finish()
    }
}

pin_project! {
    /// The future of [`Host::scope`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct OnHost<F> {
        #[pin]
        future: Scoped<F>,
        network: usize,
        is_checked: Cell<bool>,
    }
}

impl<F: Future> Future for OnHost<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if !this.is_checked.replace(true) {
            let network = context::network().map(|network| network.key());
            assert!(
                network == Some(*this.network),
                "this host's network is not that of the executor; run it by Sim::network"
            );
        }
        this.future.poll(cx)
    }
}

impl<F> fmt::Debug for OnHost<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnHost").finish_non_exhaustive()
    }
}

/// All hosts of a network. They are never forgotten, so that a number is good for ever.
#[derive(Debug)]
pub(super) struct Hosts(Vec<(String, Vec<IpAddr>)>);

impl Hosts {
    /// One host.
    pub(super) fn new() -> Self {
        let mut hosts = Self(Vec::new());
        hosts.named(String::from(LOCALHOST));
        hosts
    }

    /// The host of a name, which is made if there is none.
    pub(super) fn named(&mut self, name: String) -> usize {
        if let Some(host) = self.find(&name) {
            return host;
        }
        let number = 1 + self.0.len() as u32;
        let mut ip = IpAddr::V4(Ipv4Addr::from_bits(
            u32::from_be_bytes([10, 0, 0, 0]) + number,
        ));
        while self.of_ip(ip).is_some() {
            // Somebody was given it by hand.
            let IpAddr::V4(taken) = ip else { break };
            ip = IpAddr::V4(Ipv4Addr::from_bits(taken.to_bits() + (1 << 16)));
        }
        self.0.push((name, vec![ip]));
        self.0.len() - 1
    }

    /// The host of a name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(own, _)| own == name)
    }

    /// The host of an address that is one host's alone.
    pub(super) fn of_ip(&self, ip: IpAddr) -> Option<usize> {
        self.0.iter().position(|(_, ips)| ips.contains(&ip))
    }

    /// Its name.
    pub(super) fn name(&self, host: usize) -> &str {
        &self.0[host].0
    }

    /// Its addresses.
    pub(super) fn ips(&self, host: usize) -> &[IpAddr] {
        &self.0[host].1
    }

    /// Gives a host an address; `false` says that it cannot have it.
    fn add_ip(&mut self, host: usize, ip: IpAddr) -> bool {
        let owner = self.of_ip(ip);
        let is_anybodys = ip.is_loopback() || ip.is_unspecified() || ip.is_multicast();
        if is_anybodys || owner.is_some_and(|owner| owner != host) {
            return false;
        }
        if owner.is_none() {
            self.0[host].1.push(ip);
        }
        true
    }
}
