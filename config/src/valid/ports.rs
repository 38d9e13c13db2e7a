// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The ports: names, devices, queues and sizes.

use ioam_dp::port::MAX_PORTS;
use ioam_dp::table::spec::{EdgePolicy, PortSpec, Side};

use super::PortRuntime;
use super::filter::LOCAL;
use crate::model::{Model, Port};
use crate::report::{Place, Problems};
use crate::scalar::{Scalar, get};
use crate::text::{self, Device, Number};

/// Smallest MTU of a link that carries IPv6 (RFC 8200, 5).
const IPV6_MINIMUM: u16 = 1280;

/// A port's megabits a second where nobody says.
const SPEED: u32 = 10_000;

/// What an Ethernet frame adds to a packet: the header, two VLAN tags and the check sequence.
const FRAME: u32 = 14 + 2 * 4 + 4;

/// Octets of each `net_af_packet` frame that hold no packet, rounded up.
const AF_PACKET_FRAME: u64 = 84;

/// Largest `framesz` for which a buffer is made.
const AF_PACKET_LARGEST: u32 = 16384;

/// All ports, as the data plane and as DPDK see them.
pub(super) fn ports(model: &Model, problems: &mut Problems) -> (Vec<PortSpec>, Vec<PortRuntime>) {
    let listed = model.ports.as_ref().map_or(&[][..], |ports| &ports.value);
    if listed.is_empty() {
        let place = model
            .ports
            .as_ref()
            .map(|ports| ports.place)
            .unwrap_or_default();
        let help = "add `ports:` and under it `- {name: east, device: \"0000:01:00.0\"}`";
        problems.error(place, "this node has no ports", help);
    }
    if let Some(port) = listed.get(MAX_PORTS) {
        let what = format!(
            "there are {} ports; a node has at most {MAX_PORTS}",
            listed.len()
        );
        problems.error(port.name.place, what, "remove the ports from here on");
    }
    duplicates(listed, problems);
    listed
        .iter()
        .take(MAX_PORTS)
        .map(|port| one(port, problems))
        .unzip()
}

/// Names and devices that occur twice.
fn duplicates(listed: &[Port], problems: &mut Problems) {
    let mut names: Vec<String> = Vec::new();
    let mut devices: Vec<String> = Vec::new();
    for port in listed {
        if let Some(name) = port.name.get(problems) {
            if names.contains(&name.0) {
                let what = format!("two ports are named `{}`", name.0);
                problems.error(port.name.place, what, "give each port a name of its own");
            }
            if name.0 == LOCAL {
                let what = "`local` is the word for packets this node originates";
                problems.error(port.name.place, what, "give the port another name");
            }
            names.push(name.0);
        }
        if let Some(device) = port.device.get(problems) {
            let device = device.name();
            if devices.contains(&device) {
                let what = format!("two ports use the device `{device}`");
                let help = "give each port a device of its own; virtual devices differ in their \
                            number, as in net_af_packet0 and net_af_packet1";
                problems.error(port.device.place, what, help);
            }
            devices.push(device);
        }
    }
}

fn one(port: &Port, problems: &mut Problems) -> (PortSpec, PortRuntime) {
    let name = port
        .name
        .get(problems)
        .map(|name| name.0)
        .unwrap_or_default();
    let queues = get(&port.queues, problems).map_or(1, |queues| queues.0);
    let mtu = get(&port.mtu, problems).map_or(1500, |mtu| mtu.0);
    let rx_descriptors = descriptors(&port.rx_descriptors, problems);
    let tx_descriptors = descriptors(&port.tx_descriptors, problems);
    let promiscuous = get(&port.promiscuous, problems).is_none_or(|switch| switch.0);
    if let Some(place) = port
        .mtu
        .as_ref()
        .map(|mtu| mtu.place)
        .filter(|_| mtu < IPV6_MINIMUM)
    {
        let what = format!("an mtu of {mtu} is below the {IPV6_MINIMUM} that IPv6 needs");
        problems.warning(place, what, "write 1280 or more");
    }
    let device = port.device.get(problems);
    let mtu_place = port.mtu.as_ref().map_or(port.device.place, |mtu| mtu.place);
    let frame_room = device.as_ref().map_or(2048, |device| {
        fits_device(device, mtu, mtu_place, port.device.place, problems);
        frame_room(device, mtu)
    });
    let speed = get(&port.speed, problems).map(|speed| speed.0);
    let runtime = PortRuntime {
        name: name.clone(),
        device: device.as_ref().map(Device::to_string).unwrap_or_default(),
        is_pci: matches!(device, Some(Device::Pci(..))),
        queues,
        rx_descriptors,
        tx_descriptors,
        mtu,
        promiscuous,
        speed,
        frame_room,
    };
    let spec = PortSpec {
        name,
        mac: [0; 6],
        mtu,
        ioam: get(&port.ioam, problems).is_some_and(|switch| switch.0),
        id: get(&port.id, problems).map(|id| id.0),
        id_wide: get(&port.id_wide, problems).map(|id| id.0),
        address: get(&port.address, problems).map(|address| address.0),
        side: side(port, problems),
        speed: speed.unwrap_or(SPEED),
    };
    (spec, runtime)
}

