use async_executor::LocalExecutor;
use async_io::Async;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use std::io;
use std::net::{TcpListener, TcpStream};

async fn echo(mut client: Async<TcpStream>) -> io::Result<()> {
    let mut buf = [0; 4096];
    loop {
        let n = client.read(&mut buf).await?;
        if n == 0 {
            return Ok(());
        }
        client.write_all(&buf[..n]).await?;
    }
}

fn main() -> io::Result<()> {
    let executor = LocalExecutor::new();
    async_io::block_on(executor.run(async {
        let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0))?;
        println!("{}", listener.get_ref().local_addr()?);
        loop {
            let (client, _from) = listener.accept().await?;
            executor.spawn(echo(client)).detach();
        }
    }))
}
