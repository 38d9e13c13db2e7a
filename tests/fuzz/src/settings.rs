// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Any valid node, out of a few octets; zeros are a plain transit node on two wired ports.

use std::net::Ipv6Addr;

use arbitrary::{Result, Unstructured};
use ioam_dp::moment::Moment;
use ioam_dp::port::MAX_PORTS;
use ioam_dp::table::spec::{
    AccountingSpec, ActionSpec, DecapsulatePlacement, DecapsulateSpec, EdgePolicy, EncapsulateSpec,
    FilterSpec, ForwardingSpec, Malformed, NamespaceSpec, NextHopSpec, NodeSpec, OptionSpec,
    OverMtu, Placement, Policy, PortSpec, PrefixSpec, ProfileSpec, RouteSpec, Sampling, SchemaSpec,
    Semantics, SeveralOptions, Side, TimestampFormat, TraceSpec, UndefinedBits,
};
use ioam_dp::timestamp::WallTime;
use libfuzzer_sys::arbitrary;

/// The namespace that the seeds' traces belong to.
pub const NAMESPACE: u16 = 123;

/// The end of the tunnel that the seeds' outer headers lead to.
pub const TUNNEL_END: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 0xd);

/// Where the tunnel that nodes put packets into begins.
pub const TUNNEL_SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 0xa);

/// What the first octet switches on, so that a seed can ask for it.
pub mod switch {
    /// An encapsulating profile.
    pub const ENCAPSULATE: u8 = 1;
    /// A decapsulating profile.
    pub const DECAPSULATE: u8 = 2;
    /// A transit profile; without one, transit is implied.
    pub const TRANSIT: u8 = 4;
    /// Static next hops in place of a wire.
    pub const STATIC: u8 = 8;
    /// The hop limit is decremented.
    pub const DECREMENT: u8 = 16;
    /// The Linux kernel's semantics.
    pub const LINUX: u8 = 32;
    /// Port 0 is at the domain's edge.
    pub const EDGE_IN: u8 = 64;
    /// Port 1 is at the domain's edge.
    pub const EDGE_OUT: u8 = 128;
}

/// A node.
///
/// # Errors
///
/// Never in practice: octets that are missing count as zeros.
pub fn node(u: &mut Unstructured<'_>) -> Result<NodeSpec> {
    let on: u8 = u.arbitrary()?;
    let mut profiles = Vec::new();
    if on & switch::ENCAPSULATE != 0 {
        profiles.push(profile("encapsulate", u, encapsulate)?);
    }
    if on & switch::DECAPSULATE != 0 {
        profiles.push(profile("decapsulate", u, decapsulate)?);
    }
    if on & switch::TRANSIT != 0 {
        let namespaces = vec![NAMESPACE, 0];
        profiles.push(profile("transit", u, |_| {
            Ok(ActionSpec::Transit { namespaces })
        })?);
    }
    Ok(NodeSpec {
        node_id: Some(u.int_in_range(0..=0xFF_FFFF)?),
        node_id_wide: some(u, |u| u.int_in_range(0..=(1 << 56) - 1))?,
        policy: policy(on & switch::LINUX != 0, u)?,
        ports: vec![
            port("in", on & switch::EDGE_IN != 0, u)?,
            port("out", on & switch::EDGE_OUT != 0, u)?,
        ],
        namespaces: vec![namespace(u)?],
        profiles,
        forwarding: forwarding(on & switch::STATIC != 0, on & switch::DECREMENT != 0),
        seed: 1,
        ..NodeSpec::default()
    })
}

/// The measurements of a burst.
///
/// # Errors
///
/// Never in practice.
pub fn moment(u: &mut Unstructured<'_>) -> Result<Moment> {
    let received = some(u, |u| Ok(WallTime::from_nanoseconds(u.arbitrary()?)))?;
    Ok(Moment {
        received,
        transit_delay: u.arbitrary()?,
        queue_depth: [u.arbitrary()?; MAX_PORTS],
        buffer_occupancy: u.arbitrary()?,
    })
}

/// An encapsulating action.
///
/// # Errors
///
/// Never in practice.
pub fn encapsulate(u: &mut Unstructured<'_>) -> Result<ActionSpec> {
    // Bits 12 to 21 and 23 are not for sending; none at all asks for nothing.
    let trace_type = match u.arbitrary::<u32>()? & 0xFF_F002 {
        0 => 0xC0_0000,
        some => some,
    };
    let words = 61 - u.int_in_range(0..=60)?;
    Ok(ActionSpec::Encapsulate(EncapsulateSpec {
        placement: if u.arbitrary()? {
            Placement::Inline
        } else {
            Placement::Ip6InIp6 {
                source: TUNNEL_SOURCE,
                destination: TUNNEL_END,
                hop_limit: 255 - u.arbitrary::<u8>()?,
            }
        },
        options: vec![OptionSpec::Trace(TraceSpec {
            namespace: NAMESPACE,
            trace_type,
            words,
            record_self: !u.arbitrary::<bool>()?,
            loopback: false,
        })],
        active: None,
        sampling: match u.int_in_range(0..=3)? {
            0 => Sampling::All,
            1 => Sampling::FirstOf {
                k: 1,
                n: u.int_in_range(1..=3)?,
            },
            2 => Sampling::Random {
                n: u.int_in_range(1..=3)?,
            },
            _ => Sampling::PerFlow {
                n: u.int_in_range(1..=3)?,
            },
        },
        over_mtu: if u.arbitrary()? {
            OverMtu::Drop
        } else {
            OverMtu::Skip
        },
    }))
}

