// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ways to a collector. Each may wait, but never past the moment that the node's end sets.

mod stream;
mod tls;
mod udp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::message::Finished;
use super::settings::Transport;
use super::stop::Stop;
use stream::Stream;
pub(super) use tls::TlsError;
use tls::TlsSettings;
use udp::Udp;

/// How long a connection may take to come about.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
/// How long a wait lasts before the end of the node is looked for.
const PATIENCE: Duration = Duration::from_millis(50);

/// What the system took of the messages it was offered.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// By message, in their order: whether it was taken whole.
    pub messages: Vec<bool>,
    /// Answers that nobody listens.
    pub refused: u64,
    /// Why the rest was not taken: there is no connection any more.
    pub broken: Option<io::Error>,
}

/// What is known before the first connection.
pub(super) enum Dialler {
    Udp(SocketAddr),
    Tcp(SocketAddr),
    Tls(SocketAddr, Arc<TlsSettings>),
}

impl Dialler {
    /// Reads the files TLS needs.
    pub(super) fn new(address: SocketAddr, transport: &Transport) -> Result<Self, TlsError> {
        Ok(match transport {
            Transport::Udp => Self::Udp(address),
            Transport::Tcp => Self::Tcp(address),
            Transport::Tls(tls) => Self::Tls(address, Arc::new(TlsSettings::read(tls, address)?)),
        })
    }

    /// Connects.
    pub(super) fn dial(&self, stop: &Stop) -> io::Result<Link> {
        Ok(match self {
            Self::Udp(address) => Link::Udp(Udp::connect(*address)?),
            Self::Tcp(address) => Link::Stream(Stream::connect(*address)?),
            Self::Tls(address, settings) => {
                Link::Stream(Stream::connect_tls(*address, settings, stop)?)
            }
        })
    }
}

/// A way to a collector that is open.
pub(super) enum Link {
    Udp(Udp),
    Stream(Stream),
}

impl Link {
    /// Offers messages, which are in `octets`, to the system.
    pub(super) fn send(&mut self, octets: &[u8], messages: &[Finished], stop: &Stop) -> Taken {
        match self {
            Self::Udp(udp) => udp.send(octets, messages, stop),
            Self::Stream(stream) => stream.send(octets, messages, stop),
        }
    }

    /// Whether it is still open, as far as one can see.
    pub(super) fn look(&mut self) -> io::Result<()> {
        match self {
            Self::Udp(_) => Ok(()),
            Self::Stream(stream) => stream.look(),
        }
    }

    /// Says good-bye.
    pub(super) fn close(self, stop: &Stop) {
        if let Self::Stream(stream) = self {
            stream.close(stop);
        }
    }
}
