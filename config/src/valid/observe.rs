// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How a running node is asked.

use std::net::SocketAddr;

use crate::model::Model;
use crate::report::Problems;
use crate::scalar::get;

/// The control socket, every default resolved but its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Where it is.
    pub socket: ControlSocket,
    /// Its permissions.
    pub mode: u32,
}

/// Where the control socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlSocket {
    /// Where the program puts it.
    Default,
    /// Nowhere.
    Off,
    /// At this path.
    At(String),
}

pub(super) fn control(model: &Model, problems: &mut Problems) -> Control {
    let keys = model.control.clone().unwrap_or_default();
    Control {
        socket: match get(&keys.socket, problems).map(|path| path.0) {
            None => ControlSocket::Default,
            Some(None) => ControlSocket::Off,
            Some(Some(path)) => ControlSocket::At(path),
        },
        mode: get(&keys.mode, problems).map_or(0o600, |mode| mode.0),
    }
}

pub(super) fn metrics(model: &Model, problems: &mut Problems) -> Option<SocketAddr> {
    let keys = model.metrics.as_ref()?;
    get(&keys.listen, problems).map(|listen| listen.0)
}
