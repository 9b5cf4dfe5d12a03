//! glommio, on its io_uring rings.

use std::future::Future;
use std::io;
use std::time::Duration;

use ::glommio::net::{TcpListener, TcpStream};
use ::glommio::timer::Timer;
use ::glommio::{LocalExecutorBuilder, Placement, spawn_local};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::runtime::Runtime;

/// A `LocalExecutor` that is bound to no core.
pub struct Glommio;

impl Runtime for Glommio {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
        let executor = LocalExecutorBuilder::new(Placement::Unbound)
            .make()
            .map_err(io::Error::from)?;
        Ok(executor.run(main))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) -> impl Future + 'static {
        spawn_local(task)
    }

    fn detach(task: impl Future<Output = ()> + 'static) {
        spawn_local(task).detach();
    }

    fn sleep(time: Duration) -> impl Future + 'static {
        Timer::new(time)
    }

    async fn serve(listening: impl FnOnce(u16) + 'static, buffer: usize) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listening(listener.local_addr()?.port());
        loop {
            let client = listener.accept().await?;
            client.set_nodelay(true)?;
            Self::detach(async move {
                let _ = echo(client, buffer).await;
            });
        }
    }
}

async fn echo(mut client: TcpStream, buffer: usize) -> io::Result<()> {
    let mut buf = vec![0; buffer];
    loop {
        let n = client.read(&mut buf).await?;
        if n == 0 {
            return Ok(());
        }
        client.write_all(&buf[..n]).await?;
    }
}
