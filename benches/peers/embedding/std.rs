use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn echo(mut client: TcpStream) -> io::Result<()> {
    let mut buf = [0; 4096];
    loop {
        let n = client.read(&mut buf)?;
        if n == 0 {
            return Ok(());
        }
        client.write_all(&buf[..n])?;
    }
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    loop {
        let (client, _from) = listener.accept()?;
        std::thread::spawn(|| echo(client));
    }
}
