//! On threads.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::BUFFER;

pub(super) fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buf = vec![0; BUFFER];
    loop {
        match stream.read(&mut buf)? {
            0 => return Ok(()),
            n => stream.write_all(&buf[..n])?,
        }
    }
}
