//! A chat: what one says, all hear.
//!
//! ```text
//! cargo run --release --example chat                       with three visitors of its own
//! cargo run --release --example chat -- --listen ADDRESS   until Ctrl-C; join with `nc HOST PORT`
//! ```
//!
//! ```text
//!   client ── line ──► its task ──► broadcast ──► every client's task ──► client
//! ```
//!
//! The first line of a client is its name. Each has one task, which does two things at once: it reads
//! what its client says and writes what the room hears. Who is too slow is told how much it has missed,
//! and holds up nobody.

use std::io;
use std::net::SocketAddr;

use bibelot::io::BufReader;
use bibelot::net::{TcpListener, TcpStream, serve};
use bibelot::sync::broadcast::{self, RecvError};
use bibelot::sync::oneshot;
use bibelot::task::race;
use bibelot::{signal, spawn};

/// Where all that is said goes through: who said it, and what.
type Room = broadcast::Sender<(String, String)>;

/// One client, until it goes or the room is closed.
async fn talk(client: TcpStream, room: Room) -> io::Result<()> {
    let mut lines = BufReader::new(&client).lines();
    let Some(name) = lines.next().await else {
        return Ok(());
    };
    let name = name?;
    let heard = room.subscribe();
    say(&room, &name, "joins");
    let reads = async {
        while let Some(line) = lines.next().await {
            say(&room, &name, &line?);
        }
        Ok(())
    };
    let writes = async {
        loop {
            let line = match heard.recv().await {
                Ok((speaker, line)) => format!("{speaker}: {line}\n"),
                Err(RecvError::Lagged(missed)) => format!("({missed} lines missed)\n"),
                Err(RecvError::Closed) => return Ok(()),
            };
            client.write_all(line.as_bytes()).await?;
        }
    };
    // Either ends it; the other is dropped where it waits.
    let left = race(reads, writes).await;
    say(&room, &name, "leaves");
    left
}

/// Says something to all.
fn say(room: &Room, name: &str, line: &str) {
    // There may be nobody to hear it.
    let _ = room.send((name.to_owned(), line.to_owned()));
}

/// A visitor: whose name, what it waits to hear, what it says to that, and what it hears before it goes.
type Part = [&'static str; 4];

/// Three visitors, who come in this order. As each waits for another, they hear the same every time.
const PLAY: [Part; 3] = [
    ["ann", "eve: joins", "hello, all", "bob: leaves"],
    ["bob", "ann: hello, all", "hello, ann", "eve: leaves"],
    ["eve", "bob: hello, ann", "so few?", "eve: so few?"],
];

/// Plays a part; tells when it has come in. Returns what it has heard.
async fn visit(
    server: SocketAddr,
    [name, cue, answer, last]: Part,
    is_in: oneshot::Sender<()>,
) -> io::Result<Vec<String>> {
    let stream = TcpStream::connect(server).await?;
    stream.write_all(format!("{name}\n").as_bytes()).await?;
    let mut lines = BufReader::new(&stream).lines();
    let mut heard: Vec<_> = lines.next().await.transpose()?.into_iter().collect();
    is_in.send(()).map_err(io::Error::other)?;
    while let Some(line) = lines.next().await.transpose()? {
        if line == cue {
            stream.write_all(format!("{answer}\n").as_bytes()).await?;
        }
        let is_last = line == last;
        heard.push(line);
        if is_last {
            break;
        }
    }
    Ok(heard)
}

/// Has all of them come, one after the other, and go.
async fn visits(server: SocketAddr) -> io::Result<()> {
    let mut visitors = Vec::new();
    for part in PLAY {
        let (is_in, came_in) = oneshot::channel();
        visitors.push(spawn(visit(server, part, is_in)));
        came_in.await.map_err(io::Error::other)?;
    }
    for ([name, ..], visitor) in PLAY.iter().zip(visitors) {
        for line in visitor.await?? {
            println!("{name} hears {line}");
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let address = match &arguments[..] {
        [] => None,
        [flag, address] if flag == "--listen" => Some(address.as_str()),
        _ => return Err(io::Error::other("usage: chat [--listen ADDRESS]")),
    };
    bibelot::run(async {
        let listener = TcpListener::bind(address.unwrap_or("127.0.0.1:0")).await?;
        let server = listener.local_addr()?;
        let (room, _) = broadcast::channel(64);
        let serving = serve(listener, |client, _| talk(client, room.clone()));
        if address.is_some() {
            println!("listening on {server}; Ctrl-C ends it");
            return race(serving, signal::ctrl_c()).await;
        }
        let mut seen = Ok(());
        serving.until(async { seen = visits(server).await }).await?;
        seen
    })
}
