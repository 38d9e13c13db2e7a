// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The packet cases of the kernel's own suite (tools/testing/selftests/net/ioam6.sh, as of Linux
//! 7.3): 234 of an encapsulating node, 160 of a transit node, and the rules its checker judges by.

use super::rig::packet::{IPV6, hex};
use super::rig::trace::{Element, FIELDS, Trace, node_len};

/// The encapsulating node of the suite, Alpha.
pub(crate) const ALPHA_DATA: (u32, u64) = (0xdead_beef, 0xcafe_c0ca_f00d_c0de);
pub(crate) const ALPHA_SCHEMA: (u32, &str) = (777, "something that will be 4n-aligned");
/// Its addresses: of its interface, and for the tunnels whose source is told.
pub(crate) const ALPHA: [&str; 2] = ["2001:db8:1::2", "2001:db8:1::50"];
/// The receiver.
pub(crate) const GAMMA: &str = "2001:db8:2::2";

const NARROW: u64 = 0xFFFF_FFFF;
const WIDE: u64 = u64::MAX;

/// How the trace is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Inline,
    Encap,
    EncapTunsrc,
}

pub(crate) const OUTPUT_MODES: [Mode; 3] = [Mode::Inline, Mode::Encap, Mode::EncapTunsrc];
pub(crate) const INPUT_MODES: [Mode; 2] = [Mode::Inline, Mode::Encap];

impl Mode {
    /// The source of the header that carries the trace.
    pub(crate) fn source(self) -> &'static str {
        ALPHA[usize::from(self == Self::EncapTunsrc)]
    }
}

/// One case, of whichever mode.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// The name under which the table has it.
    pub(crate) group: String,
    pub(crate) namespace: u16,
    pub(crate) kind: u32,
    /// Octets of room.
    pub(crate) size: u8,
    /// What the node under test has to do.
    pub(crate) duty: Duty,
}

/// What a node under test can know.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    /// Transit delay and buffer occupancy, which Linux never does.
    pub(crate) measures: bool,
    pub(crate) queue_depth: bool,
}

pub(crate) const LINUX_KNOWS: Known = Known {
    measures: false,
    queue_depth: true,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Nothing: the namespace is unknown, or the interface disabled, or the flag set already.
    LeaveAlone,
    /// Set the overflow flag.
    Overflow,
    Fill,
}

fn size_of(bit: u32) -> u8 {
    match bit {
        8..=10 => 8,
        _ => 4,
    }
}

/// Bits 0 to 11 and 22: those an encapsulating node may ask for.
pub(crate) fn bits() -> impl Iterator<Item = u32> {
    (0..12).chain([22])
}

/// The 78 cases of an encapsulating node (`output`), or the 80 of a transit node.
pub(crate) fn cases(output: bool) -> Vec<Case> {
    let direction = if output { "output" } else { "input" };
    let snapshot = if output {
        ALPHA_SCHEMA.1.len().next_multiple_of(4)
    } else {
        0
    };
    let snapshot = u8::try_from(snapshot).unwrap();
    let case = |name: &str, namespace, kind, size, duty| {
        let name = format!("{direction}_{name}");
        Case {
            group: name.clone(),
            name,
            namespace,
            kind,
            size,
            duty,
        }
    };
    let mut cases = vec![
        case("undef_ns", 0, 0x80_0000, 4, Duty::LeaveAlone),
        case("no_room", 123, 0xC0_0000, 4, Duty::Overflow),
        // A node without a schema has one word to say, which fits.
        case(
            "no_room_oss",
            123,
            2,
            4,
            if output { Duty::Overflow } else { Duty::Fill },
        ),
    ];
    if !output {
        cases.push(case("disabled", 123, 0x80_0000, 4, Duty::LeaveAlone));
        cases.push(case("oflag", 123, 0xC0_0000, 4, Duty::LeaveAlone));
    }
    for bit in bits() {
        let size = size_of(bit) + if bit == 22 { snapshot } else { 0 };
        cases.push(case(
            &format!("bit{bit}"),
            123,
            0x80_0000 >> bit,
            size,
            Duty::Fill,
        ));
    }
    // The encapsulating node does not know the namespace of these, the transit node does.
    let (namespace, duty) = if output {
        (0, Duty::LeaveAlone)
    } else {
        (123, Duty::Fill)
    };
    for size in (4..=244).step_by(4) {
        let mut case = case(&format!("size{size}"), namespace, 0x80_0000, size, duty);
        case.group = format!("{direction}_size4 to 244");
        cases.push(case);
    }
    let all = bits().map(size_of).sum::<u8>() + snapshot;
    cases.push(case("full_supp_trace", 123, 0xFF_F002, all, Duty::Fill));
    cases
}

impl Case {
    pub(crate) fn is_output(&self) -> bool {
        self.name.starts_with("output")
    }

    /// The trace as Alpha sends it to a transit node.
    pub(crate) fn trace(&self) -> Trace {
        let mut trace = Trace::empty(self.namespace, self.kind, self.size / 4);
        if self.name == "input_oflag" {
            trace.flags = 8;
        }
        trace
    }

