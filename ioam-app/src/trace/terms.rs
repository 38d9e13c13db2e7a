// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The terms that say which packets are traced: `--match KEY=VALUE`, in the configuration's words.

use std::fmt::Display;

use ioam_config::Complaint;
use ioam_config::scalar::FromText;
use ioam_config::text::{NamespaceId, NextHeader, Number, Prefix, Range};
use ioam_dp::classify::Filter;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::FilterSpec;
use ioam_dp::tap::{Matcher, Reason};

/// What a packet is.
const FIELDS: [&str; 9] = [
    "in-port",
    "source",
    "destination",
    "protocol",
    "source-port",
    "destination-port",
    "dscp",
    "flow-label",
    "length",
];
/// What it carries, and what became of it.
const OUTCOMES: [&str; 5] = ["ioam", "namespace", "profile", "dropped", "noticed"];

/// Understands terms for a node with these tables.
///
/// # Errors
/// A sentence about the first term that is wrong, with what there is.
pub(crate) fn matcher(terms: &[String], tables: &Tables) -> Result<Matcher, String> {
    let (mut spec, mut matcher) = (FilterSpec::default(), Matcher::default());
    let mut seen = Vec::new();
    for term in terms {
        let (key, value) = match term.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (term.trim(), None),
        };
        // The configuration's word for it.
        let key = if key == "next-header" {
            "protocol"
        } else {
            key
        };
        if seen.contains(&key) {
            return Err(format!(
                "--match {term}: `{key}` is given twice; a packet has to match every term"
            ));
        }
        let given = Term { key, value };
        if !given.field(&mut spec, tables)? && !given.outcome(&mut matcher, tables)? {
            let known = FIELDS.into_iter().chain(OUTCOMES);
            return Err(format!(
                "--match {term}: there is no term `{key}`; there are {}",
                known.collect::<Vec<_>>().join(", ")
            ));
        }
        seen.push(key);
    }
    // Of ports the matcher knows by itself.
    matcher.looks_inside = seen.iter().any(|key| FIELDS[1..].contains(key));
    matcher.filter = Filter::new(&spec);
    Ok(matcher)
}

/// One term, split.
struct Term<'a> {
    key: &'a str,
    value: Option<&'a str>,
}

