//! bibelot.

use std::future::Future;
use std::io;
use std::time::Duration;

use ::bibelot::Executor;
use ::bibelot::net::{TcpListener, TcpStream};

use crate::runtime::Runtime;

/// bibelot, as it comes.
pub struct Bibelot;

impl Runtime for Bibelot {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
        Ok(Executor::new()?.run(main))
    }

    fn run_timers<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
        let slack = Duration::from_micros(50);
        Ok(Executor::builder().timer_slack(slack).build()?.run(main))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) -> impl Future + 'static {
        ::bibelot::spawn(task)
    }

    fn detach(task: impl Future<Output = ()> + 'static) {
        ::bibelot::spawn(task);
    }

    fn sleep(time: Duration) -> impl Future + 'static {
        ::bibelot::time::sleep(time)
    }

    async fn serve(listening: impl FnOnce(u16) + 'static, buffer: usize) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        listening(listener.local_addr()?.port());
        loop {
            let (client, _) = listener.accept().await?;
            client.set_nodelay(true)?;
            ::bibelot::spawn(echo(client, buffer));
        }
    }
}

async fn echo(client: TcpStream, buffer: usize) -> io::Result<()> {
    let mut buf = vec![0; buffer];
    loop {
        let n = client.read(&mut buf).await?;
        if n == 0 {
            return Ok(());
        }
        client.write_all(&buf[..n]).await?;
    }
}
