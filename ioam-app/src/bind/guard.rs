// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What must not be taken from the kernel: the way this machine is reached by.

use anyhow::{Result, bail};

use crate::host::{Host, PciDevice};

/// How many processes up from this one are asked for their SSH session: sudo hides it from us.
const ANCESTORS: usize = 12;

/// Refuses a device that carries the default route or the SSH session.
pub(super) fn refuse_lifeline(host: &Host<'_>, device: &PciDevice) -> Result<()> {
    let carriers = carriers(host, &device.interfaces);
    if carriers.is_empty() {
        return Ok(());
    }
    let address = &device.address;
    let is_carrier = |name: &String| carriers.contains(name);
    if let Some(name) = default_interfaces(host)
        .iter()
        .find(|name| is_carrier(name))
    {
        bail!(
            "{address} carries the default route (interface {name}): this machine would be cut \
             off; move the route first, as in `ip route replace default via GATEWAY dev OTHER`"
        );
    }
    let Some(own) = ssh_address(host) else {
        return Ok(());
    };
    match interface_of(host, &own) {
        Some(name) if is_carrier(&name) => bail!(
            "{address} carries this SSH session (interface {name}, address {own}): it would end \
             here; log in over another interface, or at the console"
        ),
        Some(_) => Ok(()),
        None => bail!(
            "this SSH session came in at {own}, and which interface has that address cannot be \
             told: `ip -j addr show` should list it; to bind {address}, log in at the console"
        ),
    }
}

/// The interfaces and all that stand on them: bonds, bridges, VLANs.
fn carriers(host: &Host<'_>, interfaces: &[String]) -> Vec<String> {
    let mut found = interfaces.to_vec();
    let mut at = 0;
    while let Some(name) = found.get(at).cloned() {
        at += 1;
        let folder = format!("/sys/class/net/{name}");
        let names = host.names(&folder);
        let above = names.iter().filter_map(|file| file.strip_prefix("upper_"));
        for name in above.map(str::to_owned) {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// The interfaces of the default routes, IPv4 and IPv6.
fn default_interfaces(host: &Host<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let text = host.read("/proc/net/route").unwrap_or_default();
    for line in text.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [name, "00000000", _, _, _, _, _, "00000000", ..] = words.as_slice() {
            found.push((*name).to_owned());
        }
    }
    let text = host.read("/proc/net/ipv6_route").unwrap_or_default();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [to, "00", .., name] = words.as_slice()
            && to.bytes().all(|digit| digit == b'0')
            && *name != "lo"
        {
            found.push((*name).to_owned());
        }
    }
    found
}

/// The address of this machine that the SSH session came in at.
fn ssh_address(host: &Host<'_>) -> Option<String> {
    let mut process = "self".to_owned();
    for _ in 0..ANCESTORS {
        let environment = host.read(&format!("/proc/{process}/environ"));
        let environment = environment.unwrap_or_default();
        let session = environment
            .split('\0')
            .find_map(|pair| pair.strip_prefix("SSH_CONNECTION="));
        // Client, its port, server, its port.
        if let Some(server) = session.and_then(|words| words.split(' ').nth(2)) {
            let server = server.strip_prefix("::ffff:").unwrap_or(server);
            return Some(server.to_owned());
        }
        let status = host.read(&format!("/proc/{process}/status"))?;
        let parent = status
            .lines()
            .find_map(|line| line.strip_prefix("PPid:"))?
            .trim();
        if parent == "0" {
            return None;
        }
        parent.clone_into(&mut process);
    }
    None
}

/// The interface with an address; a link-local one names it itself.
fn interface_of(host: &Host<'_>, address: &str) -> Option<String> {
    if let Some((_, interface)) = address.split_once('%') {
        return Some(interface.to_owned());
    }
    let text = host.run("ip", &["-j", "addr", "show"]).ok()?;
    let links: Vec<serde_json::Value> = serde_json::from_str(&text).ok()?;
    let has = |link: &&serde_json::Value| {
        let addresses = link["addr_info"].as_array().into_iter().flatten();
        addresses.into_iter().any(|own| own["local"] == address)
    };
    let link = links.iter().find(has)?;
    Some(link["ifname"].as_str()?.to_owned())
}