fn decapsulate(u: &mut Unstructured<'_>) -> Result<ActionSpec> {
    Ok(ActionSpec::Decapsulate(DecapsulateSpec {
        namespaces: vec![NAMESPACE],
        placement: match u.int_in_range(0..=2)? {
            0 => DecapsulatePlacement::Ip6InIp6 {
                destination: Some(TUNNEL_END),
            },
            1 => DecapsulatePlacement::Ip6InIp6 { destination: None },
            _ => DecapsulatePlacement::Inline,
        },
        record_self: u.arbitrary()?,
        accounting: AccountingSpec::default(),
    }))
}

fn profile(
    name: &str,
    u: &mut Unstructured<'_>,
    action: impl FnOnce(&mut Unstructured<'_>) -> Result<ActionSpec>,
) -> Result<ProfileSpec> {
    let filter = if u.arbitrary()? {
        filter(u)?
    } else {
        FilterSpec::default()
    };
    Ok(ProfileSpec {
        name: name.to_owned(),
        filter,
        action: action(u)?,
    })
}

fn filter(u: &mut Unstructured<'_>) -> Result<FilterSpec> {
    let any_prefix = |u: &mut Unstructured<'_>| {
        let address = Ipv6Addr::new(0x2001, 0xdb8, u.arbitrary()?, 0, 0, 0, 0, 1);
        Ok(PrefixSpec {
            address,
            length: u.int_in_range(0..=128)?,
        })
    };
    Ok(FilterSpec {
        in_ports: if u.arbitrary()? {
            vec![u.int_in_range(0..=1)?]
        } else {
            Vec::new()
        },
        source: some(u, any_prefix)?,
        destination: some(u, any_prefix)?,
        next_header: u.arbitrary()?,
        source_ports: some(u, |u| Ok(u.arbitrary()?..=u.arbitrary()?))?,
        destination_ports: some(u, |u| Ok(u.arbitrary()?..=u.arbitrary()?))?,
        dscp: some(u, |u| u.int_in_range(0..=63))?,
        flow_label: some(u, |u| u.int_in_range(0..=0xF_FFFF))?,
        length: some(u, |u| Ok(u.arbitrary()?..=u.arbitrary()?))?,
        local: false,
    })
}

fn policy(linux: bool, u: &mut Unstructured<'_>) -> Result<Policy> {
    let drop: bool = u.arbitrary()?;
    let skip: bool = u.arbitrary()?;
    let all: bool = u.arbitrary()?;
    Ok(Policy {
        semantics: if linux {
            Semantics::Linux
        } else {
            Semantics::Rfc
        },
        malformed: if drop {
            Malformed::Drop
        } else {
            Malformed::Forward
        },
        undefined_bits: if skip {
            UndefinedBits::Skip
        } else {
            UndefinedBits::Fill
        },
        several_options: if all {
            SeveralOptions::All
        } else {
            SeveralOptions::First
        },
        icmp_errors_per_second: u32::from(u.arbitrary::<u8>()?),
        loopback: false,
    })
}

fn port(name: &str, edge: bool, u: &mut Unstructured<'_>) -> Result<PortSpec> {
    let mtus = [9000, 1280, 1500, u.arbitrary()?];
    Ok(PortSpec {
        name: name.to_owned(),
        mac: [2, 0, 0, 0, 0, 1],
        mtu: *u.choose(&mtus)?,
        ioam: !u.arbitrary::<bool>()?,
        id: u.arbitrary()?,
        id_wide: u.arbitrary()?,
        address: some(u, |u| Ok(Ipv6Addr::from(u.arbitrary::<u128>()?)))?,
        side: match (edge, u.arbitrary()?) {
            (false, _) => Side::Inside,
            (true, false) => Side::Edge(EdgePolicy::Strip),
            (true, true) => Side::Edge(EdgePolicy::Drop),
        },
        speed: 10_000,
    })
}

fn namespace(u: &mut Unstructured<'_>) -> Result<NamespaceSpec> {
    let schema = some(u, |u| {
        let len = u.int_in_range(0..=1020)?;
        Ok(SchemaSpec {
            id: u.int_in_range(0..=0xFF_FFFF)?,
            data: vec![0x5A; len],
        })
    })?;
    Ok(NamespaceSpec {
        id: NAMESPACE,
        data: u.arbitrary()?,
        data_wide: u.arbitrary()?,
        schema,
        timestamp: match u.int_in_range(0..=2)? {
            0 => TimestampFormat::Posix,
            1 => TimestampFormat::Ptp {
                tai_offset: u.arbitrary()?,
            },
            _ => TimestampFormat::Ntp,
        },
        proof_of_transit: None,
    })
}

fn forwarding(fixed: bool, decrement_hop_limit: bool) -> ForwardingSpec {
    if !fixed {
        return ForwardingSpec::Wire {
            pairs: vec![(0, 1)],
            decrement_hop_limit,
        };
    }
    let next_hop = |port| NextHopSpec {
        port,
        mac: [2, 0, 0, 0, 0, 9],
    };
    let towards = |address, length| PrefixSpec { address, length };
    ForwardingSpec::Static {
        routes: vec![
            RouteSpec {
                prefix: towards(TUNNEL_END, 48),
                next_hop: next_hop(1),
            },
            RouteSpec {
                prefix: towards(Ipv6Addr::LOCALHOST, 1),
                next_hop: next_hop(0),
            },
        ],
        defaults: vec![(0, next_hop(1))],
        decrement_hop_limit,
    }
}

/// Something or nothing; nothing where the octets are zeros.
fn some<'a, T>(
    u: &mut Unstructured<'a>,
    make: impl FnOnce(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Option<T>> {
    Ok(if u.arbitrary()? { Some(make(u)?) } else { None })
}
