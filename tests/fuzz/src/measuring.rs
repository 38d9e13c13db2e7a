// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a node has beside traces: options of every kind, keys, limits, receivers, probes. Zeros add
//! nothing, so that seeds from before there were such settings stay what they are.

use std::net::Ipv6Addr;

use arbitrary::{Result, Unstructured};
use ioam_dp::option_type::proof_of_transit::deal;
use ioam_dp::table::spec::{
    ActionSpec, ActiveSpec, DirectExportSpec, EdgeToEdgeSpec, EncapsulateSpec, FilterSpec,
    FlowIdSpec, FlowsSpec, GroupSpec, LimitsSpec, NamespaceSpec, NextHopSpec, NodeSpec, OptionSpec,
    Placement, PotKeysSpec, ProbeSpec, ProfileSpec, ProofOfTransitSpec, ReceiverSpec,
};
use libfuzzer_sys::arbitrary;

use crate::settings::{NAMESPACE, TUNNEL_SOURCE, encapsulate};

/// A Mersenne prime. What is made with it is no secret.
const PRIME: u64 = (1 << 61) - 1;
/// Nodes that a proof of transit takes.
pub const SHARES: usize = 3;
/// A second namespace, that nodes may have too.
pub const OTHER: u16 = 7;

/// What the first octet of an encapsulation's options adds.
pub mod option {
    /// A proof of transit.
    pub const PROOF: u8 = 1;
    /// Direct export.
    pub const DIRECT_EXPORT: u8 = 2;
    /// Direct export of the second namespace.
    pub const OTHER_DIRECT_EXPORT: u8 = 4;
    /// An edge-to-edge option.
    pub const EDGE_TO_EDGE: u8 = 8;
    /// There is no trace, if there is another option.
    pub const NO_TRACE: u8 = 16;
    /// The trace has the Loopback flag.
    pub const LOOPBACK: u8 = 32;
    /// Copies are sent as active measurement.
    pub const COPIES: u8 = 64;
}

/// What the first octet of a node's further settings switches on.
pub mod switch {
    /// Keys for proofs of transit.
    pub const KEYS: u8 = 1;
    /// The second namespace.
    pub const OTHER: u8 = 2;
    /// Traces with the Loopback flag are copied back.
    pub const LOOPBACK: u8 = 4;
    /// Limits that little fits into.
    pub const NARROW: u8 = 8;
    /// Room for a few flows only.
    pub const FEW_FLOWS: u8 = 16;
    /// A receiver of exports.
    pub const RECEIVER: u8 = 32;
    /// Accounting by flow, with a record and a report for each packet.
    pub const BY_FLOW: u8 = 64;
    /// Probes.
    pub const PROBES: u8 = 128;
}

/// Adds to a node that [`settings::node`](crate::settings::node) made.
///
/// # Errors
///
/// Never in practice: octets that are missing count as zeros.
pub fn add(u: &mut Unstructured<'_>, spec: &mut NodeSpec) -> Result<()> {
    let on: u8 = u.arbitrary()?;
    let with = |switch| on & switch != 0;
    if with(switch::KEYS) {
        let place = u.int_in_range(0..=SHARES - 1)?;
        let sets = u.int_in_range(1..=2)?;
        spec.namespaces[0].proof_of_transit = Some(keys(place, sets));
    }
    if with(switch::OTHER) {
        spec.namespaces.push(NamespaceSpec::plain(OTHER));
    }
    spec.policy.loopback = with(switch::LOOPBACK);
    if with(switch::NARROW) {
        spec.limits = limits(u)?;
        for port in &mut spec.ports {
            port.speed = u32::from(u.arbitrary::<u8>()?);
        }
    }
    // A node is made for each input: large tables would take most of its time.
    (spec.flows.most, spec.flows.groups) = (64, 64);
    if with(switch::FEW_FLOWS) {
        spec.flows = FlowsSpec {
            most: u.int_in_range(0..=2)?,
            groups: u.int_in_range(0..=2)?,
            idle_seconds: u.int_in_range(0..=1)?,
        };
    }
    if with(switch::RECEIVER) {
        let address = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2).into();
        let port = u.arbitrary()?;
        spec.receivers = vec![ReceiverSpec { address, port }];
    }
    for profile in &mut spec.profiles {
        match &mut profile.action {
            ActionSpec::Encapsulate(what) => options(u, &spec.namespaces, what)?,
            ActionSpec::Decapsulate(what) if with(switch::BY_FLOW) => {
                what.accounting.group = GroupSpec::Flow;
                what.accounting.report_seconds = 0;
                what.accounting.record_packets = true;
            }
            _ => {}
        }
    }
    if with(switch::PROBES) {
        probes(u, spec)?;
    }
    Ok(())
}

