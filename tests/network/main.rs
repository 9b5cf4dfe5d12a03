//! The simulated network: that programs find in it what they find in the kernel, what its faults do, and
//! that all of it happens at its exact moment and again with the same seed.

#[path = "../support/mod.rs"]
mod support;

mod cancel;
mod conditions;
mod datagrams;
mod faults;
mod foreign;
mod hosts;
mod kernel;
mod places;
mod seeds;
#[cfg(feature = "sync")]
mod serve;
mod sources;
mod times;
mod together;

use std::io;

use bibelot::net::{TcpListener, TcpStream};
use bibelot::testing::{Network, Sim};
use bibelot::time::{Duration, Instant};

/// So many milliseconds.
const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs a test that may fail with `?` in a network.
#[track_caller]
fn run<T>(network: &Network, test: impl Future<Output = io::Result<T>>) -> T {
    let done = Sim::new().network(network).run(test);
    done.expect("the test returned an error")
}

/// A connection within a host: the end that has connected, and the other.
async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let one = TcpStream::connect(listener.local_addr()?).await?;
    let (other, _) = listener.accept().await?;
    Ok((one, other))
}

/// A connection from one host to another: both ends.
async fn pair_between(
    network: &Network,
    client: &str,
    server: &str,
) -> io::Result<(TcpStream, TcpStream)> {
    let (client, server) = (network.host(client), network.host(server));
    let listener = server.scope(TcpListener::bind("0.0.0.0:0")).await?;
    let at = (server.ip(), listener.local_addr()?.port());
    let one = client.scope(TcpStream::connect(at)).await?;
    let (other, _) = listener.accept().await?;
    Ok((one, other))
}

/// How long something takes, and what comes of it.
async fn timed<T>(future: impl Future<Output = T>) -> (Duration, T) {
    let start = Instant::now();
    let done = future.await;
    (start.elapsed(), done)
}
