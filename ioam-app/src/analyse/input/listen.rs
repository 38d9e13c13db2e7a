// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Collects IPFIX from the network: datagrams of any number of exporters, and connections.
//!
//! Each socket has a thread that hands whole messages over a bounded channel to the one that reads them;
//! what does not fit waits in the socket, and what does not fit there shows as gaps in the sequence.

use std::collections::HashMap;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::InputReport;
use super::connection::Messages;
use crate::analyse::args::Listen;
use crate::analyse::gather::Gathered;
use crate::analyse::ipfix::{Session, Settings};
use crate::analyse::progress::Progress;
use crate::interrupt::Interrupt;
use crate::say;

/// Most sessions of all exporters, from the first on.
const MOST_SESSIONS: usize = 1024;
/// Messages on their way to the reader.
const QUEUE: usize = 1024;
/// How often a thread looks whether it is to end.
const TICK: Duration = Duration::from_millis(100);
/// How long what is under way is waited for at the end.
const LAST: Duration = Duration::from_millis(300);
/// Octets of datagrams that the system is asked to hold while nobody reads.
const RECEIVE_BUFFER: usize = 8 << 20;

/// What a socket's thread hands over.
struct Incoming {
    session: usize,
    from: From,
    what: What,
}

#[derive(Clone, Copy)]
enum From {
    Udp(SocketAddr),
    Tcp(SocketAddr),
}

enum What {
    Message(Vec<u8>),
    Trouble(&'static str),
    /// A connection has ended; for a message that is cut, that is trouble before.
    Closed,
}

/// What all threads share.
#[derive(Clone)]
struct Shared {
    sender: SyncSender<Incoming>,
    stop: Arc<AtomicBool>,
    sessions: Arc<AtomicUsize>,
    /// Messages and connections of exporters beyond [`MOST_SESSIONS`].
    refused: Arc<AtomicUsize>,
}

impl Shared {
    fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The next session's number, if there may be one more.
    fn session(&self) -> Option<usize> {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        if number >= MOST_SESSIONS {
            self.sessions.store(MOST_SESSIONS, Ordering::Relaxed);
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(number)
    }
}

/// Collects until the interrupt, or for `seconds`. Sessions are numbered on from `first`.
///
/// # Errors
/// A socket that cannot be had.
pub fn collect(
    listen: &[Listen],
    seconds: Option<Duration>,
    settings: Settings,
    gathered: &mut Gathered,
    first: usize,
    progress: &mut Progress,
) -> Result<Vec<InputReport>> {
    let (sender, receiver) = sync_channel(QUEUE);
    let interrupt = Interrupt::watch()?;
    let shared = Shared {
        sender,
        stop: Arc::default(),
        sessions: Arc::default(),
        refused: Arc::default(),
    };
    let mut threads = Vec::new();
    for place in listen {
        let (thread, bound) = start(*place, shared.clone())
            .with_context(|| format!("--listen {place}: cannot listen there"))?;
        say::err(format_args!("listening on {bound}"));
        threads.push(thread);
    }
    let (stop, refused) = (Arc::clone(&shared.stop), Arc::clone(&shared.refused));
    // When all threads have ended, the channel has.
    drop(shared);
    let begun = Instant::now();
    let mut collector = Collector::new(settings, first);
    loop {
        let now = Instant::now();
        let over = seconds.is_some_and(|seconds| now.duration_since(begun) >= seconds);
        if over || interrupt.has_come() {
            break;
        }
        collector.receive(&receiver, gathered);
        gathered.tick(now);
        progress.show(|| collector.line(gathered, begun));
    }
    // What nodes have sent so far may still be on its way through the sockets.
    let end = Instant::now() + LAST;
    while Instant::now() < end {
        collector.receive(&receiver, gathered);
    }
    stop.store(true, Ordering::Relaxed);
    while collector.receive(&receiver, gathered) {}
    for thread in threads {
        // A thread that failed has nothing more to say.
        let _ = thread.join();
    }
    Ok(collector.finish(gathered, refused.load(Ordering::Relaxed)))
}

/// The reading end: all sessions by their numbers.
struct Collector {
    settings: Settings,
    first: usize,
    sessions: HashMap<usize, (Session, InputReport)>,
    messages: u64,
}

impl Collector {
    fn new(settings: Settings, first: usize) -> Self {
        Self {
            settings,
            first,
            sessions: HashMap::new(),
            messages: 0,
        }
    }

