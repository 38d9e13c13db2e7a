// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Templates as exporters send them: which field is where, and what its records are about.

use super::Bad;
use super::fields::{Reader, is_ours};
use crate::export::ipfix::element::{self as iana, Element, VARIABLE};
use crate::export::ipfix::{ioam, uliege};

/// Most fields of one template. Every Data Record of it has to fit into a message of 64 KiB.
const MOST_FIELDS: u16 = 4096;

/// What a field is, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Enterprise number; 0 for IANA.
    pub(super) owner: u32,
    pub(super) id: u16,
    pub(super) length: u16,
}

/// What the records of a template are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One node's data.
    Hop,
    /// One node's data in the elements of the University of Liège.
    Liege,
    /// An option as it was.
    Raw,
    /// A sequence report.
    Sequence,
    /// Delay along a path.
    Path,
    /// Names of profiles.
    Profile,
    /// Anything else.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) fields: Vec<Field>,
    pub(super) kind: Kind,
    /// Octets of the shortest record; more than 0.
    pub(super) least: usize,
}

/// What stands in a template set.
#[derive(Debug)]
pub(super) enum Definition {
    Template(u16, Template),
    /// Withdraws one, or all of the set's kind where the number is that of the set (RFC 7011, 8.1).
    Withdrawal(u16),
}

impl Definition {
    /// Takes one template record off the front of the set.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        options: bool,
        enterprise: Option<u32>,
    ) -> Result<Self, Bad> {
        let start = reader.clone();
        let (id, count) = (reader.u16()?, reader.u16()?);
        if count == 0 {
            return Ok(Self::Withdrawal(id));
        }
        if id < 256 {
            return Err(start.bad("a Template ID below 256"));
        }
        if count > MOST_FIELDS {
            return Err(start.bad("a template of more fields than are read"));
        }
        if options && !(1..=count).contains(&reader.u16()?) {
            return Err(start.bad("a scope of no fields, or of more than there are"));
        }
        let mut fields = Vec::new();
        for _ in 0..count {
            let (id, length) = (reader.u16()?, reader.u16()?);
            let owner = if id & 0x8000 != 0 { reader.u32()? } else { 0 };
            let id = id & 0x7FFF;
            fields.push(Field { owner, id, length });
        }
        let template = Template::new(fields, enterprise);
        if template.least == 0 {
            return Err(start.bad("a template of records without an octet"));
        }
        Ok(Self::Template(id, template))
    }
}

impl Template {
    fn new(fields: Vec<Field>, enterprise: Option<u32>) -> Self {
        let least = |field: &Field| match field.length {
            VARIABLE => 1,
            fixed => usize::from(fixed),
        };
        Self {
            kind: kind(&fields, enterprise),
            least: fields.iter().map(least).sum(),
            fields,
        }
    }
}

fn kind(fields: &[Field], enterprise: Option<u32>) -> Kind {
    let ours = |element: &Element| {
        let mut fields = fields.iter();
        fields.any(|field| field.id == element.id && is_ours(field.owner, enterprise))
    };
    let has = |owner, id| {
        let mut fields = fields.iter();
        fields.any(|field| (field.owner, field.id) == (owner, id))
    };
    let raw = [
        ioam::PREALLOCATED_TRACE_DATA,
        ioam::INCREMENTAL_TRACE_DATA,
        ioam::E2E_DATA,
        ioam::POT_DATA,
        ioam::DIRECT_EXPORT_DATA,
    ];
    if has(uliege::ENTERPRISE, 2) && has(uliege::ENTERPRISE, 16) {
        Kind::Liege
    } else if ours(&ioam::LOST_COUNT) && ours(&ioam::RECEIVED_COUNT) {
        Kind::Sequence
    } else if ours(&ioam::PATH) {
        Kind::Path
    } else if ours(&ioam::HOP_LIMIT) && ours(&ioam::HOP_INDEX) {
        Kind::Hop
    } else if ours(&ioam::OPTION_TYPE) && raw.iter().any(ours) {
        Kind::Raw
    } else if ours(&ioam::PROFILE) && has(0, iana::SELECTOR_NAME.id) {
        Kind::Profile
    } else {
        Kind::Other
    }
}
