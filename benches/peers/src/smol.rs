//! smol: async-executor's `LocalExecutor`, driven by async-io's `block_on`.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::time::Duration;

use ::smol::io::{AsyncReadExt, AsyncWriteExt};
use ::smol::net::{TcpListener, TcpStream};
use ::smol::{LocalExecutor, Task, Timer};

use crate::runtime::Runtime;

/// async-executor's `LocalExecutor`.
pub struct Smol;

thread_local! {
    // Leaked once per process: reading it is then as cheap as a thread-local can be.
    static EXECUTOR: Cell<Option<&'static LocalExecutor<'static>>> = const { Cell::new(None) };
}

fn spawn(task: impl Future<Output = ()> + 'static) -> Task<()> {
    EXECUTOR.get().expect("inside of run").spawn(task)
}

impl Runtime for Smol {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
        let executor: &'static LocalExecutor<'static> = Box::leak(Box::new(LocalExecutor::new()));
        EXECUTOR.set(Some(executor));
        Ok(::smol::block_on(executor.run(main)))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) -> impl Future + 'static {
        spawn(task)
    }

    fn detach(task: impl Future<Output = ()> + 'static) {
        spawn(task).detach();
    }

    fn sleep(time: Duration) -> impl Future + 'static {
        Timer::after(time)
    }

    async fn serve(listening: impl FnOnce(u16) + 'static, buffer: usize) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        listening(listener.local_addr()?.port());
        loop {
            let (client, _) = listener.accept().await?;
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
