//! monoio on epoll (its legacy driver) and on io_uring.

use std::future::Future;
use std::io;
use std::time::Duration;

use ::monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use ::monoio::net::{TcpListener, TcpStream};
use ::monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

use crate::runtime::Runtime;

/// On epoll.
pub struct Legacy;

/// On io_uring.
pub struct Uring;

async fn serve(listening: impl FnOnce(u16), buffer: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listening(listener.local_addr()?.port());
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        ::monoio::spawn(echo(client, buffer));
    }
}

async fn echo(mut client: TcpStream, buffer: usize) -> io::Result<()> {
    let mut buf = Vec::with_capacity(buffer);
    loop {
        let (result, read) = client.read(buf).await;
        if result? == 0 {
            return Ok(());
        }
        let (result, written) = client.write_all(read).await;
        result?;
        buf = written;
    }
}

macro_rules! runtime {
    ($name:ident, $driver:ty) => {
        impl Runtime for $name {
            fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> io::Result<T> {
                let builder = RuntimeBuilder::<$driver>::new().enable_timer();
                Ok(builder.build()?.block_on(main))
            }

            fn spawn(task: impl Future<Output = ()> + 'static) -> impl Future + 'static {
                ::monoio::spawn(task)
            }

            fn detach(task: impl Future<Output = ()> + 'static) {
                ::monoio::spawn(task);
            }

            fn sleep(time: Duration) -> impl Future + 'static {
                ::monoio::time::sleep(time)
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

runtime!(Legacy, LegacyDriver);
runtime!(Uring, IoUringDriver);
