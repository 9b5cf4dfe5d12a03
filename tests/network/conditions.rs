//! What a link does by chance: losses, delays, resets; and what cannot be asked of it.

use std::io::ErrorKind;
use std::panic::catch_unwind;

use bibelot::net::{TcpListener, TcpStream, UdpSocket};
use bibelot::testing::Network;
use bibelot::time::{Duration, Instant, sleep};

use crate::support::same_every_time;
use crate::{ms, pair, run, timed};

/// Sends numbered datagrams over a link like this, and returns which arrive, in their order.
fn datagrams_over(network: &Network, count: u32) -> Vec<u32> {
    run(network, async {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let there = UdpSocket::bind("127.0.0.1:0").await?;
        there.connect(here.local_addr()?).await?;
        for nth in 0..count {
            there.send(&nth.to_be_bytes()).await?;
        }
        sleep(Duration::from_secs(10)).await;
        there.send(&u32::MAX.to_be_bytes()).await?;
        let mut arrived = Vec::new();
        let mut buf = [0; 4];
        let mut last = bibelot::time::timeout(Duration::from_secs(10), here.recv(&mut buf)).await;
        while let Ok(count) = last {
            assert_eq!(count?, 4);
            arrived.push(u32::from_be_bytes(buf));
            last = bibelot::time::timeout(Duration::from_secs(10), here.recv(&mut buf)).await;
        }
        arrived.retain(|nth| *nth != u32::MAX);
        Ok(arrived)
    })
}

#[test]
fn a_perfect_network_loses_repeats_and_reorders_nothing() {
    let arrived = datagrams_over(&Network::new(), 500);
    assert_eq!(arrived, (0..500).collect::<Vec<_>>());
}

#[test]
fn datagrams_are_lost_as_often_as_was_said() {
    let arrived = datagrams_over(&Network::new().loss(0.25), 1000);
    assert!((700..800).contains(&arrived.len()), "{}", arrived.len());
    assert!(arrived.is_sorted());
    assert!(datagrams_over(&Network::new().loss(1.0), 10).is_empty());
}

#[test]
fn datagrams_are_repeated_as_often_as_was_said() {
    let arrived = datagrams_over(&Network::new().duplication(0.25), 1000);
    assert!((1200..1300).contains(&arrived.len()), "{}", arrived.len());
    let arrived = datagrams_over(&Network::new().duplication(1.0), 10);
    assert_eq!(arrived.len(), 20);
}

#[test]
fn datagrams_overtake_each_other_by_jitter() {
    let mut arrived = datagrams_over(&Network::new().jitter(ms(100)), 100);
    assert!(!arrived.is_sorted());
    arrived.sort_unstable();
    assert_eq!(arrived, (0..100).collect::<Vec<_>>());
}

#[test]
fn jitter_stays_within_its_bounds_and_a_stream_in_order() {
    same_every_time(jitter_stays_within_its_bounds_and_a_stream_in_order);
    let network = Network::new().latency(ms(10)).jitter(ms(5));
    run(&network, async {
        let (here, there) = pair().await?;
        let mut least = Duration::MAX;
        let mut most = Duration::ZERO;
        for _ in 0..300 {
            let start = Instant::now();
            here.write_all(b"a").await?;
            there.read_exact(&mut [0]).await?;
            least = least.min(start.elapsed());
            most = most.max(start.elapsed());
        }
        assert!(
            ms(10) <= least && least < Duration::from_micros(10_200),
            "{least:?}"
        );
        assert!(
            Duration::from_micros(14_800) < most && most <= ms(15),
            "{most:?}"
        );
        for nth in 0..200_u8 {
            here.write_all(&[nth]).await?;
        }
        let mut all = [0; 200];
        there.read_exact(&mut all).await?;
        assert!(all.is_sorted());
        Ok(())
    });
}

#[test]
fn a_stream_loses_time_and_nothing_else() {
    same_every_time(a_stream_loses_time_and_nothing_else);
    let network = Network::new().loss(0.2);
    run(&network, async {
        let (here, there) = pair().await?;
        let writer = bibelot::spawn(async move {
            for nth in 0..200_u8 {
                here.write_all(&[nth]).await?;
                sleep(ms(1)).await;
            }
            std::io::Result::Ok(())
        });
        let mut all = Vec::new();
        let (took, read) = timed(there.read_to_end(&mut all)).await;
        read?;
        writer.await??;
        assert_eq!(all, (0..200).collect::<Vec<u8>>());
        assert!(took >= ms(400), "some were sent again: {took:?}");
        Ok(())
    });
}

#[test]
fn connections_are_reset_as_often_as_was_said() {
    same_every_time(connections_are_reset_as_often_as_was_said);
    let network = Network::new().resets(0.1);
    let ended = run(&network, async {
        let mut ended = Vec::new();
        for _ in 0..100 {
            let (here, there) = pair().await?;
            let mut writes = 0;
            let error = loop {
                if let Err(error) = here.write(b"a").await {
                    break error;
                }
                writes += 1;
                sleep(ms(1)).await;
            };
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            let error = there.read_to_end(&mut Vec::new()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            ended.push(writes);
        }
        Ok(ended)
    });
    let mean = ended.iter().sum::<u32>() / 100;
    assert!((8..13).contains(&mean), "one in ten: {mean}");
}

#[test]
fn what_takes_for_ever_by_chance_times_out() {
    same_every_time(what_takes_for_ever_by_chance_times_out);
    let network = Network::new().jitter(Duration::MAX);
    run(&network, async {
        let start = Instant::now();
        let _listener = TcpListener::bind("127.0.0.1:80").await?;
        let error = TcpStream::connect("127.0.0.1:80").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), Duration::from_secs(127));
        Ok(())
    });
}

#[test]
fn what_cannot_be_is_refused_at_once() {
    let says = |f: fn()| {
        let payload = catch_unwind(f).expect_err("it should panic");
        let text = payload.downcast_ref::<String>().cloned();
        text.unwrap_or_else(|| (*payload.downcast_ref::<&str>().unwrap()).to_owned())
    };
    let text = says(|| drop(Network::new().loss(1.5)));
    assert_eq!(text, "1.5 is no probability: those are between 0 and 1");
    let text = says(|| drop(Network::new().resets(f64::NAN)));
    assert_eq!(text, "NaN is no probability: those are between 0 and 1");
    let text = says(|| drop(Network::new().bandwidth(0)));
    assert_eq!(text, "nothing would ever arrive");
    let text = says(|| Network::new().partition("localhost", "nowhere"));
    assert_eq!(
        text,
        "there is no host \"nowhere\"; Network::host makes one"
    );
    let text = says(|| drop(Network::new().one_way("nowhere", "localhost")));
    assert_eq!(
        text,
        "there is no host \"nowhere\"; Network::host makes one"
    );
    let text = says(|| {
        Network::new()
            .host("a")
            .add_ip("127.0.0.1".parse().unwrap())
    });
    assert_eq!(text, "127.0.0.1 cannot be an address of this host alone");
}
