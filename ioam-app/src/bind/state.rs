// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What `ioam bind` remembers of the devices it gave away.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Where it is remembered unless said otherwise; it outlives a reboot, as the card's own firmware
/// does.
pub const DEFAULT: &str = "/var/lib/ioam/bindings.json";

/// A device before it was given away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The driver it had, if any.
    pub driver: Option<String>,
    /// The interfaces it was.
    #[serde(default)]
    pub interfaces: Vec<String>,
    /// The firmware the kernel's driver saw.
    #[serde(default)]
    pub firmware: Option<String>,
    /// Whether the firmware's own LLDP agent was off.
    #[serde(default)]
    pub lldp_off: Option<bool>,
}

/// The devices given away, by PCI address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bindings(BTreeMap<String, Binding>);

impl Bindings {
    /// Reads the file; none there is nothing remembered.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not one of ours.
    pub fn load(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        serde_json::from_str(&text)
            .with_context(|| format!("{} is no file of `ioam bind`; move it away", path.display()))
    }

    /// Writes the file whole or not at all, and its folder where that is missing.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let new = path.with_extension("new");
            let mut text = serde_json::to_string_pretty(self)?;
            text.push('\n');
            fs::write(&new, text)?;
            fs::rename(&new, path)
        };
        write().with_context(|| format!("cannot write {}; say another --state", path.display()))
    }

    /// What is remembered of a device.
    #[must_use]
    pub fn get(&self, address: &str) -> Option<&Binding> {
        self.0.get(address)
    }

    pub(crate) fn remember(&mut self, address: &str, binding: Binding) {
        self.0.insert(address.to_owned(), binding);
    }

    pub(super) fn forget(&mut self, address: &str) {
        self.0.remove(address);
    }
}
