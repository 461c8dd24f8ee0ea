//! A container that does what a test tells it to. Its HTTP is written by hand, so that it can also hang, announce wrong lengths
//! and close connections.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a container does with an invocation.
pub enum Reaction {
    /// Answers with a status and a body.
    Answer(u16, Vec<u8>),
    /// Announces the whole body, sends half of it and closes the connection.
    Half(Vec<u8>),
    /// Closes the connection without an answer.
    HangUp,
    /// Sends nothing until the caller closes the connection.
    Hang,
}

/// A running fake.
pub struct FakeContainer {
    pub url: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl FakeContainer {
    /// Starts one. `parameters` is its `/execution-parameters`, if it has any; `react` is given the number of the
    /// invocation, counted from 0, and its body.
    pub fn start(
        parameters: Option<&'static str>,
        react: impl Fn(usize, &str) -> Reaction + Send + Sync + 'static,
    ) -> FakeContainer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bodies: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, react) = (Arc::clone(&bodies), Arc::new(react));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, react) = (Arc::clone(&seen), Arc::clone(&react));
                std::thread::spawn(move || converse(stream, parameters, &seen, &*react));
            }
        });
        FakeContainer { url, bodies }
    }

    /// The bodies of all invocations so far, in the order in which they came.
    pub fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

fn converse(
    mut stream: TcpStream,
    parameters: Option<&str>,
    seen: &Mutex<Vec<String>>,
    react: &dyn Fn(usize, &str) -> Reaction,
) {
    let mut input = Vec::new();
    loop {
        let Some((path, body)) = next_request(&mut stream, &mut input) else { return };
        let reaction = match (path.as_str(), parameters) {
            ("/ping", _) => Reaction::Answer(200, Vec::new()),
            ("/execution-parameters", Some(parameters)) => Reaction::Answer(200, parameters.into()),
            ("/invocations", _) => {
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(body.clone());
                    seen.len() - 1
                };
                react(number, &body)
            }
            _ => Reaction::Answer(404, Vec::new()),
        };
        let head = |status: u16, length: usize| {
            format!("HTTP/1.1 {status} X\r\ncontent-type: text/csv\r\ncontent-length: {length}\r\n\r\n")
        };
        let sent = match reaction {
            Reaction::Answer(status, body) => {
                stream.write_all(head(status, body.len()).as_bytes()).and_then(|()| stream.write_all(&body))
            }
            Reaction::Half(body) => {
                let _ = stream.write_all(head(200, body.len()).as_bytes());
                let _ = stream.write_all(&body[..body.len() / 2]);
                return;
            }
            Reaction::HangUp => return,
            Reaction::Hang => {
                let _ = stream.read(&mut [0]);
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

/// The path and body of the next request of a connection, chunked or not.
fn next_request(stream: &mut TcpStream, input: &mut Vec<u8>) -> Option<(String, String)> {
    let mut more = |input: &mut Vec<u8>| {
        let mut buffer = [0; 65_536];
        let count = stream.read(&mut buffer).ok().filter(|&count| count > 0)?;
        input.extend_from_slice(&buffer[..count]);
        Some(())
    };
    let head_end = loop {
        match input.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None => more(input)?,
        }
    };
    let head = String::from_utf8_lossy(&input[..head_end]).to_ascii_lowercase();
    let path = head.split(' ').nth(1)?.to_owned();
    input.drain(..head_end);
    let mut body = Vec::new();
    if head.contains("transfer-encoding: chunked") {
        loop {
            let line_end = loop {
                match input.windows(2).position(|window| window == b"\r\n") {
                    Some(at) => break at,
                    None => more(input)?,
                }
            };
            let length = usize::from_str_radix(std::str::from_utf8(&input[..line_end]).ok()?, 16).ok()?;
            while input.len() < line_end + 2 + length + 2 {
                more(input)?;
            }
            body.extend_from_slice(&input[line_end + 2..line_end + 2 + length]);
            input.drain(..line_end + 2 + length + 2);
            if length == 0 {
                break;
            }
        }
    } else {
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        let length: usize = length.unwrap_or(0);
        while input.len() < length {
            more(input)?;
        }
        body = input.drain(..length).collect();
    }
    Some((path, String::from_utf8_lossy(&body).into_owned()))
}
