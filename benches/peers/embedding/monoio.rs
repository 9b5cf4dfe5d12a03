use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use monoio::net::{TcpListener, TcpStream};
use std::io;

async fn echo(mut client: TcpStream) -> io::Result<()> {
    let mut buf = Vec::with_capacity(4096);
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

fn main() -> io::Result<()> {
    let mut runtime = monoio::RuntimeBuilder::<monoio::LegacyDriver>::new().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{}", listener.local_addr()?);
        loop {
            let (client, _from) = listener.accept().await?;
            monoio::spawn(echo(client));
        }
    })
}
