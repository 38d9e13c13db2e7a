// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Edge-to-edge data: sequence numbers and timestamps from one edge to the other.

use ioam_dp::table::spec::{EdgeToEdgeSpec, GroupSpec, OptionSpec};

use super::profiles::group_spec;
use super::sections::{namespaces, setting, type_bits};
use super::{Surroundings, refuse};
use crate::model::{E2eProfile, E2eTypes};
use crate::report::Problems;
use crate::scalar::{Located, at, get};
use crate::text::NodeAction;

/// The bits of the two sequence numbers, 64 and 32 bits wide.
const SEQUENCES: u32 = 0xc000;

/// The options of an encapsulating section.
pub(super) fn options(
    section: &Located<E2eProfile>,
    around: &Surroundings,
    problems: &mut Problems,
) -> Vec<OptionSpec> {
    let keys = &section.value;
    let unused = [
        ("report-seconds", at(&keys.report_seconds)),
        ("record-packets", at(&keys.record_packets)),
    ];
    refuse(&unused, setting(NodeAction::Encapsulate), problems);
    let types = &keys.e2e_types;
    let kind = kind(types, problems).unwrap_or(0);
    let group = get(&keys.group, problems).map_or(GroupSpec::Profile, group_spec);
    let option = |namespace| {
        OptionSpec::EdgeToEdge(EdgeToEdgeSpec {
            namespace,
            kind,
            group,
        })
    };
    namespaces(&types.value.use_namespace, around.namespaces, problems)
        .into_iter()
        .map(option)
        .collect()
}

fn kind(types: &Located<E2eTypes>, problems: &mut Problems) -> Option<u16> {
    let Some(list) = &types.value.e2e_type else {
        let what = "`node-action: encapsulate` needs an edge-to-edge type";
        let help = "add `e2e-type: [seq-num-32, timestamp-seconds, timestamp-fraction]`";
        problems.error(types.place, what, help);
        return None;
    };
    let bits = type_bits(list, "e2e-type: 0x7000", problems)?;
    if list.items.is_empty() {
        let help = "name at least one, as in `[seq-num-32]`";
        problems.error(list.place, "no data would be sent", help);
        return None;
    }
    if bits & SEQUENCES == SEQUENCES {
        let what = "an option has one sequence number, not two (RFC 9197, 4.6)";
        let help = "leave out `seq-num-32` or `seq-num-64`";
        problems.error(list.place, what, help);
    }
    u16::try_from(bits).ok()
}

/// Refuses what means nothing with an action that does not encapsulate.
pub(super) fn refuse_keys(keys: &E2eProfile, action: NodeAction, problems: &mut Problems) {
    let unused = [("e2e-type", at(&keys.e2e_types.value.e2e_type))];
    refuse(&unused, setting(action), problems);
    if action == NodeAction::Transit {
        let what = "edge-to-edge data are the edges' alone: nothing is done in transit";
        let help = "write `encapsulate` or `decapsulate`, or remove this section";
        problems.error(keys.node_action.place, what, help);
    }
}
