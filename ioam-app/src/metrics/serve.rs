// SPDX-License-Identifier: Apache-2.0 OR MIT
//! As much of an HTTP server as a scrape needs: one request a connection, answered and closed.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::metrics;
use crate::control::{Answer, Ask, Desk};
use crate::timely;

/// Connections served at once; further ones are closed.
const MOST_CONNECTIONS: usize = 8;
/// How long a connection may last.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// Most octets of a request.
const LONGEST_REQUEST: usize = 8192;
/// Most octets taken from a client behind its request.
const MOST_IGNORED: usize = 64 << 10;
/// Most header fields of a request.
const MOST_FIELDS: usize = 64;
/// How long nobody is accepted after somebody could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is answered.
struct Response {
    status: &'static str,
    kind: &'static str,
    body: String,
}

/// Serves `/metrics` at `address` from a thread of its own, for as long as the process lives.
///
/// # Errors
/// The address cannot be had.
pub fn serve(address: SocketAddr, desk: Desk) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen at {address}; is another program there, is it this machine's?")
    })?;
    let address = listener.local_addr()?;
    std::thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || accept(&listener, &desk))
        .context("cannot start the thread of the metrics")?;
    Ok(address)
}

fn accept(listener: &TcpListener, desk: &Desk) {
    let connections = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            std::thread::sleep(ACCEPT_PAUSE);
            continue;
        };
        if connections.load(Ordering::Relaxed) >= MOST_CONNECTIONS {
            continue;
        }
        connections.fetch_add(1, Ordering::Relaxed);
        let open = Open(Arc::clone(&connections));
        let desk = desk.clone();
        let thread = std::thread::Builder::new().name("metrics-client".to_owned());
        let _ = thread.spawn(move || {
            let _open = open;
            // Who goes away or takes too long gets nothing, and nobody has to know.
            let _ = exchange(stream, &desk);
        });
    }
}

/// Counts a connection while it is open.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn exchange(mut stream: TcpStream, desk: &Desk) -> Option<()> {
    let deadline = Instant::now() + CONNECTION_TIME;
    let mut request = Vec::new();
    let response = loop {
        if let Some(response) = respond(&request, desk) {
            break response;
        }
        timely::read_more(&mut stream, &mut request, deadline)?;
    };
    let Response { status, kind, body } = response;
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let all = [head.as_bytes(), body.as_bytes()].concat();
    timely::write_whole(&mut stream, &all, deadline)?;
    // What a client still sends is taken, since closing on it could take the response from it.
    stream.shutdown(Shutdown::Write).ok()?;
    let mut ignored = Vec::new();
    while ignored.len() < MOST_IGNORED {
        timely::read_more(&mut stream, &mut ignored, deadline)?;
    }
    Some(())
}

/// The response to what has come so far, or `None` while the request is not whole.
fn respond(request: &[u8], desk: &Desk) -> Option<Response> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let answer = |status, body: &str| {
        Some(Response {
            status,
            kind: TEXT,
            body: body.to_owned(),
        })
    };
    match parsed.parse(request) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if request.len() < LONGEST_REQUEST => return None,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return answer("431 Request Header Fields Too Large", "too long\n");
        }
        Err(_) => return answer("400 Bad Request", "this is no HTTP request\n"),
    }
    let path = parsed.path.unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    match (parsed.method, path) {
        (Some("GET"), "/metrics") => Some(scrape(desk)),
        (Some("GET"), "/") => answer("200 OK", "an IOAM node; its metrics are at /metrics\n"),
        (Some("GET"), _) => answer("404 Not Found", "there is /metrics\n"),
        _ => answer("405 Method Not Allowed", "there is GET /metrics\n"),
    }
}

fn scrape(desk: &Desk) -> Response {
    match desk.ask(Ask::Snapshot) {
        Some(Answer::Snapshot(snapshot)) => Response {
            status: "200 OK",
            kind: METRICS,
            body: metrics(&snapshot),
        },
        _ => Response {
            status: "503 Service Unavailable",
            kind: TEXT,
            body: "the node does not answer\n".to_owned(),
        },
    }
}
