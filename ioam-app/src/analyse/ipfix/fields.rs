// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Octets of a message, taken from the front, and the fields of a record by their elements.

use std::net::Ipv6Addr;

use ioam_dp::timestamp::WallTime;

use super::Bad;
use super::template::Template;
use crate::export::ipfix::element::{Element, Owner, VARIABLE};
use crate::export::ipfix::uliege;

/// Seconds from 1900, where NTP counts from, to 1970, less the era of 2^32 seconds that began in 2036.
const POSIX_TO_NTP: u32 = 2_208_988_800;

/// What is not read yet, and where that is in the message.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(octets: &'a [u8], at: usize) -> Self {
        Self { rest: octets, at }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn bad(&self, what: &'static str) -> Bad {
        Bad { at: self.at, what }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Bad> {
        let cut = self.bad("cut: more octets should follow");
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(cut)?;
        self.rest = rest;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        let octets = self.take(N)?;
        // As many as were asked for.
        Ok(octets.try_into().unwrap_or([0; N]))
    }

    pub(super) fn u8(&mut self) -> Result<u8, Bad> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Bad> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Bad> {
        self.array().map(u32::from_be_bytes)
    }

    /// A field of a length that the template or, if that is [`VARIABLE`], the record says
    /// (RFC 7011, 7).
    fn field(&mut self, length: u16) -> Result<&'a [u8], Bad> {
        let length = match length {
            VARIABLE => match self.u8()? {
                u8::MAX => self.u16()?,
                short => short.into(),
            },
            fixed => fixed,
        };
        self.take(length.into())
    }
}

/// A Data Record.
#[derive(Debug)]
pub(super) struct Fields<'t, 'a> {
    template: &'t Template,
    octets: Vec<&'a [u8]>,
    enterprise: Option<u32>,
}

impl<'t, 'a> Fields<'t, 'a> {
    /// Takes one record off the front of `reader`.
    pub(super) fn read(
        template: &'t Template,
        reader: &mut Reader<'a>,
        enterprise: Option<u32>,
    ) -> Result<Self, Bad> {
        let fields = template.fields.iter();
        let octets: Result<_, Bad> = fields.map(|field| reader.field(field.length)).collect();
        Ok(Self {
            template,
            octets: octets?,
            enterprise,
        })
    }

    /// The element's octets, the first ones if there are several.
    pub(super) fn octets(&self, element: &Element) -> Option<&'a [u8]> {
        let mut fields = self.template.fields.iter().zip(&self.octets);
        let (_, octets) = fields.find(|(field, _)| {
            field.id == element.id
                && match element.owner {
                    Owner::Iana => field.owner == 0,
                    Owner::Enterprise => is_ours(field.owner, self.enterprise),
                }
        })?;
        Some(octets)
    }

    /// The element of the University of Liège.
    pub(super) fn liege(&self, id: u16) -> Option<u64> {
        let mut fields = self.template.fields.iter().zip(&self.octets);
        let (_, octets) =
            fields.find(|(field, _)| field.id == id && field.owner == uliege::ENTERPRISE)?;
        known(octets)
    }

    /// A number of up to eight octets, whatever it is.
    pub(super) fn number(&self, element: &Element) -> Option<u64> {
        number(self.octets(element)?)
    }

    /// A number that is not all ones, which stand for "not there".
    pub(super) fn known(&self, element: &Element) -> Option<u64> {
        known(self.octets(element)?)
    }

    pub(super) fn known_u32(&self, element: &Element) -> Option<u32> {
        u32::try_from(self.known(element)?).ok()
    }

    pub(super) fn small<T: TryFrom<u64>>(&self, element: &Element) -> Option<T> {
        T::try_from(self.number(element)?).ok()
    }

    /// A number with a sign.
    pub(super) fn signed(&self, element: &Element) -> Option<i64> {
        let octets = self.octets(element)?;
        let bits = u32::try_from(octets.len().checked_mul(8)?).ok()?;
        let unused = 64_u32.checked_sub(bits).filter(|_| bits > 0)?;
        Some((number(octets)? << unused).cast_signed() >> unused)
    }

    pub(super) fn address(&self, element: &Element) -> Option<Ipv6Addr> {
        let octets: [u8; 16] = self.octets(element)?.try_into().ok()?;
        Some(Ipv6Addr::from(octets))
    }

    /// NTP time (RFC 7011, 6.1.10), of the era that is nearer; 0 is "not known".
    pub(super) fn time(&self, element: &Element) -> Option<WallTime> {
        let octets: [u8; 8] = self.octets(element)?.try_into().ok()?;
        let time = u64::from_be_bytes(octets);
        let (seconds, fraction) = (u32::try_from(time >> 32).ok()?, time & 0xFFFF_FFFF);
        let nanoseconds = u32::try_from((fraction * 1_000_000_000) >> 32).ok()?;
        (time != 0).then(|| WallTime {
            seconds: seconds.wrapping_sub(POSIX_TO_NTP).into(),
            nanoseconds,
        })
    }
}

/// Whether elements of this enterprise are IOAM's.
pub(super) fn is_ours(owner: u32, enterprise: Option<u32>) -> bool {
    match enterprise {
        Some(number) => owner == number,
        None => owner != 0 && owner != uliege::ENTERPRISE,
    }
}

fn number(octets: &[u8]) -> Option<u64> {
    let is_number = (1..=8).contains(&octets.len());
    let sum = || {
        octets
            .iter()
            .fold(0, |sum, octet| sum << 8 | u64::from(*octet))
    };
    is_number.then(sum)
}

fn known(octets: &[u8]) -> Option<u64> {
    let all_ones = octets.iter().all(|octet| *octet == u8::MAX);
    number(octets).filter(|_| !all_ones)
}
