//! A fixture server: answers as it is told, and keeps what it was asked, bodies included.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::support::read_head;

/// A request, as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Status, content type and body.
type Reply = (u16, &'static str, Vec<u8>);

/// A server that answers as it is told, and keeps what it was asked. Its threads end with the
/// process.
pub struct Fixture {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fixture {
    pub fn start(reply: impl Fn(&Asked) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that goes away is no matter.
                let _ = answer(stream.unwrap(), &reply, &kept);
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, reply: &dyn Fn(&Asked) -> Reply, kept: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let lines = read_head(&mut stream);
    let Some((first, headers)) = lines.split_first() else { return Ok(()) };
    let mut words = first.split(' ').map(str::to_owned);
    let headers: Vec<(String, String)> = headers
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let asked = Asked { method: words.next().unwrap(), path: words.next().unwrap(), headers, body };
    let (status, content_type, body) = reply(&asked);
    kept.lock().unwrap().push(asked);
    let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\n{length}connection: close\r\n\r\n");
    stream.get_mut().write_all(&[head.as_bytes(), &body].concat())
}