    /// Words the node under test adds.
    fn own_words(&self) -> u8 {
        let snapshot = match (self.kind & 2 != 0, self.is_output()) {
            (true, true) => 10,
            (true, false) => 1,
            (false, _) => 0,
        };
        match self.duty {
            Duty::Fill => node_len(self.kind) + snapshot,
            _ => 0,
        }
    }

    /// Judges the packet that the receiver got, as the suite's checker does, for a node that can know
    /// what `known` says.
    pub(crate) fn judge(&self, mode: Mode, packet: &[u8], known: Known) -> Result<(), String> {
        let fail = |what: &str| Err(format!("{} {mode:?}: {what}: {}", self.name, hex(packet)));
        let address = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap().octets();
        if packet[8..24] != address(mode.source()) || packet[24..40] != address(GAMMA) {
            return fail("addresses");
        }
        let odd = !self.size.is_multiple_of(8);
        let header = 16 + usize::from(self.size) + if odd { 4 } else { 0 };
        let option = [0x31, 10 + self.size, 0, 0];
        if packet[6] != 0 || (usize::from(packet[IPV6 + 1]) + 1) * 8 != header {
            return fail("length of the Hop-by-Hop header");
        }
        if packet[IPV6 + 2..IPV6 + 4] != [1, 0] || packet[IPV6 + 4..IPV6 + 8] != option {
            return fail("the option's place or length");
        }
        if odd && packet[IPV6 + header - 4..IPV6 + header] != [1, 2, 0, 0] {
            return fail("the padding at the end");
        }
        let Some(trace) = Trace::of_packet(packet) else {
            return fail("no trace");
        };
        let overflow = self.duty == Duty::Overflow || self.name == "input_oflag";
        let left = self.size / 4 - self.own_words();
        let expected = Trace {
            flags: if overflow { 8 } else { 0 },
            remaining: left,
            data: trace.data.clone(),
            ..self.trace()
        };
        if trace != expected {
            return fail(&format!("{trace:x?} instead of {expected:x?}"));
        }
        if trace.free().iter().any(|octet| *octet != 0) {
            return fail("free space that is not zero");
        }
        match (self.duty, &trace.elements()[..]) {
            (Duty::Fill, [element]) => match self.judge_element(element, known) {
                Ok(()) => Ok(()),
                Err(what) => fail(&what),
            },
            (Duty::Fill, elements) => fail(&format!("{} elements", elements.len())),
            _ => Ok(()),
        }
    }

    fn judge_element(&self, element: &Element, known: Known) -> Result<(), String> {
        for (name, found) in &element.fields {
            let allowed = match self.expected(name, known) {
                Expected::Is(value) => *found == value,
                Expected::IsNot(values) => !values.contains(found),
            };
            if !allowed {
                return Err(format!("{name} is {found:#x}"));
            }
        }
        let mut snapshot = Vec::new();
        if self.is_output() && self.kind & 2 != 0 {
            snapshot.extend(ALPHA_SCHEMA.1.as_bytes());
            snapshot.resize(snapshot.len().next_multiple_of(4), 0);
        }
        match element.snapshot == snapshot {
            true => Ok(()),
            false => Err(format!("snapshot {}", hex(&element.snapshot))),
        }
    }

    /// What a field has to be. Alpha: id 1, wide 11111111, interface 101 and 101101. Beta: id 2, wide
    /// 22222222, interfaces 201 and 202, wide 201201 and 202202.
    fn expected(&self, name: &str, known: Known) -> Expected {
        use Expected::{Is, IsNot};
        let side = |alpha: u64, beta: u64| Is(if self.is_output() { alpha } else { beta });
        debug_assert!(
            FIELDS
                .iter()
                .any(|(_, names)| names.iter().any(|known| known.0 == name))
        );
        match name {
            "hop_limit" | "hop_limit_wide" => side(64, 63),
            "node_id" => side(1, 2),
            "node_id_wide" => side(11_111_111, 22_222_222),
            "ingress_if_id" => side(0xFFFF, 201),
            "egress_if_id" => side(101, 202),
            "ingress_if_id_wide" => side(NARROW, 201_201),
            "egress_if_id_wide" => side(101_101, 202_202),
            "namespace_data" => side(ALPHA_DATA.0.into(), NARROW),
            "namespace_data_wide" => side(ALPHA_DATA.1, WIDE),
            "snapshot_words" => side(9, 0),
            "schema_id" => side(ALPHA_SCHEMA.0.into(), 0xFF_FFFF),
            "timestamp_seconds" | "timestamp_fraction" => IsNot(&[0, NARROW]),
            "queue_depth" if known.queue_depth => IsNot(&[NARROW]),
            "transit_delay" | "buffer_occupancy" if known.measures => IsNot(&[NARROW]),
            _ => Is(NARROW),
        }
    }
}

enum Expected {
    Is(u64),
    IsNot(&'static [u64]),
}
