// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The doors of a running node: its control socket, and its metrics.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use ioam_config::{ControlSocket, Valid};

use super::plan::Plan;
use crate::control::{Desk, Server, default_directory};
use crate::{metrics, say};

/// What is open until it is dropped.
pub(super) struct Doors {
    _control: Option<Server>,
}

/// Opens what the configuration asks for. A control socket that it does not ask for is opened where
/// that is possible.
///
/// # Errors
/// Something that is asked for cannot be opened.
pub(super) fn open(valid: &Valid, plan: &Plan, desk: &Desk) -> Result<Doors> {
    let control = valid.control();
    let server = match &control.socket {
        ControlSocket::Off => None,
        ControlSocket::At(path) => {
            let path = PathBuf::from(path);
            let server = Server::start(&path, control.mode, desk.clone());
            Some(server.context("control.socket")?)
        }
        ControlSocket::Default => {
            let directory = default_directory();
            let path = directory.join(format!("{}.sock", plan.file_prefix));
            let server = fs::create_dir_all(&directory)
                .with_context(|| format!("cannot make {}", directory.display()))
                .and_then(|()| Server::start(&path, control.mode, desk.clone()));
            match server {
                Ok(server) => Some(server),
                Err(error) => {
                    say::err(format_args!(
                        "warning: no control socket, so that `ioam show` and `ioam reload` cannot \
                         be used: {error:#}; see `control:` in docs/configuration.md"
                    ));
                    None
                }
            }
        }
    };
    if let Some(server) = &server {
        say::err(format_args!("control socket {}", server.path().display()));
    }
    if let Some(address) = valid.metrics() {
        let address = metrics::serve(address, desk.clone()).context("metrics.listen")?;
        say::err(format_args!("metrics at http://{address}/metrics"));
    }
    Ok(Doors { _control: server })
}
