//! tokio: a `LocalSet` on a current-thread runtime, and a `LocalRuntime`.

use std::future::Future;
use std::io;
use std::time::Duration;

use ::tokio::io::{AsyncReadExt, AsyncWriteExt};
use ::tokio::net::{TcpListener, TcpStream};
use ::tokio::runtime::{Builder, LocalOptions};
use ::tokio::task::{LocalSet, spawn_local};

use crate::runtime::Runtime;

/// A `LocalSet` on a current-thread runtime.
pub struct Set;

/// A `LocalRuntime`.
pub struct Local;

async fn serve(listening: impl FnOnce(u16), buffer: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    listening(listener.local_addr()?.port());
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        spawn_local(echo(client, buffer));
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

macro_rules! runtime {
    ($name:ident, $run:expr) => {
        impl Runtime for $name {
            fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
                $run(main)
            }

            fn spawn(task: impl Future<Output = ()> + 'static) -> impl Future + 'static {
                spawn_local(task)
            }

            fn detach(task: impl Future<Output = ()> + 'static) {
                spawn_local(task);
            }

            fn sleep(time: Duration) -> impl Future + 'static {
                ::tokio::time::sleep(time)
            }

            fn serve(
                listening: impl FnOnce(u16) + 'static,
                buffer: usize,
            ) -> impl Future<Output = io::Result<()>> + 'static {
                serve(listening, buffer)
            }
        }
    };
}

runtime!(Set, |main| -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(LocalSet::new().block_on(&runtime, main))
});
runtime!(Local, |main| -> io::Result<T> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    Ok(runtime.block_on(main))
});
