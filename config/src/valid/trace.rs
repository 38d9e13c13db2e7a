// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The pre-allocated trace: what is recorded, whether there is room for it, and the Loopback flag.

use ioam_dp::table::spec::{FilterSpec, OptionSpec, Placement, Side, TraceSpec};

use super::sections::{Common, namespaces, setting, type_bits};
use super::{Surroundings, refuse};
use crate::model::{PreallocatedTracingProfile, TraceTypes};
use crate::report::{Place, Problems};
use crate::scalar::{Located, OneOrMany, Placed, at, get};
use crate::text::{NodeAction, OPAQUE_STATE_SNAPSHOT, TraceTypeItem, node_words};

/// Most octets of node data: the option's length is 8 bits, and alignment takes the rest.
pub(super) const LARGEST: u16 = 244;

/// The only trace type that is looped back (RFC 9322, 4.1).
const LOOPBACK_TYPE: u32 = 0x80_0000;

/// The options of an encapsulating section.
pub(super) fn options(
    section: &Located<PreallocatedTracingProfile>,
    around: &Surroundings,
    problems: &mut Problems,
) -> Vec<OptionSpec> {
    let keys = &section.value;
    let types = &keys.trace_types;
    let used = namespaces(&types.value.use_namespace, around.namespaces, problems);
    let record_self = get(&keys.record_self, problems).is_none_or(|switch| switch.0);
    let trace_type = trace_type(types, problems);
    let length = length(section, problems);
    if let (Some(trace_type), Some((length, place))) = (trace_type, length) {
        let mut own = used.iter().map(|id| own_octets(trace_type, *id, around));
        let own = own.by_ref().max().unwrap_or(0);
        own_element(own, (length, place), record_self, problems);
    }
    let list = types.value.trace_type.as_ref();
    wide_id(list, trace_type, record_self, around, problems);
    let words = length.and_then(|(length, _)| u8::try_from(length / 4).ok());
    let loopback = get(&keys.loopback, problems).is_some_and(|switch| switch.0);
    let option = |namespace| {
        OptionSpec::Trace(TraceSpec {
            namespace,
            trace_type: trace_type.unwrap_or(0),
            words: words.unwrap_or(1),
            record_self,
            loopback,
        })
    };
    used.into_iter().map(option).collect()
}

/// What each node adds or exports.
pub(super) fn trace_type(types: &Located<TraceTypes>, problems: &mut Problems) -> Option<u32> {
    let Some(list) = &types.value.trace_type else {
        let help = "add `trace-type: [hop-lim-node-id, if-id]` with what each node shall record";
        let what = "`node-action: encapsulate` needs a trace type";
        problems.error(types.place, what, help);
        return None;
    };
    let bits = type_bits(list, "trace-type: 0xc00000", problems);
    if list.items.is_empty() {
        let help = "name at least one, as in `[hop-lim-node-id]`";
        problems.error(list.place, "no node would record anything", help);
        return None;
    }
    bits
}

fn length(
    trace: &Located<PreallocatedTracingProfile>,
    problems: &mut Problems,
) -> Option<(u16, Place)> {
    let Some(key) = &trace.value.max_length else {
        let help = "add `max-length: 32`: octets of node data for the whole path";
        problems.error(
            trace.place,
            "`node-action: encapsulate` needs `max-length`",
            help,
        );
        return None;
    };
    let length = key.get(problems)?.0;
    if length == 0 || length > LARGEST {
        let what =
            format!("a trace of {length} octets does not exist: an option holds 4 to {LARGEST}");
        problems.error(
            key.place,
            what,
            format!("write a multiple of 4, at most {LARGEST}"),
        );
        return None;
    }
    if !length.is_multiple_of(4) {
        let up = length.next_multiple_of(4);
        problems.error(
            key.place,
            format!("`{length}` is not a multiple of 4"),
            format!("write `{up}`"),
        );
        return None;
    }
    Some((length, key.place))
}

/// Octets this node itself would write into a trace of the namespace.
fn own_octets(trace_type: u32, namespace: u16, around: &Surroundings) -> u32 {
    let mut declared = around.namespaces.iter();
    let declared = declared.find(|declared| declared.id == namespace);
    let snapshot = declared.and_then(|namespace| namespace.schema.as_ref());
    let words = snapshot.map_or(0, |schema| schema.data.len() / 4);
    let snapshot = if trace_type & OPAQUE_STATE_SNAPSHOT == 0 {
        0
    } else {
        1 + words
    };
    (node_words(trace_type) + u32::try_from(snapshot).unwrap_or(u32::MAX)) * 4
}

/// Whether the trace has room for what this node itself would write.
fn own_element(
    own: u32,
    (length, place): (u16, Place),
    record_self: bool,
    problems: &mut Problems,
) {
    if u32::from(length) >= own {
        return;
    }
    let what = format!("the data of one node are {own} octets and do not fit {length}");
    let help = if own > u32::from(LARGEST) {
        "record less: shorten the schema or the list of trace types".to_owned()
    } else {
        format!("write `max-length: {own}` or a multiple of it, or record less")
    };
    if record_self {
        problems.error(place, what, help);
    } else {
        problems.warning(place, what, help);
    }
}

