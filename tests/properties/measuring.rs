// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What any node may have beside traces: options of every kind, keys, limits and receivers.

use super::any::{NAMESPACES, encapsulations, sendable_types};
use crate::common::frames::*;
use ioam_dp::option_type::proof_of_transit::deal;
use ioam_dp::table::spec::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// The first, second or last of three nodes that share a secret, or a node that does not.
pub(crate) fn keys() -> impl Strategy<Value = Option<ProofOfTransitSpec>> {
    const PRIME: u64 = (1 << 61) - 1;
    let one = |place: usize| {
        let shares = deal(PRIME, 10, &[3, 3], &[7, 10], &[2, 4, 5]).expect("a sound scheme");
        let own = &shares[place];
        PotKeysSpec {
            prime: own.prime,
            point: own.x,
            share: own.share,
            public: own.poly_2,
            lagrange: own.lpc,
            secret: (place == 2).then_some(10),
        }
    };
    option::of((0..3usize, 1..=2usize)).prop_map(move |choice| {
        choice.map(|(place, sets)| ProofOfTransitSpec {
            sets: vec![one(place); sets],
            active: 0,
        })
    })
}

/// Options of each kind behind the trace, or without it.
fn further_options() -> impl Strategy<Value = Vec<OptionSpec>> {
    let namespace = || select(NAMESPACES.to_vec());
    let ids = select(vec![
        FlowIdSpec::None,
        FlowIdSpec::Fixed(9),
        FlowIdSpec::Hashed,
    ]);
    let dex = (namespace(), sendable_types(), ids, any::<(bool, bool)>());
    let dex = dex.prop_map(|(namespace, kind, flow_id, (sequence, record_self))| {
        OptionSpec::DirectExport(DirectExportSpec {
            namespace,
            trace_type: match kind & 0xFE_FFFF {
                0 => 0x80_0000,
                kind => kind,
            },
            flow_id,
            sequence,
            record_self,
        })
    });
    let kinds = select(vec![0x8000, 0x4000, 0x7000, 0xB000, 0x3000]);
    let groups = select(vec![GroupSpec::Profile, GroupSpec::Flow]);
    let edge = (namespace(), kinds, groups).prop_map(|(namespace, kind, group)| {
        OptionSpec::EdgeToEdge(EdgeToEdgeSpec {
            namespace,
            kind,
            group,
        })
    });
    let proof = namespace().prop_map(|namespace| OptionSpec::ProofOfTransit { namespace });
    (vec(proof, 0..2), vec(dex, 0..3), vec(edge, 0..2))
        .prop_map(|(proof, dex, edge)| [proof, dex, edge].concat())
}

/// Encapsulation with options of any kind, perhaps as active measurement.
pub(crate) fn any_encapsulations() -> impl Strategy<Value = EncapsulateSpec> {
    let lengths = select(vec![0, 40, 128, u16::MAX]);
    let copies = lengths.prop_map(|length| ActiveSpec::Copies { length });
    let active = option::weighted(0.2, copies);
    let choice = (further_options(), any::<[bool; 2]>(), active);
    (encapsulations(), choice).prop_map(|(mut what, (further, [alone, loopback], active))| {
        if loopback && what.placement != Placement::Inline {
            let trace = trace_in(&mut what);
            (trace.trace_type, trace.loopback) = (0x80_0000, true);
            // Its copies are known by its own element.
            trace.record_self = true;
        }
        if alone && !further.is_empty() && active.is_none() {
            what.options.clear();
        }
        what.options.extend(further);
        what.active = active;
        what
    })
}

/// Whether the action asks for copies, which only a node with an id can tell from others.
pub(crate) fn asks_for_copies(action: &ActionSpec) -> bool {
    let ActionSpec::Encapsulate(what) = action else {
        return false;
    };
    let mut options = what.options.iter();
    options.any(|option| matches!(option, OptionSpec::Trace(trace) if trace.loopback))
}

/// Limits, receivers and room for flows, each hardly any or plenty.
pub(crate) fn measures() -> impl Strategy<Value = (LimitsSpec, Vec<ReceiverSpec>, FlowsSpec)> {
    let limit = || select(vec![0, 1, 128, u32::MAX]);
    let limits = (limit(), limit(), limit(), limit());
    let limits = limits.prop_map(|(direct_export, export, loopback, active)| LimitsSpec {
        direct_export,
        export,
        loopback,
        active,
    });
    let receiver = |port| ReceiverSpec {
        address: address(PEER).into(),
        port,
    };
    let receivers = select(vec![vec![], vec![receiver(None)], vec![receiver(Some(53))]]);
    let flows =
        (select(vec![0, 1, 100]), select(vec![0, 1, 100])).prop_map(|(most, groups)| FlowsSpec {
            most,
            groups,
            idle_seconds: 1,
        });
    (limits, receivers, flows)
}

/// Encapsulation asks for keys that its namespace may not have, which is no node.
pub(crate) fn with_keys(mut spec: NodeSpec) -> NodeSpec {
    let keys = |id: u16| {
        let mut all = spec.namespaces.iter();
        all.any(|namespace| namespace.id == id && namespace.proof_of_transit.is_some())
    };
    for profile in &mut spec.profiles {
        if let ActionSpec::Encapsulate(what) = &mut profile.action {
            what.options.retain(|option| match option {
                OptionSpec::ProofOfTransit { namespace } => keys(*namespace),
                _ => true,
            });
            if what.options.is_empty() {
                what.options = encapsulate(0x80_0000, 1, Placement::Inline).options;
            }
        }
    }
    spec
}
