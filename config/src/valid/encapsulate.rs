// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Encapsulation: does the trace fit the option, the buffers and the links?

use std::net::Ipv6Addr;

use ioam_dp::table::spec::{self, ActionSpec, EncapsulateSpec, OptionSpec, TraceSpec};

use super::{Surroundings, refuse};
use crate::model::{PreallocatedTracingProfile, Sampling};
use crate::report::{Place, Problems};
use crate::scalar::{Located, get};
use crate::text::{OPAQUE_STATE_SNAPSHOT, OverMtu, Placement, TraceTypeItem, node_words};

/// Most octets of node data: the option's length is 8 bits, and alignment takes the rest.
const LARGEST: u16 = 244;

/// Smallest MTU of a link that carries IPv6 (RFC 8200, 5).
const IPV6_MINIMUM: u16 = 1280;

/// Octets of an IPv6 header.
const IPV6_HEADER: u16 = 40;

/// An encapsulating node's one namespace.
pub(super) fn one_namespace(
    keys: &PreallocatedTracingProfile,
    namespaces: &[u16],
    problems: &mut Problems,
) -> u16 {
    let used = &keys.trace_types.value.use_namespace;
    if used.items.len() > 1 {
        let what = format!("a trace has one namespace, not {}", used.items.len());
        let help = "write one Namespace-ID, and a profile for each of the others";
        problems.error(used.place, what, help);
    }
    namespaces.first().copied().unwrap_or(0)
}

pub(super) fn encapsulate(
    trace: &Located<PreallocatedTracingProfile>,
    namespace: u16,
    around: &Surroundings,
    problems: &mut Problems,
) -> ActionSpec {
    let keys = &trace.value;
    let record_self = get(&keys.record_self, problems).is_none_or(|switch| switch.0);
    let trace_type = trace_type(keys, problems);
    let length = length(trace, problems);
    let placement = placement(trace, problems);
    if let (Some(trace_type), Some((length, place))) = (trace_type, length) {
        own_element(
            trace_type,
            length,
            place,
            namespace,
            record_self,
            around,
            problems,
        );
    }
    if let Some((length, place)) = length {
        let outer = !matches!(placement, spec::Placement::Inline);
        fits(length, place, outer, around, problems);
    }
    wide_id(keys, trace_type, record_self, around, problems);
    let sampling = keys
        .sampling
        .as_ref()
        .and_then(|keys| sampling(keys, problems));
    ActionSpec::Encapsulate(EncapsulateSpec {
        options: vec![OptionSpec::Trace(TraceSpec {
            namespace,
            trace_type: trace_type.unwrap_or(0),
            words: length
                .and_then(|(length, _)| u8::try_from(length / 4).ok())
                .unwrap_or(1),
            record_self,
            loopback: false,
        })],
        placement,
        active: None,
        sampling: sampling.unwrap_or(spec::Sampling::All),
        over_mtu: match get(&keys.over_mtu, problems) {
            Some(OverMtu::Drop) => spec::OverMtu::Drop,
            _ => spec::OverMtu::Skip,
        },
    })
}

