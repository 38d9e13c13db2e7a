// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A connection over TCP, with TLS inside or without.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};
use rustls::ClientConnection;

use super::super::message::Finished;
use super::super::stop::Stop;
use super::tls::TlsSettings;
use super::{CONNECT, PATIENCE, Taken};

pub(crate) struct Stream {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

/// What would have to wait.
fn must_wait(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

impl Stream {
    pub(super) fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect_timeout(&address, CONNECT)?;
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, tls: None })
    }

    pub(super) fn connect_tls(
        address: SocketAddr,
        settings: &TlsSettings,
        stop: &Stop,
    ) -> io::Result<Self> {
        let mut stream = Self::connect(address)?;
        let mut tls = settings.client()?;
        let latest = Instant::now() + CONNECT;
        while tls.is_handshaking() {
            match tls.complete_io(&mut stream.socket) {
                Ok(_) => {}
                Err(error) if must_wait(&error) => {
                    if Instant::now() >= latest || stop.is_over() {
                        return Err(io::Error::new(
                            io::ErrorKind::TimedOut,
                            "no TLS handshake: does TLS listen there?",
                        ));
                    }
                    let side = if tls.wants_write() {
                        PollFlags::OUT
                    } else {
                        PollFlags::IN
                    };
                    stream.wait(side);
                }
                Err(error) => return Err(error),
            }
        }
        stream.tls = Some(Box::new(tls));
        // In TLS 1.3 it is only now that the collector judges our certificate.
        stream.settle(stop)?;
        Ok(stream)
    }

    /// Gives the collector a moment to refuse what it was shown in the handshake.
    fn settle(&mut self, stop: &Stop) -> io::Result<()> {
        if !stop.has_begun() {
            self.wait(PollFlags::IN);
        }
        self.look()
    }

    pub(super) fn send(&mut self, octets: &[u8], messages: &[Finished], stop: &Stop) -> Taken {
        let mut done = 0;
        let mut broken = self.look().err();
        while broken.is_none() && done < octets.len() {
            let rest = octets.get(done..).unwrap_or_default();
            match self.write(rest) {
                Ok(0) => broken = Some(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if must_wait(&error) => {
                    if stop.is_over() {
                        broken = Some(io::Error::new(
                            io::ErrorKind::TimedOut,
                            "the collector did not read to the end",
                        ));
                    } else {
                        self.wait(PollFlags::OUT);
                        broken = self.look().err();
                    }
                }
                Err(error) => broken = Some(error),
            }
        }
        let broken = broken.or_else(|| self.flush(stop).err());
        // What TLS still holds when the connection breaks was not sent, but is no longer known
        // message by message.
        let is_lost = broken.is_some() && self.tls.is_some();
        let whole = |message: &Finished| message.place.end <= done && !is_lost;
        Taken {
            messages: messages.iter().map(whole).collect(),
            refused: 0,
            broken,
        }
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.socket.write(octets);
        };
        while tls.wants_write() {
            tls.write_tls(&mut self.socket)?;
        }
        tls.writer().write(octets)
    }

    /// Hands over what TLS has made of the octets.
    fn flush(&mut self, stop: &Stop) -> io::Result<()> {
        while let Some(tls) = &mut self.tls
            && tls.wants_write()
        {
            match tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if must_wait(&error) && !stop.is_over() => {
                    self.wait(PollFlags::OUT);
                    self.look()?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what the collector says, which has nothing to say, to learn whether it is still there.
    pub(super) fn look(&mut self) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::ConnectionAborted, "the collector hung up");
        let mut answer = [0; 4096];
        // A collector that talks without end gets no more than this of our time.
        for _ in 0..16 {
            let result = match &mut self.tls {
                Some(tls) => tls.read_tls(&mut self.socket),
                None => self.socket.read(&mut answer),
            };
            match result {
                Ok(0) => return Err(gone()),
                Ok(_) => {}
                Err(error) if must_wait(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
            if let Some(tls) = &mut self.tls {
                let state = tls
                    .process_new_packets()
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                // Read and forgotten, or it would fill up.
                let mut plain = state.plaintext_bytes_to_read();
                while plain > 0 {
                    plain -= tls.reader().read(&mut answer)?.clamp(1, plain);
                }
                if state.peer_has_closed() {
                    return Err(gone());
                }
            }
        }
        Ok(())
    }

    pub(super) fn close(mut self, stop: &Stop) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        // A collector that does not hear it sees the connection end all the same.
        let _ = self.flush(stop);
        let _ = self.socket.shutdown(std::net::Shutdown::Write);
    }

    fn wait(&self, side: PollFlags) {
        let mut ready = [PollFd::new(&self.socket, side)];
        let patience = PATIENCE.try_into().ok();
        if poll(&mut ready, patience.as_ref()).is_err() {
            std::thread::sleep(PATIENCE);
        }
    }
}
