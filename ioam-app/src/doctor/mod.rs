// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam doctor`: what of this machine keeps a node from running, or from running well, and the
//! command that mends it. It changes nothing.

mod card;
mod clock;
mod cpu;
mod finding;
mod firmware;
mod memory;
mod mtu;
mod rights;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use ioam_config::{Machine, Memory, PortRuntime, Valid};

use crate::bind::state::{self, Bindings};
use crate::dpdk::Device;
use crate::host::{Host, PciDevice, RealCommands};
use crate::runtime::allowed_cpus;
use crate::say;
pub use finding::{Diagnosis, Finding, Severity};
pub(crate) use firmware::{firmware_lldp_is_off, firmware_of};

/// What to look at.
#[derive(Clone, Debug, Args)]
pub struct DoctorArguments {
    /// The configuration the machine is to run; without it all network cards are looked at
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Exit with 1 on warnings too
    #[arg(long)]
    pub strict: bool,
    /// Where `ioam bind` remembers drivers, and the firmware it saw
    #[arg(long, value_name = "FILE", default_value = state::DEFAULT)]
    pub state: PathBuf,
}

/// What is examined.
struct Examination<'a> {
    host: &'a Host<'a>,
    /// The configuration, if there is one.
    node: Option<&'a Valid>,
    /// The cards of the configuration, or all of them.
    cards: Vec<PciDevice>,
    /// What `ioam bind` remembers.
    bindings: Bindings,
}

impl Examination<'_> {
    /// The configured ports; none without a configuration.
    fn ports(&self) -> &[PortRuntime] {
        self.node.map_or(&[], Valid::ports)
    }

    /// The CPUs of the configured workers.
    fn workers(&self) -> &[usize] {
        self.node.map_or(&[], |node| &node.runtime().worker_cpus)
    }

    /// MiB of hugepages the configuration asks for.
    fn hugepages_mib(&self) -> Option<u64> {
        let runtime = self.node?.runtime();
        (runtime.memory == Memory::Hugepages).then(|| u64::from(runtime.memory_mib))
    }

    /// Whether the configuration has a card.
    fn has_card(&self) -> bool {
        self.ports().iter().any(|port| port.is_pci)
    }
}

/// Looks at the machine; the exit code is 1 when something is wrong.
///
/// # Errors
///
/// The configuration is wrong, or the machine does not say which CPUs it has.
pub fn doctor(arguments: &DoctorArguments) -> Result<ExitCode> {
    let machine = Machine::other(allowed_cpus()?);
    let loaded = match &arguments.config {
        Some(path) => match ioam_config::load(path, &machine) {
            Ok(loaded) => Some(loaded),
            Err(errors) => bail!("{errors}"),
        },
        None => None,
    };
    let host = Host::new("/", &RealCommands);
    let bindings = Bindings::load(&arguments.state).unwrap_or_default();
    let diagnosis = examine(&host, loaded.as_ref().map(|loaded| &loaded.valid), bindings);
    if arguments.json {
        say::out(serde_json::to_string_pretty(&diagnosis)?);
    } else {
        say::out(&diagnosis);
    }
    let failed = diagnosis.errors > 0 || arguments.strict && diagnosis.warnings > 0;
    Ok(ExitCode::from(u8::from(failed)))
}

/// Everything there is to look at on `host`, for a configuration if there is one.
#[must_use]
pub fn examine(host: &Host<'_>, node: Option<&Valid>, bindings: Bindings) -> Diagnosis {
    let mut missing = Vec::new();
    let cards = match node {
        Some(node) => configured_cards(host, node, &mut missing),
        None => PciDevice::cards(host),
    };
    let examination = Examination {
        host,
        node,
        cards,
        bindings,
    };
    let mut findings = missing;
    findings.extend(memory::examine(&examination));
    findings.extend(rights::examine(&examination));
    findings.extend(card::examine(&examination));
    findings.extend(firmware::examine(&examination));
    findings.extend(cpu::examine(&examination));
    findings.extend(mtu::examine(&examination));
    findings.extend(clock::examine(&examination));
    Diagnosis::new(findings)
}

fn configured_cards(host: &Host<'_>, node: &Valid, missing: &mut Vec<Finding>) -> Vec<PciDevice> {
    let mut cards = Vec::new();
    for port in node.ports().iter().filter(|port| port.is_pci) {
        let address = Device::new(&port.device).name().to_owned();
        match PciDevice::read(host, &address) {
            Some(card) => cards.push(card),
            None => missing.push(
                Finding::error("card", format!("port {}: nothing at {address}", port.name))
                    .why("the node does not start without its ports")
                    .mend("lspci -D | grep -i ethernet # and correct `device` in the file"),
            ),
        }
    }
    cards
}