impl Term<'_> {
    fn wrong(&self, what: impl Display) -> String {
        match self.value {
            Some(value) => format!("--match {}={value}: {what}", self.key),
            None => format!("--match {}: {what}", self.key),
        }
    }

    fn value(&self, example: &str) -> Result<&str, String> {
        let wants = || self.wrong(format!("wants a value, as in {}={example}", self.key));
        self.value
            .filter(|value| !value.is_empty())
            .ok_or_else(wants)
    }

    fn read<T: FromText>(&self, example: &str) -> Result<T, String> {
        let text = self.value(example)?;
        T::from_text(text).map_err(|Complaint { what, help }| self.wrong(format!("{what}; {help}")))
    }

    /// The place of the name that is the value.
    fn named<'n>(
        &self,
        what: &str,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Result<usize, String> {
        let value = self.value("NAME")?;
        let place = names.clone().position(|name| name == value);
        place.ok_or_else(|| match names.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => self.wrong(format!("this node has no {what}")),
            names => self.wrong(format!("no {what} has that name; there are {names}")),
        })
    }

    /// Takes it as a field of the packet that comes; `false` when it is none.
    fn field(&self, spec: &mut FilterSpec, tables: &Tables) -> Result<bool, String> {
        match self.key {
            "in-port" => {
                let names = tables.ports.iter().map(|port| port.name.as_str());
                let place = self.named("port", names)?;
                spec.in_ports.extend(u8::try_from(place));
            }
            "source" => spec.source = Some(self.read::<Prefix>("2001:db8::/32")?.0),
            "destination" => spec.destination = Some(self.read::<Prefix>("2001:db8::/32")?.0),
            "protocol" => spec.next_header = Some(self.read::<NextHeader>("udp")?.0),
            "source-port" => spec.source_ports = Some(self.read::<Range>("5000-6000")?.0),
            "destination-port" => spec.destination_ports = Some(self.read::<Range>("53")?.0),
            "dscp" => spec.dscp = Some(self.read::<Number<u8, 0, 63>>("46")?.0),
            "flow-label" => {
                spec.flow_label = Some(self.read::<Number<u32, 0, 0xf_ffff>>("0x12345")?.0);
            }
            "length" => spec.length = Some(self.read::<Range>("1280-1500")?.0),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes it as something that becomes of a packet; `false` when it is no such thing.
    fn outcome(&self, matcher: &mut Matcher, tables: &Tables) -> Result<bool, String> {
        match self.key {
            "ioam" if self.value.is_some() => {
                return Err(self.wrong("takes no value; `namespace=N` is for one namespace"));
            }
            "ioam" => matcher.ioam = matcher.ioam.or(Some(None)),
            "namespace" => matcher.ioam = Some(Some(self.read::<NamespaceId>("123")?.0)),
            "profile" => {
                let all: Vec<_> = tables.configured_profiles().collect();
                let names = all.iter().map(|(_, profile)| profile.name.as_str());
                let place = self.named("profile", names)?;
                matcher.profile = all.get(place).map(|(index, _)| *index);
            }
            "dropped" => {
                let (all, name) = (DropReason::ALL, DropReason::name);
                matcher.dropped = Some(self.reason("reason for a drop", all, name)?);
            }
            "noticed" => {
                matcher.noticed = Some(self.reason("notice", Notice::ALL, Notice::name)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn reason<T: Copy>(
        &self,
        what: &str,
        all: &'static [T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<Reason<T>, String> {
        if self.value.is_none() {
            return Ok(Reason::Any);
        }
        let names: Vec<_> = all.iter().map(|reason| name(*reason)).collect();
        let place = self.named(what, names.iter().copied())?;
        Ok(all.get(place).map_or(Reason::Any, |one| Reason::This(*one)))
    }
}

#[cfg(test)]
mod tests {
    use ioam_config::Machine;

    use super::*;

    const NODE: &str = "
ports: [{name: east, device: net_null0}, {name: west, device: net_null1}]
forwarding: {pairs: [[east, west]]}
namespaces: [{id: 123}]
profiles:
  - name: collect
    filter: {in-port: east}
    preallocated-tracing-profile: {node-action: decapsulate, trace-types: {use-namespace: 123}}
";

    fn terms(words: &[&str]) -> Result<Matcher, String> {
        let machine = Machine::other((0..4).collect());
        let loaded = ioam_config::parse("test.yaml", NODE, &machine).unwrap();
        let tables = Tables::compile(&loaded.valid.node_spec(&[[2; 6]; 2])).unwrap();
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        matcher(&words, &tables)
    }

    #[test]
    fn every_term_is_understood() {
        let found = terms(&["in-port=west", "dropped", "noticed=namespace_unknown"]).unwrap();
        assert_eq!(found.dropped, Some(Reason::Any));
        assert_eq!(found.noticed, Some(Reason::This(Notice::NamespaceUnknown)));
        assert!(!found.looks_inside);
        let inside = [
            "source=2001:db8::/32",
            "destination=::1",
            "next-header=udp",
            "source-port=5000",
            "destination-port=1-9",
            "dscp=46",
            "flow-label=0x12345",
            "length=0-1500",
        ];
        for term in inside {
            assert!(terms(&[term]).unwrap().looks_inside, "{term}");
        }
        let found = terms(&["profile=collect", "ioam", "namespace=default-namespace"]).unwrap();
        assert_eq!((found.profile, found.ioam), (Some(0), Some(Some(0))));
        assert_eq!(terms(&["ioam"]).unwrap().ioam, Some(None));
    }

    #[test]
    fn a_wrong_term_is_named_with_what_there_is() {
        let cases = [
            (
                "in-prot=east",
                "there is no term `in-prot`; there are in-port, ",
            ),
            (
                "in-port=north",
                "no port has that name; there are east, west",
            ),
            ("in-port", "wants a value, as in in-port=NAME"),
            ("source=10.0.0.0/8", "is no IPv6 prefix; write an address"),
            ("source=2001:db8::1/32", "bits set beyond its length"),
            ("protocol=upd", "did you mean `udp`?"),
            ("source-port=70000", "is no range"),
            ("namespace=x", "write a Namespace-ID"),
            (
                "profile=none",
                "no profile has that name; there are collect",
            ),
            (
                "dropped=mtu",
                "no reason for a drop has that name; there are malformed, ",
            ),
            ("noticed=", "wants a value"),
            ("ioam=1", "takes no value"),
            ("", "there is no term ``"),
        ];
        for (term, says) in cases {
            let error = terms(&[term]).unwrap_err();
            assert!(error.contains(says), "{term}: {error}");
            assert!(error.starts_with(&format!("--match {term}")), "{error}");
        }
        let error = terms(&["protocol=tcp", "next-header=udp"]).unwrap_err();
        assert!(error.contains("given twice"), "{error}");
    }
}
