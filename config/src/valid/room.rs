// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Room: do the options of a profile fit their headers, the buffers and the links?

use ioam_dp::table::MAX_PARTS;
use ioam_dp::table::spec::{ActiveSpec, EncapsulateSpec, FlowIdSpec, OptionSpec, Placement};
use ioam_dp::wire::ipv6_ext::MAX_HEADER;

use super::Surroundings;
use super::trace::LARGEST;
use crate::model::Profile;
use crate::report::{Place, Problems};

/// Smallest MTU of a link that carries IPv6 (RFC 8200, 5).
const IPV6_MINIMUM: u16 = 1280;

/// Octets of an IPv6 header.
const IPV6_HEADER: u16 = 40;

/// Largest headroom a node can have, in octets.
const HEADROOM: u16 = 1024;

/// Octets of a trace option without node data: its head of 4, and the trace's header of 8.
const TRACE: u16 = 12;

/// Octets of options by the header they are in, as far as they are known.
#[derive(Clone, Copy, Default)]
struct Size {
    /// In Hop-by-Hop Options, without node data.
    hop_by_hop: u16,
    /// In Destination Options.
    destination: u16,
    /// Traces among them.
    traces: u16,
    /// Octets of node data in each trace.
    length: u16,
    /// Whether there is an outer IPv6 header.
    outer: bool,
}

impl Size {
    fn new(spec: &EncapsulateSpec) -> Self {
        let mut size = Self {
            outer: spec.placement != Placement::Inline,
            ..Self::default()
        };
        for option in &spec.options {
            match option {
                OptionSpec::Trace(trace) => {
                    size.hop_by_hop += TRACE;
                    size.traces += 1;
                    size.length = u16::from(trace.words) * 4;
                }
                OptionSpec::ProofOfTransit { .. } => size.hop_by_hop += 24,
                OptionSpec::DirectExport(export) => {
                    let flow_id = export.flow_id != FlowIdSpec::None;
                    size.hop_by_hop += 12 + 4 * (u16::from(flow_id) + u16::from(export.sequence));
                }
                OptionSpec::EdgeToEdge(edge) => {
                    let fields = edge.kind.count_ones() + u32::from(edge.kind >> 15);
                    size.destination += 8 + 4 * u16::try_from(fields).unwrap_or(0);
                }
            }
        }
        size
    }

    fn hop_by_hop(self) -> u16 {
        header(self.hop_by_hop + self.traces * self.length)
    }

    /// Octets a packet grows by.
    fn growth(self) -> u16 {
        let outer = if self.outer { IPV6_HEADER } else { 0 };
        outer + self.hop_by_hop() + header(self.destination)
    }

    /// The longest traces that grow a packet by at most `room` octets, for the help.
    fn or_shorter(self, room: u16) -> String {
        let shorter = |length: &u16| {
            let length = *length;
            Self { length, ..self }.growth() <= room
        };
        let mut lengths = (4..=LARGEST).rev().step_by(4).filter(|_| self.traces > 0);
        match lengths.find(shorter) {
            Some(longest) => format!(", or `max-length: {longest}` or less"),
            None => String::new(),
        }
    }
}

/// An extension header with this many octets of options: two octets of its own, padding to 4, and
/// padding to 8 behind them.
fn header(options: u16) -> u16 {
    match options {
        0 => 0,
        _ => (4 + options).next_multiple_of(8),
    }
}

/// Whether the profile's options fit one header of each kind, and packets with them their buffers
/// and the links.
pub(super) fn check(
    profile: &Profile,
    spec: &EncapsulateSpec,
    around: &Surroundings,
    problems: &mut Problems,
) {
    let name = profile.name.place;
    if spec.options.len() > MAX_PARTS {
        let what = format!(
            "these are {} options, and a profile puts in at most {MAX_PARTS}",
            spec.options.len()
        );
        let help = "use fewer namespaces, or several profiles";
        problems.error(name, what, help);
        return;
    }
    let size = Size::new(spec);
    if usize::from(size.hop_by_hop()) > MAX_HEADER {
        let what = format!(
            "these options are {} octets, and a Hop-by-Hop header holds {MAX_HEADER}",
            size.hop_by_hop()
        );
        let help = "lower `max-length`, or use fewer namespaces";
        problems.error(name, what, help);
        return;
    }
    let section = profile.preallocated_tracing_profile.as_ref();
    let length = section.and_then(|keys| keys.value.max_length.as_ref());
    let place = length.map_or(name, |key| key.place);
    // Probes and copies are made in memory that has room for anything.
    if spec.active.is_none() {
        fits_buffer(size, place, around.headroom, problems);
    }
    let longest = match spec.active {
        None => IPV6_MINIMUM,
        Some(ActiveSpec::Copies { length }) => length.min(IPV6_MINIMUM),
        Some(ActiveSpec::Probes) => IPV6_HEADER,
    };
    fits_links(size, longest, place, around, problems);
}

fn fits_buffer(size: Size, place: Place, headroom: u16, problems: &mut Problems) {
    let growth = size.growth();
    if growth <= headroom {
        return;
    }
    let what = format!("packets grow by {growth} octets, and the headroom is {headroom}");
    let enough = growth.next_multiple_of(64);
    let shorter = size.or_shorter(headroom);
    let help = if enough > HEADROOM {
        format!("no headroom is larger than {HEADROOM}: use fewer options{shorter}")
    } else {
        format!("write `headroom: {enough}` in `runtime`{shorter}")
    };
    problems.error(place, what, help);
}

/// Whether any packet fits the smallest link, and all up to `longest` do.
fn fits_links(
    size: Size,
    longest: u16,
    place: Place,
    around: &Surroundings,
    problems: &mut Problems,
) {
    let growth = size.growth();
    let Some(port) = around.ports.iter().min_by_key(|port| port.mtu) else {
        return;
    };
    if growth + IPV6_HEADER > port.mtu {
        let what = format!(
            "packets grow by {growth} octets: none fits port `{}` of mtu {}",
            port.name, port.mtu
        );
        let shorter = size.or_shorter(port.mtu - IPV6_HEADER);
        problems.error(place, what, format!("raise its mtu{shorter}"));
    } else if port.mtu - growth < longest {
        let what = format!(
            "packets grow by {growth} octets: those above {} exceed the mtu of port `{}`, {}",
            port.mtu - growth,
            port.name,
            port.mtu
        );
        let shorter = port.mtu.checked_sub(longest);
        let shorter = shorter
            .map(|room| size.or_shorter(room))
            .unwrap_or_default();
        let enough = longest + growth;
        let help = format!("raise its mtu to {enough} where the link allows{shorter}");
        problems.warning(place, what, help);
    }
}
