//! Wakers that are not the executor's own: their clones, wakes and drops are user code, which may do
//! anything to the network.

use std::cell::Cell;
use std::rc::Rc;

use bibelot::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use bibelot::testing::Network;
use bibelot::time::{Duration, sleep, timeout};

use crate::support::foreign::{Call, Foreign, set_hook};
use crate::support::same_every_time;
use crate::{ms, pair, pair_between, run};

#[test]
fn what_a_clone_of_a_waker_does_to_the_socket_is_not_overlooked() {
    same_every_time(what_a_clone_of_a_waker_does_to_the_socket_is_not_overlooked);
    run(&Network::new(), async {
        let (here, _there) = pair().await?;
        let here = Rc::new(here);
        let hooked = Rc::clone(&here);
        set_hook(move |call| {
            if call == Call::Clone {
                hooked.shutdown(Shutdown::Read).expect("it is connected");
            }
        });
        // It has found nothing to read; then its waker is cloned, and there is the end.
        let mut buf = [0];
        let read = timeout(Duration::from_secs(1), Foreign(here.read(&mut buf)));
        let read = read.await.expect("it is told of the end");
        set_hook(|_| {});
        assert_eq!(read?, 0);
        Ok(())
    });
}

#[test]
fn wakers_may_do_anything_to_the_network() {
    same_every_time(wakers_may_do_anything_to_the_network);
    let network = Network::new().latency(ms(1));
    let calls = Rc::new(Cell::new(0));
    run(&network, async {
        for round in 0..30 {
            let (here, there) = pair_between(&network, "client", "server").await?;
            let listener = TcpListener::bind("127.0.0.1:80").await?;
            let socket = UdpSocket::bind("127.0.0.1:53").await?;
            let (one, other) = (Rc::new(here), Cell::new(Some(there)));
            let hooked = (Rc::clone(&one), network.clone(), Rc::clone(&calls));
            set_hook(move |_| {
                let (one, network, calls) = &hooked;
                calls.set(calls.get() + 1);
                match (round + calls.get()) % 6 {
                    0 => network.reset("client", "server"),
                    1 => drop(other.take()),
                    2 => network.host("server").crash(),
                    3 => drop(one.shutdown(Shutdown::Both)),
                    4 => network.partition("client", "server"),
                    _ => network.heal("client", "server"),
                }
            });
            let mut buf = [0; 8];
            let read = timeout(ms(5), Foreign(one.read(&mut buf))).await;
            drop(read);
            let accept = Foreign(Box::pin(listener.accept()));
            let connect = Foreign(Box::pin(TcpStream::connect("127.0.0.1:80")));
            drop(timeout(ms(5), bibelot::task::join(accept, connect)).await);
            let received = Foreign(Box::pin(socket.recv(&mut buf)));
            drop(timeout(ms(5), received).await);
            set_hook(|_| {});
            network.heal("client", "server");
            sleep(ms(5)).await;
        }
        Ok(())
    });
    assert!(calls.get() > 100, "{}", calls.get());
}
