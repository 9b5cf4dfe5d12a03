use bibelot::net::{TcpListener, TcpStream};
use std::io;

async fn echo(client: TcpStream) -> io::Result<()> {
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
    bibelot::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (client, _from) = listener.accept().await?;
            bibelot::spawn(echo(client));
        }
    })
}
