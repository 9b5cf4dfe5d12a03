//! compio on its poll driver and on io_uring.

use std::future::Future;
use std::io;
use std::time::Duration;

use ::compio::BufResult;
use ::compio::driver::{DriverType, ProactorBuilder};
use ::compio::io::{AsyncRead, AsyncWriteExt};
use ::compio::net::{TcpListener, TcpStream};
use ::compio::runtime::RuntimeBuilder;

use crate::runtime::Runtime;

/// On the crate `polling`.
pub struct Polling;

/// On io_uring.
pub struct Uring;

async fn serve(listening: impl FnOnce(u16), buffer: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    listening(listener.local_addr()?.port());
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        ::compio::runtime::spawn(echo(client, buffer)).detach();
    }
}

async fn echo(mut client: TcpStream, buffer: usize) -> io::Result<()> {
    let mut buf = Vec::with_capacity(buffer);
    loop {
        let BufResult(result, read) = client.read(buf).await;
        if result? == 0 {
            return Ok(());
        }
        let BufResult(result, mut written) = client.write_all(read).await;
        result?;
        written.clear();
        buf = written;
    }
}

macro_rules! runtime {
    ($name:ident, $driver:expr) => {
        impl Runtime for $name {
            const IN_MAIN: bool = true;

            fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
                let mut proactor = ProactorBuilder::new();
                proactor.driver_type($driver);
                let runtime = RuntimeBuilder::new().with_proactor(proactor).build()?;
                if runtime.driver_type() != $driver {
                    return Err(io::ErrorKind::Unsupported.into());
                }
                Ok(runtime.block_on(main))
            }

            fn spawn(task: impl Future<Output = ()> + 'static) -> impl Future + 'static {
                ::compio::runtime::spawn(task)
            }

            fn detach(task: impl Future<Output = ()> + 'static) {
                ::compio::runtime::spawn(task).detach();
            }

            fn sleep(time: Duration) -> impl Future + 'static {
                ::compio::time::sleep(time)
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

runtime!(Polling, DriverType::Poll);
runtime!(Uring, DriverType::IoUring);