fn trace_type(keys: &PreallocatedTracingProfile, problems: &mut Problems) -> Option<u32> {
    let types = &keys.trace_types;
    let Some(list) = &types.value.trace_type else {
        let help = "add `trace-type: [hop-lim-node-id, if-id]` with what each node shall record";
        problems.error(
            types.place,
            "`node-action: encapsulate` needs a trace type",
            help,
        );
        return None;
    };
    let mut bits = 0;
    let mut all_known = true;
    for item in &list.items {
        let Some(value) = item.get(problems) else {
            all_known = false;
            continue;
        };
        match value {
            TraceTypeItem::Identity(bit) if bits & bit != 0 => {
                problems.error(item.place, "this is listed twice", "list each once");
            }
            TraceTypeItem::Identity(bit) => bits |= bit,
            TraceTypeItem::Bits(number) if !list.is_list => bits = number,
            TraceTypeItem::Bits(_) => {
                let what = "a number is a whole trace type and stands alone";
                problems.error(
                    item.place,
                    what,
                    "write `trace-type: 0xc00000`, or names only",
                );
            }
        }
    }
    if list.items.is_empty() {
        let help = "name at least one, as in `[hop-lim-node-id]`";
        problems.error(list.place, "no node would record anything", help);
        return None;
    }
    all_known.then_some(bits)
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

fn placement(
    trace: &Located<PreallocatedTracingProfile>,
    problems: &mut Problems,
) -> spec::Placement {
    let keys = &trace.value;
    if get(&keys.placement, problems) == Some(Placement::Inline) {
        let place = keys.tunnel.as_ref().map(|key| key.place);
        refuse(&[("tunnel", place)], "placement: inline", problems);
        return spec::Placement::Inline;
    }
    let tunnel = keys
        .tunnel
        .as_ref()
        .map(|tunnel| tunnel.value.clone())
        .unwrap_or_default();
    let source = get(&tunnel.source, problems);
    let destination = get(&tunnel.destination, problems);
    let action = keys.node_action.as_ref().filter(|_| keys.tunnel.is_none());
    let place = keys.tunnel.as_ref().map(|tunnel| tunnel.place);
    let place = keys
        .placement
        .as_ref()
        .map(|p| p.place)
        .or(action.map(|a| a.place))
        .or(place);
    if tunnel.source.is_none() || tunnel.destination.is_none() {
        let what = "`placement: ip6-in-ip6` needs the source and destination of the outer header";
        let help = "add `tunnel: {source: \"2001:db8::a\", destination: \"2001:db8::d\"}`";
        problems.error(place.unwrap_or(trace.place), what, help);
    }
    spec::Placement::Ip6InIp6 {
        source: source.map_or(Ipv6Addr::UNSPECIFIED, |address| address.0),
        destination: destination.map_or(Ipv6Addr::UNSPECIFIED, |address| address.0),
        hop_limit: get(&tunnel.hop_limit, problems).map_or(64, |limit| limit.0),
    }
}

/// Whether the trace has room for what this node itself would write.
fn own_element(
    trace_type: u32,
    length: u16,
    place: Place,
    namespace: u16,
    record_self: bool,
    around: &Surroundings,
    problems: &mut Problems,
) {
    let declared = around
        .namespaces
        .iter()
        .find(|declared| declared.id == namespace);
    let snapshot = declared.and_then(|namespace| namespace.schema.as_ref());
    let words = snapshot.map_or(0, |schema| schema.data.len() / 4);
    let snapshot = if trace_type & OPAQUE_STATE_SNAPSHOT == 0 {
        0
    } else {
        1 + words
    };
    let own = (node_words(trace_type) + u32::try_from(snapshot).unwrap_or(u32::MAX)) * 4;
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

/// Octets a packet grows by: the Hop-by-Hop header with padding, and the outer header.
fn growth(length: u16, outer: bool) -> u16 {
    (16 + length).next_multiple_of(8) + if outer { IPV6_HEADER } else { 0 }
}

/// The longest trace that grows a packet by at most `room` octets.
fn longest(room: u16, outer: bool) -> Option<u16> {
    let room = room.checked_sub(16 + if outer { IPV6_HEADER } else { 0 })? / 8 * 8;
    (room >= 4).then(|| room.min(LARGEST))
}

/// Whether packets with the option fit their buffers and the links.
fn fits(length: u16, place: Place, outer: bool, around: &Surroundings, problems: &mut Problems) {
    let growth = growth(length, outer);
    let or_shorter = |room: u16| match longest(room, outer) {
        Some(longest) => format!(", or `max-length: {longest}` or less"),
        None => String::new(),
    };
    if growth > around.headroom {
        let what = format!(
            "packets grow by {growth} octets, and the headroom is {}",
            around.headroom
        );
        let enough = growth.next_multiple_of(64);
        let help = format!(
            "write `headroom: {enough}` in `runtime`{}",
            or_shorter(around.headroom)
        );
        problems.error(place, what, help);
    }
    let Some(port) = around.ports.iter().min_by_key(|port| port.mtu) else {
        return;
    };
    if growth + IPV6_HEADER > port.mtu {
        let what = format!(
            "packets grow by {growth} octets: none fits port `{}` of mtu {}",
            port.name, port.mtu
        );
        let help = format!("raise its mtu{}", or_shorter(port.mtu - IPV6_HEADER));
        problems.error(place, what, help);
    } else if port.mtu < IPV6_MINIMUM + growth {
        let what = format!(
            "packets grow by {growth} octets: those above {} exceed the mtu of port `{}`, {}",
            port.mtu - growth,
            port.name,
            port.mtu
        );
        let shorter = port
            .mtu
            .checked_sub(IPV6_MINIMUM)
            .map(or_shorter)
            .unwrap_or_default();
        let enough = IPV6_MINIMUM + growth;
        let help = format!("raise its mtu to {enough} where the link allows{shorter}");
        problems.warning(place, what, help);
    }
}

/// Warns of a wide node id that is asked for and not there.
fn wide_id(
    keys: &PreallocatedTracingProfile,
    trace_type: Option<u32>,
    record_self: bool,
    around: &Surroundings,
    problems: &mut Problems,
) {
    let asked = trace_type.is_some_and(|bits| bits & (1 << (23 - 8)) != 0) && record_self;
    if let Some(list) = keys.trace_types.value.trace_type.as_ref().filter(|_| asked)
        && !around.has_wide_node_id
    {
        let what = "this node has no wide id: its own will be \"not available\"";
        problems.warning(list.place, what, "add `id-wide:` to `node`");
    }
}

fn sampling(keys: &Located<Sampling>, problems: &mut Problems) -> Option<spec::Sampling> {
    let Sampling {
        first,
        of,
        random,
        per_flow,
    } = &keys.value;
    let numbers =
        [first, of, random, per_flow].map(|key| get(key, problems).map(|number| number.0));
    match [first, of, random, per_flow].map(Option::is_some) {
        [true, true, false, false] => {
            let (k, n) = (numbers[0]?, numbers[1]?);
            if k > n {
                let place = first.as_ref().map(|key| key.place).unwrap_or_default();
                let what = format!("`first: {k}` is more than `of: {n}`");
                problems.error(place, what, format!("write `first: {n}` or less"));
            }
            Some(spec::Sampling::FirstOf { k, n })
        }
        [false, false, true, false] => Some(spec::Sampling::Random { n: numbers[2]? }),
        [false, false, false, true] => Some(spec::Sampling::PerFlow { n: numbers[3]? }),
        _ => {
            let what = "sampling is `first` and `of`, or `random`, or `per-flow`";
            let help = "write one of {first: 1, of: 10}, {random: 100}, {per-flow: 100}";
            problems.error(keys.place, what, help);
            None
        }
    }
}
