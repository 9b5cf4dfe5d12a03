//! Connects to whichever address answers first, as browsers do (RFC 8305), in twenty lines: an attempt
//! starts when the one before has failed, or has had a quarter of a second.
//!
//! `TcpStream::connect` does this by itself; here it shows what a group is good for. (curio and trio
//! made the problem famous: without groups it takes a hundred lines, and leaks a socket.)

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use bibelot::net::{TcpListener, TcpStream};
use bibelot::sync::Event;
use bibelot::task::{GroupError, TaskGroup};
use bibelot::time::{Duration, timeout};

/// How long an attempt is alone before the next one starts.
const HEAD_START: Duration = Duration::from_millis(250);

/// The first connection there is; all errors, if there is none.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, GroupError<io::Error>> {
    let group = TaskGroup::new();
    let mut before: Option<Rc<Event>> = None;
    for &address in addresses {
        let failed = Rc::new(Event::new());
        let previous = before.replace(Rc::clone(&failed));
        group.spawn(async move {
            if let Some(previous) = previous {
                // Failed, or late: either way it is our turn.
                let _late = timeout(HEAD_START, previous.wait()).await;
            }
            let attempt = TcpStream::connect(address).await;
            if attempt.is_err() {
                failed.set();
            }
            attempt
        });
    }
    group.join_first_ok().await // the others are cancelled, and closed, when this returns
}

fn main() -> io::Result<()> {
    bibelot::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        // Nobody listens where somebody has just stopped.
        let closed = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let addresses = [closed, closed, listener.local_addr()?];

        let stream = connect(&addresses).await?;
        println!("connected to {}", stream.peer_addr()?);

        let nobody = connect(&addresses[..2]).await;
        println!("without a listener: {}", nobody.expect_err("closed"));
        Ok(())
    })
}