/// Adds options to an encapsulation of a node that has these namespaces.
///
/// # Errors
///
/// Never in practice.
pub fn options(
    u: &mut Unstructured<'_>,
    namespaces: &[NamespaceSpec],
    what: &mut EncapsulateSpec,
) -> Result<()> {
    let on: u8 = u.arbitrary()?;
    let with = |option| on & option != 0;
    let known = |id| namespaces.iter().find(|namespace| namespace.id == id);
    let mut further = Vec::new();
    let has_keys = known(NAMESPACE).is_some_and(|own| own.proof_of_transit.is_some());
    if with(option::PROOF) && has_keys {
        let namespace = NAMESPACE;
        further.push(OptionSpec::ProofOfTransit { namespace });
    }
    if with(option::DIRECT_EXPORT) {
        further.push(direct_export(u, NAMESPACE)?);
    }
    if with(option::OTHER_DIRECT_EXPORT) && known(OTHER).is_some() {
        further.push(direct_export(u, OTHER)?);
    }
    if with(option::EDGE_TO_EDGE) {
        further.push(OptionSpec::EdgeToEdge(EdgeToEdgeSpec {
            namespace: NAMESPACE,
            kind: *u.choose(&[0x7000, 0xB000, 0x4000, 0x8000, 0x3000])?,
            group: if u.arbitrary()? {
                GroupSpec::Flow
            } else {
                GroupSpec::Profile
            },
        }));
    }
    if with(option::COPIES) {
        let length = u.arbitrary()?;
        what.active = Some(ActiveSpec::Copies { length });
    }
    // Active measurement needs its trace.
    if with(option::NO_TRACE) && !further.is_empty() && what.active.is_none() {
        what.options.clear();
    }
    if let (true, Some(OptionSpec::Trace(trace))) =
        (with(option::LOOPBACK), what.options.first_mut())
        // Copies have to come back, and to be known by this node's own data.
        && what.placement != Placement::Inline
        && trace.record_self
    {
        (trace.trace_type, trace.loopback) = (0x80_0000, true);
    }
    what.options.append(&mut further);
    Ok(())
}

fn direct_export(u: &mut Unstructured<'_>, namespace: u16) -> Result<OptionSpec> {
    // Bits 7, 12 to 21 and 23 are not for sending.
    let trace_type = match u.arbitrary::<u32>()? & 0xFE_F002 {
        0 => 0xC0_0000,
        some => some,
    };
    Ok(OptionSpec::DirectExport(DirectExportSpec {
        namespace,
        trace_type,
        flow_id: *u.choose(&[FlowIdSpec::Hashed, FlowIdSpec::Fixed(9), FlowIdSpec::None])?,
        sequence: !u.arbitrary::<bool>()?,
        record_self: u.arbitrary()?,
    }))
}

/// The keys of one of [`SHARES`] nodes, of which the last one verifies.
#[must_use]
pub fn keys(place: usize, sets: usize) -> ProofOfTransitSpec {
    let shares = deal(PRIME, 10, &[3, 3], &[7, 10], &[2, 4, 5]).expect("a sound scheme");
    let own = &shares[place];
    let one = PotKeysSpec {
        prime: own.prime,
        point: own.x,
        share: own.share,
        public: own.poly_2,
        lagrange: own.lpc,
        secret: (place == SHARES - 1).then_some(10),
    };
    ProofOfTransitSpec {
        sets: vec![one; sets],
        active: 0,
    }
}

fn limits(u: &mut Unstructured<'_>) -> Result<LimitsSpec> {
    let mut n = || Ok(u32::from(u.arbitrary::<u8>()?));
    Ok(LimitsSpec {
        direct_export: n()?,
        export: n()?,
        loopback: n()?,
        active: n()?,
    })
}

/// Probes of any length, and a profile for them.
fn probes(u: &mut Unstructured<'_>, spec: &mut NodeSpec) -> Result<()> {
    let ActionSpec::Encapsulate(mut what) = encapsulate(u)? else {
        return Ok(());
    };
    options(u, &spec.namespaces, &mut what)?;
    what.active = Some(ActiveSpec::Probes);
    spec.profiles.push(ProfileSpec {
        name: "probes".to_owned(),
        filter: FilterSpec {
            local: true,
            ..FilterSpec::default()
        },
        action: ActionSpec::Encapsulate(what),
    });
    spec.probes = vec![ProbeSpec {
        name: "probe".to_owned(),
        source: TUNNEL_SOURCE,
        destination: Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2),
        source_port: 33434,
        destination_port: 33434,
        length: u.int_in_range(0..=9000)?,
        interval: u.arbitrary()?,
        count: u.arbitrary()?,
        next_hop: NextHopSpec {
            port: 1,
            mac: [2, 0, 0, 0, 0, 9],
        },
    }];
    Ok(())
}