    /// Takes what comes within a tick; whether more can come.
    fn receive(&mut self, receiver: &Receiver<Incoming>, gathered: &mut Gathered) -> bool {
        match receiver.recv_timeout(TICK) {
            Ok(incoming) => {
                self.take(incoming, gathered);
                // What is there already needs no look at the clock for each.
                for incoming in receiver.try_iter().take(QUEUE) {
                    self.take(incoming, gathered);
                }
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    fn take(&mut self, incoming: Incoming, gathered: &mut Gathered) {
        let settings = self.settings;
        let entry = self.sessions.entry(incoming.session);
        let (session, report) = entry.or_insert_with(|| {
            let (name, datagrams) = match incoming.from {
                From::Udp(peer) => (format!("udp:{peer}"), true),
                From::Tcp(peer) => (format!("tcp:{peer}"), false),
            };
            let report = InputReport {
                name,
                format: "ipfix",
                ..InputReport::default()
            };
            (Session::new(settings, datagrams), report)
        });
        let mut events = Vec::new();
        match incoming.what {
            What::Message(octets) => {
                self.messages += 1;
                if let Err(bad) = session.message(&octets, &mut events) {
                    let number = session.counts().messages;
                    report.complain(format!("message {number}: {bad}"));
                }
            }
            What::Trouble(what) => report.complain(what.to_owned()),
            What::Closed => session.finish(&mut events),
        }
        let now = Instant::now();
        for event in events {
            report.records += 1;
            gathered.take(event, self.first + incoming.session, now);
        }
    }

    fn line(&self, gathered: &Gathered, begun: Instant) -> String {
        let seconds = begun.elapsed().as_secs();
        let missed: u64 = self
            .sessions
            .values()
            .map(|(session, _)| session.counts().missed_records)
            .sum();
        format!(
            "{seconds} s: {} exporters, {} messages, {} records, {missed} missed; {} flows, {} links",
            self.sessions.len(),
            self.messages,
            gathered.records.all(),
            gathered.flows.len(),
            gathered.links.len(),
        )
    }

    fn finish(self, gathered: &mut Gathered, refused: usize) -> Vec<InputReport> {
        let mut sessions: Vec<_> = self.sessions.into_iter().collect();
        sessions.sort_by_key(|(number, _)| *number);
        let mut reports = Vec::new();
        for (number, (mut session, mut report)) in sessions {
            let mut events = Vec::new();
            session.finish(&mut events);
            for event in events {
                report.records += 1;
                gathered.take(event, self.first + number, Instant::now());
            }
            report.ipfix = Some(session.counts());
            reports.push(report);
        }
        if refused > 0 {
            let mut report = InputReport {
                name: "further exporters".to_owned(),
                format: "ipfix",
                ..InputReport::default()
            };
            report.complain(format!(
                "{refused} messages or connections of exporters beyond the first {MOST_SESSIONS}"
            ));
            reports.push(report);
        }
        reports
    }
}

type Thread = std::thread::JoinHandle<()>;

/// Begins to listen; where, since a port of 0 becomes any that is free.
fn start(place: Listen, shared: Shared) -> Result<(Thread, Listen)> {
    let spawn = std::thread::Builder::new().name("listen".to_owned());
    Ok(match place {
        Listen::Udp(address) => {
            let socket = UdpSocket::bind(address)?;
            socket.set_read_timeout(Some(TICK))?;
            // The system may give less, or nothing more: then bursts are lost sooner.
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER);
            let bound = Listen::Udp(socket.local_addr()?);
            (spawn.spawn(move || datagrams(&socket, &shared))?, bound)
        }
        Listen::Tcp(address) => {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let bound = Listen::Tcp(listener.local_addr()?);
            (spawn.spawn(move || connections(&listener, &shared))?, bound)
        }
    })
}

/// Each peer is a session (RFC 7011, 2: a pair of addresses and ports).
fn datagrams(socket: &UdpSocket, shared: &Shared) {
    let mut peers: HashMap<SocketAddr, usize> = HashMap::new();
    let mut buffer = vec![0; 65_536];
    while !shared.stops() {
        let Ok((length, peer)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let session = match peers.get(&peer) {
            Some(known) => *known,
            None if peers.len() >= MOST_SESSIONS => {
                shared.refused.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            None => {
                let Some(session) = shared.session() else {
                    continue;
                };
                peers.insert(peer, session);
                session
            }
        };
        let octets = buffer.get(..length).unwrap_or_default().to_vec();
        let incoming = Incoming {
            session,
            from: From::Udp(peer),
            what: What::Message(octets),
        };
        if shared.sender.send(incoming).is_err() {
            return;
        }
    }
}

fn connections(listener: &TcpListener, shared: &Shared) {
    let mut threads: Vec<Thread> = Vec::new();
    while !shared.stops() {
        let Ok((stream, peer)) = listener.accept() else {
            std::thread::sleep(TICK);
            continue;
        };
        threads.retain(|thread| !thread.is_finished());
        let Some(session) = shared.session() else {
            continue;
        };
        let shared = shared.clone();
        let spawn = std::thread::Builder::new().name("exporter".to_owned());
        let thread = spawn.spawn(move || connection(stream, peer, session, &shared));
        threads.extend(thread);
    }
    for thread in threads {
        // A thread that failed has nothing more to say.
        let _ = thread.join();
    }
}

fn connection(mut stream: TcpStream, peer: SocketAddr, session: usize, shared: &Shared) {
    let send = |what| {
        let from = From::Tcp(peer);
        let incoming = Incoming {
            session,
            from,
            what,
        };
        shared.sender.send(incoming).is_ok()
    };
    let blocking = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(Some(TICK)));
    if blocking.is_err() {
        return;
    }
    let mut messages = Messages::default();
    let mut buffer = vec![0; 65_536];
    while !shared.stops() {
        let length = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if is_pause(error.kind()) => continue,
            Err(_) => break,
        };
        messages.arrived(buffer.get(..length).unwrap_or_default());
        loop {
            match messages.next() {
                Ok(Some(message)) => {
                    if !send(What::Message(message)) {
                        return;
                    }
                }
                Ok(None) => break,
                Err(why) => {
                    send(What::Trouble(why));
                    return;
                }
            }
        }
    }
    if messages.is_inside() {
        send(What::Trouble("the connection ended inside a message"));
    }
    send(What::Closed);
}

fn is_pause(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
