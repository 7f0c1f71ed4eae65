//! Just enough HTTP/1.1 for six clients: a request with its body in, an answer or a stream of events out.
//! A connection serves one request, so that a stream is cut by closing it.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};

/// Bytes that a request's head may have.
const HEAD_LIMIT: usize = 64 * 1024;

/// A request as it came.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// With its query.
    pub(super) target: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Reads one; `None` if the client says nothing.
    pub(super) fn read(stream: &mut TcpStream) -> Result<Option<Self>> {
        let mut bytes = Vec::new();
        let mut part = [0; 16 * 1024];
        loop {
            let read = stream.read(&mut part)?;
            if read == 0 {
                return if bytes.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
            bytes.extend_from_slice(&part[..read]);
            let mut headers = [httparse::EMPTY_HEADER; 128];
            let mut head = httparse::Request::new(&mut headers);
            let httparse::Status::Complete(start) = head.parse(&bytes).map_err(Error::other)? else {
                if bytes.len() > HEAD_LIMIT {
                    return Err(ErrorKind::InvalidData.into());
                }
                continue;
            };
            let field = |name: &str| head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            if field("transfer-encoding").is_some() {
                return Err(Error::other("a request body in chunks"));
            }
            let length =
                field("content-length").and_then(|header| str::from_utf8(header.value).ok()?.trim().parse().ok());
            let length: usize = length.unwrap_or(0);
            let (method, target) =
                (head.method.unwrap_or_default().to_owned(), head.path.unwrap_or_default().to_owned());
            let mut body = bytes.split_off(start);
            let missing = length.saturating_sub(body.len());
            let had = body.len();
            body.resize(had + missing, 0);
            stream.read_exact(&mut body[had..])?;
            return Ok(Some(Self { method, target, body }));
        }
    }
}

/// Answers with a whole body.
pub(super) fn reply(stream: &mut TcpStream, status: u16, headers: &[(String, String)], body: &str) -> Result<()> {
    let mut head = format!("HTTP/1.1 {status} Stub\r\nconnection: close\r\ncontent-type: application/json\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
    finish(stream)
}

/// One server-sent event: its name, if the wire names them, and its data.
pub(super) type Frame = (Option<&'static str>, String);

/// Answers with events; cut, it ends in the middle, and without the end that HTTP asks for.
pub(super) fn events(stream: &mut TcpStream, frames: &[Frame], cut: bool) -> Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes())?;
    let sent = if cut { frames.len() / 2 } else { frames.len() };
    for (name, data) in &frames[..sent] {
        let name = name.map_or_else(String::new, |name| format!("event: {name}\n"));
        let event = format!("{name}data: {data}\n\n");
        stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())?;
    }
    if !cut {
        stream.write_all(b"0\r\n\r\n")?;
    }
    finish(stream)
}

/// Says nothing until the client gives up.
pub(super) fn hang(stream: &mut TcpStream) {
    while matches!(stream.read(&mut [0; 1024]), Ok(1..)) {}
}

fn finish(stream: &mut TcpStream) -> Result<()> {
    stream.flush()?;
    stream.shutdown(Shutdown::Write)?;
    // What is unread when a socket closes would reset it, and take the answer's end along.
    hang(stream);
    Ok(())
}
