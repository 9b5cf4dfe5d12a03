//! `net::serve` and programs like those of users, under faults.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::rc::Rc;

use bibelot::net::{TcpListener, TcpStream, serve};
use bibelot::sync::Event;
use bibelot::testing::{Network, Sim};
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, Report};

use crate::support::same_every_time;
use crate::{ms, run};

/// Serves one client by giving it back what it sends.
async fn echo(client: TcpStream) -> io::Result<()> {
    bibelot::io::copy(&client, &client).await?;
    Ok(())
}

/// Asks the server once, on a connection of its own.
async fn ask(text: &str) -> io::Result<String> {
    let server = TcpStream::connect("server:80").await?;
    server.write_all(text.as_bytes()).await?;
    let mut answer = vec![0; text.len()];
    server.read_exact(&mut answer).await?;
    Ok(String::from_utf8(answer).expect("what was sent"))
}

/// Asks until there is an answer: what a client does that has learned of networks.
async fn ask_again_and_again(text: &str) -> String {
    loop {
        if let Ok(Ok(answer)) = timeout(Duration::from_secs(2), ask(text)).await {
            return answer;
        }
        sleep(ms(100)).await;
    }
}

#[test]
fn a_server_lives_on_when_its_clients_are_reset() {
    same_every_time(a_server_lives_on_when_its_clients_are_reset);
    let reports = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&reports);
    let builder = Executor::builder()
        .on_report(move |report: &Report| log.borrow_mut().push(report.to_string()));
    let network = Network::new().latency(ms(5));
    let host = network.host("server");
    let done = Sim::from_builder(builder).network(&network).run(async {
        let stop = Rc::new(Event::new());
        let server = host.spawn({
            let stop = Rc::clone(&stop);
            async move {
                let listener = TcpListener::bind("0.0.0.0:80").await?;
                serve(listener, |client, _| echo(client))
                    .until(stop.wait())
                    .await
            }
        });
        sleep(ms(1)).await;
        let idle = TcpStream::connect("server:80").await?;
        assert_eq!(ask("one").await?, "one");
        network.reset("localhost", "server");
        assert_eq!(
            idle.read(&mut [0]).await.unwrap_err().kind(),
            ErrorKind::ConnectionReset
        );
        assert_eq!(ask("two").await?, "two");
        stop.set();
        server.await?
    });
    done.expect("the server ends in order");
    let reports = reports.borrow();
    assert!(
        reports.iter().any(|report| report.contains("reset")),
        "{reports:?}"
    );
}

#[test]
fn clients_that_are_cut_off_are_served_when_the_link_is_healed() {
    same_every_time(clients_that_are_cut_off_are_served_when_the_link_is_healed);
    let network = Network::new().latency(ms(5));
    let host = network.host("server");
    run(&network, async {
        let server = host.spawn(async {
            let listener = TcpListener::bind("0.0.0.0:80").await?;
            serve(listener, |client, _| echo(client)).limit(3).await
        });
        let clients: Vec<_> = (0..10)
            .map(|nth| bibelot::spawn(async move { ask_again_and_again(&nth.to_string()).await }))
            .collect();
        sleep(ms(11)).await;
        network.partition("localhost", "server");
        sleep(Duration::from_secs(60)).await;
        network.heal("localhost", "server");
        for (nth, client) in clients.into_iter().enumerate() {
            assert_eq!(client.await?, nth.to_string());
        }
        server.cancel();
        Ok(())
    });
}

#[test]
fn a_server_whose_host_crashes_ends_and_can_be_started_again() {
    same_every_time(a_server_whose_host_crashes_ends_and_can_be_started_again);
    let network = Network::new().latency(ms(5));
    let host = network.host("server");
    run(&network, async {
        let start = || {
            host.spawn(async {
                let listener = TcpListener::bind("0.0.0.0:80").await?;
                serve(listener, |client, _| echo(client)).await
            })
        };
        let server = start();
        sleep(ms(1)).await;
        assert_eq!(ask("one").await?, "one");
        host.crash();
        let error = server.await?.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(
            ask("two").await.unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
        let server = start();
        assert_eq!(ask_again_and_again("three").await, "three");
        server.cancel();
        Ok(())
    });
}

#[test]
fn a_client_with_patience_gets_through_a_very_bad_network() {
    same_every_time(a_client_with_patience_gets_through_a_very_bad_network);
    for seed in 0..10 {
        let network = Network::new()
            .latency(ms(20))
            .jitter(ms(80))
            .loss(0.2)
            .resets(0.2);
        let host = network.host("server");
        let answers = Cell::new(0);
        Sim::new().seed(seed).network(&network).run(async {
            let server = host.spawn(async {
                let listener = TcpListener::bind("0.0.0.0:80").await?;
                let serving = serve(listener, |client, _| async {
                    // A reset is the network's fault here, and not worth a report.
                    let _served = echo(client).await;
                    Ok(())
                });
                serving.await
            });
            for nth in 0..20 {
                assert_eq!(ask_again_and_again(&nth.to_string()).await, nth.to_string());
                answers.set(answers.get() + 1);
            }
            server.cancel();
        });
        assert_eq!(answers.get(), 20);
    }
}

#[test]
fn a_timeout_sees_a_partition_at_its_moment() {
    same_every_time(a_timeout_sees_a_partition_at_its_moment);
    let network = Network::new().latency(ms(5));
    let host = network.host("server");
    run(&network, async {
        let listener = host.scope(TcpListener::bind("0.0.0.0:80")).await?;
        let here = TcpStream::connect("server:80").await?;
        let (_there, _) = listener.accept().await?;
        network.partition("localhost", "server");
        here.write_all(b"anybody?").await?;
        let start = Instant::now();
        assert!(timeout(ms(1234), here.read(&mut [0; 8])).await.is_err());
        assert_eq!(start.elapsed(), ms(1234));
        Ok(())
    });
}
