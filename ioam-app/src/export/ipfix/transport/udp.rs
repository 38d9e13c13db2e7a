// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Datagrams, many with one system call, from one socket for as long as the node runs: another
//! source port would be another session (RFC 7011, 10.3).

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, sendmmsg};

use super::super::message::Finished;
use super::super::stop::Stop;
use super::{PATIENCE, Taken};

/// Messages given to the system at once.
const AT_ONCE: usize = 64;
/// Room for what waits in the system, in octets; the system may give less.
const SEND_BUFFER: usize = 4 << 20;

pub(crate) struct Udp(UdpSocket);

impl Udp {
    pub(super) fn connect(address: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(address)?;
        socket.set_nonblocking(true)?;
        // Less room costs system calls that wait, nothing else.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER);
        Ok(Self(socket))
    }

    pub(super) fn send(&mut self, octets: &[u8], messages: &[Finished], stop: &Stop) -> Taken {
        let mut taken = Taken::default();
        let mut failed = 0;
        while let Some(rest) = messages.get(taken.messages.len()..)
            && !rest.is_empty()
        {
            match self.some(octets, rest) {
                Ok(count) if count > 0 => {
                    failed = 0;
                    let whole = taken.messages.len() + count.min(rest.len());
                    taken.messages.resize(whole, true);
                }
                Ok(_) | Err(Errno::AGAIN | Errno::NOBUFS | Errno::INTR) if !stop.is_over() => {
                    self.wait();
                }
                // The answer to an earlier datagram; this one was not sent yet.
                Err(Errno::CONNREFUSED) if failed < 3 => {
                    failed += 1;
                    taken.refused += 1;
                }
                Ok(_) | Err(_) => taken.messages.push(false),
            }
        }
        taken
    }

    /// Sends up to [`AT_ONCE`] messages.
    fn some(&self, octets: &[u8], messages: &[Finished]) -> rustix::io::Result<usize> {
        let now = messages.iter().take(AT_ONCE);
        let slices: Vec<[IoSlice<'_>; 1]> = now
            .map(|message| {
                let message = octets.get(message.place.clone());
                [IoSlice::new(message.unwrap_or_default())]
            })
            .collect();
        let mut nothing: Vec<_> = slices
            .iter()
            .map(|_| SendAncillaryBuffer::new(&mut []))
            .collect();
        let mut headers: Vec<_> = slices
            .iter()
            .zip(&mut nothing)
            .map(|(slice, control)| MMsgHdr::new(slice, control))
            .collect();
        sendmmsg(&self.0, &mut headers, SendFlags::NOSIGNAL)
    }

    fn wait(&self) {
        let mut ready = [PollFd::new(&self.0, PollFlags::OUT)];
        let patience = PATIENCE.try_into().ok();
        if poll(&mut ready, patience.as_ref()).is_err() {
            std::thread::sleep(PATIENCE);
        } else if ready
            .first()
            .is_some_and(|ready| ready.revents().contains(PollFlags::OUT))
        {
            // The socket has room and the system still had none: its own queue is full.
            std::thread::yield_now();
        }
    }
}
