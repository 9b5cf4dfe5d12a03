//! A network in memory in every schedule: what arrives first follows from who has sent first.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;

use bibelot::net::{TcpListener, TcpStream, UdpSocket};
use bibelot::spawn;
use bibelot::task::yield_now;
use bibelot::testing::{Explorer, Network, Sim, random};
use bibelot::time::{Duration, timeout};

use crate::folder;
use crate::support::panic_of;

/// Two clients, of whom the one that was started first is not always served first.
async fn impatient() {
    let listener = TcpListener::bind("0.0.0.0:80").await.unwrap();
    for name in [b'a', b'b'] {
        drop(spawn(async move {
            let server = TcpStream::connect("localhost:80").await?;
            server.write_all(&[name]).await?;
            io::Result::Ok(())
        }));
    }
    let (first, _) = listener.accept().await.unwrap();
    let mut name = [0];
    first.read_exact(&mut name).await.unwrap();
    assert_eq!(name, *b"a", "the first comes first");
}

#[test]
fn a_bug_of_server_and_client_is_found_and_replayed() {
    let network = Network::new().latency(Duration::from_millis(1));
    let explorer = Explorer::new().network(&network);
    let explorer = explorer.replay_dir(folder("network"));
    let found = explorer.try_run(impatient).unwrap_err();
    assert_eq!(found.overtakes(), 1, "{found}");
    let path = found.replay_file().unwrap();
    let how = format!("Sim::replay({path:?}).unwrap().network(&…).run(");
    assert!(found.to_string().contains(&how), "{found}");
    for _ in 0..2 {
        let sim = Sim::replay(path).unwrap().network(&network);
        let text = panic_of(|| sim.run(impatient()));
        assert!(text.contains("the first comes first"), "{text}");
    }
}

/// Which of ten datagrams arrive, if each is lost as often as not.
async fn arrived() -> Vec<u8> {
    let server = UdpSocket::bind("127.0.0.1:53").await.unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for nth in 0..10 {
        client.send_to(&[nth], "127.0.0.1:53").await.unwrap();
    }
    let mut arrived = Vec::new();
    let mut buf = [0];
    while let Ok(received) = timeout(Duration::from_millis(1), server.recv(&mut buf)).await {
        received.unwrap();
        arrived.push(buf[0]);
    }
    arrived
}

#[test]
fn each_seed_of_an_explorer_has_its_own_luck_which_is_the_same_in_all_its_schedules() {
    let network = Network::new().loss(0.5);
    let luck = |seed| {
        let seen = RefCell::new(BTreeSet::new());
        let explorer = Explorer::new().network(&network).seed(seed);
        let explored = explorer.run(async || {
            for _ in 0..2 {
                drop(spawn(yield_now()));
            }
            let drawn: u64 = random(..);
            let arrived = arrived().await;
            seen.borrow_mut().insert((arrived, drawn));
        });
        assert!(explored.distinct() > 1, "{explored}");
        let seen = seen.into_inner();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen
    };
    let all: BTreeSet<_> = (0..20).map(luck).collect();
    assert_eq!(all.len(), 20, "{all:?}");
    assert_eq!(luck(3), luck(3));
    // Of seed 0 it is what a simulation has that is told none.
    let of_none = Sim::new().network(&network).run(async {
        let drawn: u64 = random(..);
        (arrived().await, drawn)
    });
    assert_eq!(luck(0), BTreeSet::from([of_none]));
}

#[test]
fn a_replay_has_the_luck_of_the_exploration() {
    let network = Network::new().loss(0.5);
    let test = async |seen: &RefCell<Vec<(Vec<u8>, u64)>>| {
        let arrived = arrived().await;
        seen.borrow_mut().push((arrived, random(..)));
        panic!("seen");
    };
    for seed in [0, 7, u64::MAX] {
        let seen = RefCell::default();
        let explorer = Explorer::new().network(&network).seed(seed);
        let explorer = explorer.replay_dir(folder(&format!("luck-{seed}")));
        let found = explorer.try_run(async || test(&seen).await).unwrap_err();
        let path = found.replay_file().unwrap();
        let sim = Sim::replay(path).unwrap().network(&network);
        assert_eq!(panic_of(|| sim.run(test(&seen))), "seen");
        let mut seen = seen.into_inner();
        assert!(seen.len() > 2);
        seen.dedup();
        assert_eq!(seen.len(), 1, "{seen:?}");
    }
}

#[test]
fn each_schedule_has_a_network_as_if_it_were_the_first() {
    let network = Network::new()
        .latency(Duration::from_millis(1))
        .jitter(Duration::from_millis(9))
        .loss(0.2);
    let explore = || {
        let runs = Rc::new(Cell::new(0));
        let explorer = Explorer::new().exhaustive(100).random(50);
        let explored = explorer.network(&network).run(async || {
            runs.set(runs.get() + 1);
            let listener = TcpListener::bind("0.0.0.0:80").await.unwrap();
            let clients = [1, 2, 3].map(|name| {
                spawn(async move {
                    let server = TcpStream::connect("localhost:80").await.unwrap();
                    for _ in 0..random(0..3) {
                        yield_now().await;
                    }
                    server.write_all(&[name]).await.unwrap();
                })
            });
            let mut sum = 0;
            for _ in &clients {
                let (client, _) = listener.accept().await.unwrap();
                let mut name = [0];
                client.read_exact(&mut name).await.unwrap();
                sum += name[0];
            }
            assert_eq!(sum, 6);
            // What is set in one run ends with it.
            network
                .link("localhost", "localhost")
                .set_latency(Duration::from_secs(9));
        });
        (explored, runs.get())
    };
    let (explored, runs) = explore();
    assert!(explored.distinct() > 5, "{explored}");
    assert_eq!(explore(), (explored, runs));
}