/// Warns of a wide node id that is asked for and not there.
pub(super) fn wide_id(
    list: Option<&OneOrMany<TraceTypeItem>>,
    trace_type: Option<u32>,
    record_self: bool,
    around: &Surroundings,
    problems: &mut Problems,
) {
    let asked = trace_type.is_some_and(|bits| bits & (1 << (23 - 8)) != 0) && record_self;
    if let Some(list) = list.filter(|_| asked)
        && !around.has_wide_node_id
    {
        let what = "this node has no wide id: its own will be \"not available\"";
        problems.warning(list.place, what, "add `id-wide:` to `node`");
    }
}

/// What has to be true of traces with the Loopback flag, so that copies find their way back and are
/// known here.
pub(super) fn loopback(
    keys: &PreallocatedTracingProfile,
    common: &Common,
    placement: Placement,
    filter: &FilterSpec,
    around: &Surroundings,
    problems: &mut Problems,
) {
    let asked = keys
        .loopback
        .as_ref()
        .filter(|key| key.get(problems).is_some_and(|switch| switch.0));
    let Some(key) = asked else { return };
    one_trace_of_its_type(keys, problems);
    if let Some(own) = &keys.record_self
        && own.get(problems).is_some_and(|switch| !switch.0)
    {
        let what = "a copy that comes back is known by this node's data in it";
        problems.error(own.place, what, "remove `record-self: false`");
    }
    if !around.has_node_id {
        let what = "this node has no id to know its copies by";
        let help = "add `node: {id: 0x0b0001}` with an id of its own";
        problems.error(key.place, what, help);
    }
    if around.ports.iter().all(|port| !port.ioam) {
        let what = "copies that come back are not looked at: no port has `ioam: true`";
        problems.warning(
            key.place,
            what,
            "add `ioam: true` to the ports inside the domain",
        );
    }
    way_back(key.place, common, placement, filter, around, problems);
}

/// The flag is defined for one trace type, and two traces would double the copies.
fn one_trace_of_its_type(keys: &PreallocatedTracingProfile, problems: &mut Problems) {
    let types = &keys.trace_types.value;
    if let Some(list) = &types.trace_type
        && type_bits(list, "", &mut Problems::default()).is_some_and(|bits| bits != LOOPBACK_TYPE)
    {
        let what = "only traces of hop-lim-node-id alone are looped back (RFC 9322, 4.1)";
        let help = "write `trace-type: [hop-lim-node-id]`, or remove `loopback`";
        problems.error(list.place, what, help);
    }
    if types.use_namespace.items.len() > 1 {
        let what = "one trace of a packet is looped back, not several";
        problems.error(types.use_namespace.place, what, "write one Namespace-ID");
    }
}

/// Copies go to the source of the header that carries the trace, which has to be this node
/// (RFC 9322, 4).
fn way_back(
    place: Place,
    common: &Common,
    placement: Placement,
    filter: &FilterSpec,
    around: &Surroundings,
    problems: &mut Problems,
) {
    let source = match placement {
        Placement::Inline if filter.local => return,
        Placement::Inline => {
            let what = "copies would go to whoever sent the packet, and not to this node";
            let help = "write `placement: ip6-in-ip6` and a tunnel, or do it with probes";
            let at = common.placement.map_or(place, Placed::place);
            problems.error(at, what, help);
            return;
        }
        Placement::Ip6InIp6 { source, .. } if source.is_unspecified() => return,
        Placement::Ip6InIp6 { source, .. } => source,
    };
    let own = |side: bool| {
        let mut ports = around.ports.iter();
        ports.any(|port| port.address == Some(source) && (!side || port.side == Side::Inside))
    };
    let key = common.tunnel.and_then(|keys| keys.value.source.as_ref());
    let at = key.map_or(place, Placed::place);
    if !own(false) {
        let what = format!("copies would not come back: no port has the address {source}");
        let help = format!("write the `address` of a port, or add `address: {source}` to one");
        problems.error(at, what, help);
    } else if !own(true) {
        let what = format!("copies to {source} would come in at an edge, where no IOAM enters");
        let help = "write the `address` of a port inside the domain";
        problems.warning(at, what, help);
    }
}

/// Refuses what means nothing with an action that does not encapsulate.
pub(super) fn refuse_keys(
    keys: &PreallocatedTracingProfile,
    action: NodeAction,
    problems: &mut Problems,
) {
    let unused = [
        ("trace-type", at(&keys.trace_types.value.trace_type)),
        ("max-length", at(&keys.max_length)),
        ("loopback", at(&keys.loopback)),
    ];
    refuse(&unused, setting(action), problems);
    if action == NodeAction::Transit {
        let unused = [("record-self", at(&keys.record_self))];
        refuse(&unused, setting(action), problems);
    }
}