fn side(port: &Port, problems: &mut Problems) -> Side {
    let policy = get(&port.edge_policy, problems);
    let side = get(&port.side, problems).unwrap_or(text::Side::Inside);
    match (side, policy) {
        (text::Side::Inside, None) => Side::Inside,
        (text::Side::Inside, Some(_)) => {
            let place = port
                .edge_policy
                .as_ref()
                .map(|policy| policy.place)
                .unwrap_or_default();
            let what = "`edge-policy` means nothing on a port inside the domain";
            problems.error(
                place,
                what,
                "add `side: edge` to the port, or remove `edge-policy`",
            );
            Side::Inside
        }
        (text::Side::Edge, Some(text::EdgePolicy::Strip)) => Side::Edge(EdgePolicy::Strip),
        (text::Side::Edge, _) => Side::Edge(EdgePolicy::Drop),
    }
}

fn descriptors(key: &Option<Scalar<Number<u16, 64, 4096>>>, problems: &mut Problems) -> u16 {
    let Some(count) = get(key, problems).map(|count| count.0) else {
        return 1024;
    };
    if !count.is_power_of_two() {
        let place = key.as_ref().map(|key| key.place).unwrap_or_default();
        let help = format!("write `{}`", count.next_power_of_two());
        problems.error(place, format!("`{count}` is not a power of two"), help);
    }
    count
}

/// Octets of buffer that the largest frame needs. Drivers round a buffer's size down, so this is
/// rounded up.
fn frame_room(device: &Device, mtu: u16) -> u32 {
    let ring = if device.is("net_af_packet") {
        device.argument("framesz")
    } else {
        None
    };
    let ring = ring.and_then(|size| u32::try_from(size).ok()).unwrap_or(0);
    (u32::from(mtu) + FRAME)
        .max(2048)
        .max(ring.min(AF_PACKET_LARGEST))
        .next_multiple_of(1024)
}

/// What the drivers of virtual devices get wrong silently.
fn fits_device(
    device: &Device,
    mtu: u16,
    mtu_at: Place,
    device_at: Place,
    problems: &mut Problems,
) {
    if device.is("net_af_packet") {
        let size = device.argument("framesz").unwrap_or(2048);
        let needed = u64::from(mtu) + AF_PACKET_FRAME;
        if size > u64::from(AF_PACKET_LARGEST) {
            let what = format!("a framesz of {size} is more than a packet buffer takes");
            problems.error(device_at, what, "write `framesz=16384` or less");
        } else if size < needed {
            let size = needed.next_power_of_two();
            let block = size.max(65536);
            let count = if size > 4096 { 512 } else { 1024 };
            let what = format!("net_af_packet would silently cut packets of {mtu} octets");
            let help = format!(
                "append `,framesz={size},blocksz={block},framecnt={count}` to the device, or write \
                 an mtu of at most {}",
                device
                    .argument("framesz")
                    .unwrap_or(2048)
                    .saturating_sub(AF_PACKET_FRAME)
            );
            problems.error(mtu_at, what, help);
        }
    }
    if device.is("net_tap") && mtu > 1500 {
        let what = format!("net_tap cannot carry packets of {mtu} octets");
        problems.error(mtu_at, what, "write `mtu: 1500`, or use net_af_packet");
    }
}
