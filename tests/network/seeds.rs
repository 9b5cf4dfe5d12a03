//! Chance comes from the seed: the same seed gives the same run, another one another.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::{Debug, Write};
use std::io;
use std::rc::Rc;

use bibelot::Executor;
use bibelot::net::{TcpListener, TcpStream, UdpSocket};
use bibelot::sched::Fifo;
use bibelot::testing::{Network, Sim};
use bibelot::time::{Instant, sleep, timeout};

use crate::ms;
use crate::support::same_every_time;

/// A log of what happened when.
#[derive(Clone, Default)]
struct Log(Rc<RefCell<String>>);

impl Log {
    /// Notes something.
    fn note(&self, what: impl Debug) {
        let now = Instant::now();
        writeln!(self.0.borrow_mut(), "{now:?} {what:?}").expect("a string takes all");
    }
}

/// Gives all clients back what they send.
async fn serve(log: Log) -> io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    loop {
        let (client, from) = listener.accept().await?;
        log.note(("accepted", from));
        let log = log.clone();
        bibelot::spawn(async move {
            let copied = bibelot::io::copy(&client, &client).await;
            log.note(("served", copied.map_err(|error| error.kind())));
        });
    }
}

/// Asks the server some times.
async fn ask(log: Log, nth: u8) -> io::Result<()> {
    let stream = TcpStream::connect("server:80").await?;
    for round in 0..10 {
        stream.write_all(&[nth, round]).await?;
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).await?;
        log.note(("answer", answer));
    }
    Ok(())
}

/// Notes all datagrams.
async fn receive(log: Log) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:53").await?;
    loop {
        let mut buf = [0];
        socket.recv(&mut buf).await?;
        log.note(("datagram", buf));
    }
}

/// A busy network, and what is seen in it.
fn run_of(network: &Network, seed: u64) -> String {
    let log = Log::default();
    let server = network.host("server");
    let done = Sim::new().seed(seed).network(network).run(async {
        let serving = server.spawn(serve(log.clone()));
        let receiving = server.spawn(receive(log.clone()));
        sleep(ms(1)).await;
        let clients: Vec<_> = (0..5)
            .map(|nth| bibelot::spawn(ask(log.clone(), nth)))
            .collect();
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        for nth in 0..30 {
            socket.send_to(&[nth], "server:53").await?;
            sleep(ms(1)).await;
        }
        for client in clients {
            log.note(client.await?.map_err(|error| error.kind()));
        }
        sleep(ms(100)).await;
        serving.cancel();
        receiving.cancel();
        io::Result::Ok(())
    });
    done.expect("no error");
    log.0.take()
}

/// A network that leaves much to chance.
fn rough() -> Network {
    let network = Network::new().latency(ms(2)).jitter(ms(9)).loss(0.1);
    network.duplication(0.1).resets(0.02)
}

#[test]
fn the_same_seed_gives_the_same_run_to_the_byte() {
    for seed in 0..5 {
        let first = run_of(&rough(), seed);
        assert!(first.lines().count() > 40, "{first}");
        assert_eq!(first, run_of(&rough(), seed));
    }
}

#[test]
fn a_network_that_has_been_used_gives_the_same_run_as_a_new_one() {
    let network = rough();
    let first = run_of(&network, 7);
    let _other = run_of(&network, 8);
    assert_eq!(run_of(&network, 7), first);
}

#[test]
fn another_seed_gives_another_run() {
    let runs: BTreeSet<_> = (0..20).map(|seed| run_of(&rough(), seed)).collect();
    assert_eq!(runs.len(), 20);
}

#[test]
fn under_a_policy_the_seed_is_the_networks_alone() {
    same_every_time(under_a_policy_the_seed_is_the_networks_alone);
    let arrived = |seed| {
        let network = Network::new().loss(0.5);
        let builder = Executor::builder().policy(Fifo::default());
        let sim = Sim::from_builder(builder).seed(seed).network(&network);
        let done = sim.run(async {
            let server = UdpSocket::bind("127.0.0.1:53").await?;
            let client = UdpSocket::bind("127.0.0.1:0").await?;
            for nth in 0..20 {
                client.send_to(&[nth], "127.0.0.1:53").await?;
            }
            let mut arrived = Vec::new();
            let mut buf = [0];
            while let Ok(received) = timeout(ms(1), server.recv(&mut buf)).await {
                received?;
                arrived.push(buf[0]);
            }
            io::Result::Ok(arrived)
        });
        done.expect("no error")
    };
    let runs: BTreeSet<_> = (0..20).map(arrived).collect();
    assert!(runs.len() > 10, "{runs:?}");
    assert_eq!(arrived(3), arrived(3));
}

#[test]
fn a_network_without_chance_is_the_same_for_every_seed_of_one_order() {
    let network = Network::new().latency(ms(2));
    let bytes = |seed| {
        let lines = run_of(&network, seed);
        let mut lines: Vec<_> = lines.lines().map(str::to_owned).collect();
        // Tasks that are ready together come in any order, at the same moments.
        lines.sort();
        lines.retain(|line| !line.contains("accepted"));
        lines
    };
    assert_eq!(bytes(1), bytes(2));
}
