// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Direct export: what each node exports, and how exports of one packet are told from others.

use ioam_dp::table::spec::{DirectExportSpec, FlowIdSpec, OptionSpec};

use super::sections::{namespaces, setting};
use super::{Surroundings, refuse, trace};
use crate::model::DirectExportProfile;
use crate::report::Problems;
use crate::scalar::{Located, at, get};
use crate::text::{FlowId, NodeAction};

/// Bit 7, the checksum complement: nothing that is exported has a checksum to complement.
const CHECKSUM_COMPLEMENT: u32 = 1 << (23 - 7);

/// The options of an encapsulating section.
pub(super) fn options(
    section: &Located<DirectExportProfile>,
    around: &Surroundings,
    problems: &mut Problems,
) -> Vec<OptionSpec> {
    let keys = &section.value;
    let unused = [
        ("group", at(&keys.group)),
        ("report-seconds", at(&keys.report_seconds)),
    ];
    refuse(&unused, setting(NodeAction::Encapsulate), problems);
    let types = &keys.trace_types;
    let trace_type = trace::trace_type(types, problems);
    let record_self = get(&keys.record_self, problems).is_some_and(|switch| switch.0);
    let list = types.value.trace_type.as_ref();
    if let (Some(bits), Some(list)) = (trace_type, list)
        && bits & CHECKSUM_COMPLEMENT != 0
    {
        let what = "direct export has no checksum complement (RFC 9326, 3.2)";
        let help = if bits == CHECKSUM_COMPLEMENT {
            "name what each node shall export, as in `[hop-lim-node-id, if-id]`".to_owned()
        } else {
            let others = bits & !CHECKSUM_COMPLEMENT;
            format!("leave it out: `trace-type: {others:#08x}`")
        };
        problems.error(list.place, what, help);
    }
    trace::wide_id(list, trace_type, record_self, around, problems);
    let flow_id = match get(&keys.flow_id, problems) {
        None => FlowIdSpec::None,
        Some(FlowId::Hash) => FlowIdSpec::Hashed,
        Some(FlowId::Fixed(id)) => FlowIdSpec::Fixed(id),
    };
    let sequence = get(&keys.enable_sequence_number, problems).is_some_and(|switch| switch.0);
    let option = |namespace| {
        OptionSpec::DirectExport(DirectExportSpec {
            namespace,
            trace_type: trace_type.unwrap_or(0),
            flow_id,
            sequence,
            record_self,
        })
    };
    namespaces(&types.value.use_namespace, around.namespaces, problems)
        .into_iter()
        .map(option)
        .collect()
}

/// Refuses what means nothing with an action that does not encapsulate.
pub(super) fn refuse_keys(keys: &DirectExportProfile, action: NodeAction, problems: &mut Problems) {
    let unused = [
        ("trace-type", at(&keys.trace_types.value.trace_type)),
        ("flow-id", at(&keys.flow_id)),
        ("enable-sequence-number", at(&keys.enable_sequence_number)),
        ("record-self", at(&keys.record_self)),
    ];
    refuse(&unused, setting(action), problems);
    if action == NodeAction::Transit {
        let unused = [
            ("group", at(&keys.group)),
            ("report-seconds", at(&keys.report_seconds)),
        ];
        refuse(&unused, setting(action), problems);
    }
}
