// SPDX-License-Identifier: MIT

//! Peer of the rows about connections: PROGRAM echo SIZE. A task for each
//! connection on the current_thread runtime.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

async fn serve(mut stream: TcpStream, size: usize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buf = vec![0; size];
    loop {
        let len = stream.read(&mut buf).await?;
        if len == 0 {
            return Ok(());
        }
        stream.write_all(&buf[..len]).await?;
    }
}

async fn listen(size: usize) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("port {}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, size));
    }
}

pub fn run(size: usize) -> ! {
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let result = runtime.block_on(listen(size));
    eprintln!("bench: failed: {result:?}");
    std::process::exit(1);
}
