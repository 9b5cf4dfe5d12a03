//! A server that says goodbye: at Ctrl-C every client is told before its connection is closed.
//!
//! ```text
//! cargo run --release --example goodbye                       with three clients, and a Ctrl-C of its own
//! cargo run --release --example goodbye -- --listen ADDRESS   until yours
//! ```
//!
//! Cancelling the server cancels its clients where they wait. Each has a `bracket` around it, whose
//! release may await: it says goodbye. The scope returns when the last one has.

use std::io;

use bibelot::net::{TcpListener, TcpStream, serve};
use bibelot::signal;
use bibelot::task::{self, CancelScope, TaskGroup};

/// Sends a client back what it says, and goodbye at the end, whoever ends it.
async fn chat(client: TcpStream) -> io::Result<()> {
    task::bracket(
        client,
        async |client| {
            let mut buf = [0; 1024];
            loop {
                let n = client.read(&mut buf).await?;
                if n == 0 {
                    return Ok(());
                }
                client.write_all(&buf[..n]).await?;
            }
        },
        async |client| {
            // A client that has gone away needs no goodbye.
            let _gone = client.write_all(b"goodbye\n").await;
        },
    )
    .await
}

/// Serves until the scope is cancelled, and all clients have been told goodbye.
async fn listen(listener: TcpListener, scope: &CancelScope) -> io::Result<()> {
    println!("listening on {}; Ctrl-C ends it", listener.local_addr()?);
    let served = scope.run(serve(listener, |client, _| chat(client))).await;
    println!("all have been told goodbye");
    served.unwrap_or(Ok(()))
}

/// Says hello, and hears what it is told until the connection is closed.
async fn visit(server: std::net::SocketAddr, name: u32, signal_after: bool) -> io::Result<()> {
    let stream = TcpStream::connect(server).await?;
    stream
        .write_all(format!("hello from {name}\n").as_bytes())
        .await?;
    let mut buf = [0; 1024];
    let n = stream.read(&mut buf).await?;
    print!(
        "client {name} hears: {}",
        String::from_utf8_lossy(&buf[..n])
    );
    if signal_after {
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::INT)?;
    }
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await?;
    print!("client {name} hears: {rest}");
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let address = match &arguments[..] {
        [] => None,
        [flag, address] if flag == "--listen" => Some(address.as_str()),
        _ => return Err(io::Error::other("usage: goodbye [--listen ADDRESS]")),
    };
    bibelot::run(async {
        let listener = TcpListener::bind(address.unwrap_or("127.0.0.1:0")).await?;
        let server = listener.local_addr()?;
        let scope = CancelScope::new();
        let group = TaskGroup::<(), io::Error>::new();
        let interrupted = signal::ctrl_c();
        group.spawn({
            let scope = scope.clone();
            async move {
                interrupted.await?;
                scope.cancel_because("Ctrl-C");
                Ok(())
            }
        });
        if address.is_none() {
            for name in 1..=3 {
                group.spawn(visit(server, name, name == 3));
            }
        }
        listen(listener, &scope).await?;
        group.join().await?;
        Ok(())
    })
}
