// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Direct export options from field values, nodes that use them, and a look at what a frame carries,
//! with no code of the data plane.

use super::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;

/// `Hop_Lim`, `node_id`, interface ids and both parts of the time.
pub(crate) const EXPORTED: u32 = 0xF0_0000;
/// What node B exports for that type, hop limit 64 received.
pub(crate) const BY_B: [u32; 4] = [0x3F0B_0001, 0x0B11_0B22, 0x66BB_7122, 0x0001_E240];
/// Extension flags.
pub(crate) const FLOW: u8 = 0x80;
pub(crate) const SEQUENCE: u8 = 0x40;

/// A direct export option, sound unless a field is overwritten.
#[derive(Clone, Debug)]
pub(crate) struct Dex {
    pub number: u8,
    pub option_len: Option<u8>,
    pub namespace: u16,
    pub flags: u8,
    pub extensions: u8,
    pub kind: u32,
    pub reserved: u8,
    pub fields: Vec<u32>,
}

impl Dex {
    /// With these extension flags and their fields.
    pub(crate) fn new(namespace: u16, kind: u32, extensions: u8, fields: &[u32]) -> Self {
        Self {
            number: 0x11,
            option_len: None,
            namespace,
            flags: 0,
            extensions,
            kind,
            reserved: 0,
            fields: fields.to_vec(),
        }
    }

    /// Namespace 123, a flow and a number in it.
    pub(crate) fn of(flow: u32, sequence: u32) -> Self {
        Self::new(123, EXPORTED, FLOW | SEQUENCE, &[flow, sequence])
    }

    /// From the Namespace-ID on.
    pub(crate) fn data(&self) -> Vec<u8> {
        let mut octets = self.namespace.to_be_bytes().to_vec();
        octets.extend([self.flags, self.extensions]);
        octets.extend((self.kind << 8 | u32::from(self.reserved)).to_be_bytes());
        self.fields
            .iter()
            .for_each(|word| octets.extend(word.to_be_bytes()));
        octets
    }

    /// The option with its type and length.
    pub(crate) fn option(&self) -> Vec<u8> {
        let data = self.data();
        let len = self.option_len.unwrap_or(data.len() as u8 + 2);
        let mut octets = vec![self.number, len, 0, 4];
        octets.extend(data);
        octets
    }

    /// What a node exports that writes `words` for the type.
    pub(crate) fn with(&self, words: &[u32]) -> Vec<u8> {
        let mut octets = self.data();
        words
            .iter()
            .for_each(|word| octets.extend(word.to_be_bytes()));
        octets
    }
}

/// UDP behind a Hop-by-Hop header with these options, each a multiple of four octets long.
pub(crate) fn carrying(list: &[Vec<u8>]) -> Packet {
    Packet::behind(&header_of(UDP, list))
}

/// A Hop-by-Hop header with these options.
pub(crate) fn header_of(next: u8, list: &[Vec<u8>]) -> Vec<u8> {
    let mut all: Vec<&[u8]> = vec![&LEAD];
    all.extend(list.iter().map(Vec::as_slice));
    options(next, &all)
}

/// UDP behind these options.
pub(crate) fn exporting(list: &[&Dex]) -> Packet {
    let list: Vec<_> = list.iter().map(|dex| dex.option()).collect();
    carrying(&list)
}

/// `packet` in a tunnel whose outer header has these options.
pub(crate) fn in_tunnel(packet: &Packet, list: &[Vec<u8>]) -> Packet {
    Packet {
        source: address(TUNNEL_HEAD),
        destination: address(TUNNEL_END),
        label: packet.label,
        class: packet.class,
        ..Packet::new(HOP_BY_HOP, &[&header_of(IP6, list), &packet.octets()])
    }
}

/// Direct export of namespace 123 with this Flow ID and a sequence.
pub(crate) fn direct_export(flow_id: FlowIdSpec) -> DirectExportSpec {
    DirectExportSpec {
        namespace: 123,
        trace_type: EXPORTED,
        flow_id,
        sequence: true,
        record_self: false,
    }
}

/// Encapsulation with these options in every packet.
pub(crate) fn puts_in(list: &[DirectExportSpec], placement: Placement) -> EncapsulateSpec {
    let list = list.iter().copied().map(OptionSpec::DirectExport).collect();
    EncapsulateSpec::new(list, placement)
}

/// Node B putting direct export in line into every packet.
pub(crate) fn exporter(flow_id: FlowIdSpec) -> NodeSpec {
    let what = puts_in(&[direct_export(flow_id)], Placement::Inline);
    node_that(ActionSpec::Encapsulate(what))
}

/// The encapsulation of a node's first profile.
pub(crate) fn encapsulation(spec: &mut NodeSpec) -> &mut EncapsulateSpec {
    match &mut spec.profiles[0].action {
        ActionSpec::Encapsulate(what) => what,
        other => panic!("no encapsulation: {other:?}"),
    }
}

/// The moment of the tests, so many seconds later.
pub(crate) fn later(seconds: u64) -> Moment {
    let mut moment = moment();
    moment.received = moment.received.map(|received| WallTime {
        seconds: received.seconds + seconds,
        ..received
    });
    moment
}

/// Every IOAM option in the extension headers of an untagged frame, from its type octet on, up to
/// the first header of another kind.
pub(crate) fn ioam_options(frame: &[u8]) -> Vec<Vec<u8>> {
    let (mut found, mut next, mut at) = (Vec::new(), frame[20], EXTENSIONS);
    while next == HOP_BY_HOP || next == DESTINATION {
        let end = at + 8 * (usize::from(frame[at + 1]) + 1);
        next = frame[at];
        at += 2;
        while at < end {
            if frame[at] == 0 {
                at += 1;
                continue;
            }
            let len = 2 + usize::from(frame[at + 1]);
            if [0x11, 0x31].contains(&frame[at]) {
                found.push(frame[at..at + len].to_vec());
            }
            at += len;
        }
    }
    found
}

/// A direct export option as a frame carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    pub namespace: u16,
    pub flow_id: Option<u32>,
    pub sequence: Option<u32>,
}

/// The direct export options of a frame.
pub(crate) fn carried(frame: &[u8]) -> Vec<Carried> {
    let all = ioam_options(frame).into_iter();
    all.filter(|option| option[3] == 4)
        .map(|option| {
            let mut words = option[12..].chunks_exact(4).map(|word| {
                let word: [u8; 4] = word.try_into().expect("four octets");
                u32::from_be_bytes(word)
            });
            let mut field = |flag| (option[7] & flag != 0).then(|| words.next().expect("a field"));
            Carried {
                namespace: u16::from_be_bytes([option[4], option[5]]),
                flow_id: field(FLOW),
                sequence: field(SEQUENCE),
            }
        })
        .collect()
}

/// The sequence number of the only direct export option, if there is one.
pub(crate) fn sequence_of(frame: &[u8]) -> Option<u32> {
    match &carried(frame)[..] {
        [] => None,
        [one] => one.sequence,
        more => panic!("{} options", more.len()),
    }
}
