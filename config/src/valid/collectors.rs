// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Collectors of IPFIX, every default resolved.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ioam_dp::table::spec::{NodeSpec, ReceiverSpec};

use super::refuse;
use crate::model::{self, Model};
use crate::report::Problems;
use crate::scalar::{Scalar, at, get};
use crate::text::{CollectorProfile, RecordKind, Text, Transport};

/// The port of IPFIX (RFC 7011, 10.3.4).
const PORT: u16 = 4739;
/// The port of IPFIX over TLS (RFC 7011, 11.1).
const TLS_PORT: u16 = 4740;
/// The enterprise number of the University of Liège.
const ULIEGE: u32 = 10_383;

/// A collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// The operator's name for it.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// How it is reached.
    pub transport: Transport,
    /// What TLS needs, with `transport: tls`.
    pub tls: Option<CollectorTls>,
    /// The enterprise number that elements go under.
    pub enterprise: u32,
    /// Observation Domain ID.
    pub domain: u32,
    /// How often descriptions and statistics are sent again.
    pub refresh: Duration,
    /// The pause before the first repeated attempt to connect.
    pub reconnect: Duration,
    /// What it gets.
    pub records: Vec<RecordKind>,
    /// The elements records are made of.
    pub profile: CollectorProfile,
    /// Records that may wait for it.
    pub queue: usize,
}

/// Files that TLS needs, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorTls {
    /// Certificates of those who may vouch for the collector.
    pub authorities: PathBuf,
    /// This node's certificate chain and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name in the collector's certificate, where it is not its address.
    pub server_name: Option<String>,
}

/// The collectors; files that they name are in `folder`.
pub(super) fn collectors(model: &Model, folder: &Path, problems: &mut Problems) -> Vec<Collector> {
    let export = model.export.as_ref();
    let listed = export.and_then(|export| export.collectors.as_ref());
    let mut collectors: Vec<Collector> = Vec::new();
    for keys in listed.into_iter().flatten() {
        let Some(collector) = one(keys, model, folder, problems) else {
            continue;
        };
        if collectors.iter().any(|other| other.name == collector.name) {
            let what = format!("two collectors are named `{}`", collector.name);
            problems.error(keys.name.place, what, "give each a name of its own");
        }
        collectors.push(collector);
    }
    collectors
}

fn one(
    keys: &model::Collector,
    model: &Model,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Collector> {
    let transport = get(&keys.transport, problems).unwrap_or(Transport::Udp);
    let profile = get(&keys.profile, problems).unwrap_or(CollectorProfile::Ioam);
    let tls = tls(keys, transport, folder, problems);
    let enterprise = enterprise(keys, profile, problems);
    let port = get(&keys.port, problems).map(|port| port.0);
    let port = port.unwrap_or(match transport {
        Transport::Tls => TLS_PORT,
        Transport::Udp | Transport::Tcp => PORT,
    });
    let seconds = |seconds: Option<u32>| Duration::from_secs(seconds.unwrap_or(60).into());
    let refresh = seconds(get(&keys.template_refresh, problems).map(|refresh| refresh.0));
    let reconnect = seconds(get(&keys.reconnect_seconds, problems).map(|pause| pause.0));
    let domain = get(&keys.observation_domain, problems).map(|domain| domain.0);
    let node = model.node.as_ref();
    // A bad node-id is reported where it stands.
    let mut reported = Problems::default();
    let node_id = node.and_then(|node| get(&node.id, &mut reported));
    let queue = get(&keys.queue, problems).map_or(65_536, |queue| queue.0);
    let records = records(keys, profile, problems);
    let name = keys.name.get(problems)?.0;
    let address = keys.address.get(problems)?.0;
    Some(Collector {
        name,
        address: SocketAddr::new(address, port),
        transport,
        tls,
        enterprise: enterprise?,
        domain: domain.or(node_id.map(|id| id.0)).unwrap_or(1).max(1),
        refresh,
        reconnect,
        records,
        profile,
        queue: usize::try_from(queue).unwrap_or(usize::MAX),
    })
}

fn enterprise(
    keys: &model::Collector,
    profile: CollectorProfile,
    problems: &mut Problems,
) -> Option<u32> {
    match (&keys.pen, profile) {
        (Some(pen), _) => pen.get(problems).map(|pen| pen.0),
        (None, CollectorProfile::Uliege) => Some(ULIEGE),
        (None, CollectorProfile::Ioam) => {
            let what = "a collector needs an enterprise number for the elements of IOAM";
            let help = "add `pen:` with your site's own number, or 32473, which is for examples \
                        and labs (RFC 5612)";
            problems.error(keys.name.place, what, help);
            None
        }
    }
}

fn records(
    keys: &model::Collector,
    profile: CollectorProfile,
    problems: &mut Problems,
) -> Vec<RecordKind> {
    if profile == CollectorProfile::Uliege {
        refuse(
            &[("records", at(&keys.records))],
            "profile: uliege",
            problems,
        );
        return vec![RecordKind::Hops];
    }
    let Some(listed) = &keys.records else {
        return RecordKind::ALL.to_vec();
    };
    if listed.items.is_empty() {
        let help = "leave `records` out for everything, or the collector";
        problems.error(listed.place, "the collector would get nothing", help);
    }
    let kinds = listed.items.iter().filter_map(|kind| kind.get(problems));
    kinds.collect()
}

fn tls(
    keys: &model::Collector,
    transport: Transport,
    folder: &Path,
    problems: &mut Problems,
) -> Option<CollectorTls> {
    if transport != Transport::Tls {
        let only_tls = [
            ("ca", at(&keys.ca)),
            ("certificate", at(&keys.certificate)),
            ("key", at(&keys.key)),
            ("server-name", at(&keys.server_name)),
        ];
        let setting = match transport {
            Transport::Tcp => "transport: tcp",
            Transport::Udp | Transport::Tls => "transport: udp",
        };
        refuse(&only_tls, setting, problems);
        return None;
    }
    let mut file = |key: &Option<Scalar<Text>>| get(key, problems).map(|name| folder.join(name.0));
    let (ca, certificate, key) = (file(&keys.ca), file(&keys.certificate), file(&keys.key));
    match (&keys.certificate, &keys.key) {
        (Some(alone), None) => {
            problems.error(alone.place, "a certificate needs its key", "add `key:`");
        }
        (None, Some(alone)) => {
            problems.error(
                alone.place,
                "a key needs its certificate",
                "add `certificate:`",
            );
        }
        _ => {}
    }
    if keys.ca.is_none() {
        let what = "nobody may vouch for the collector";
        let help = "add `ca:` with a file of certificates (PEM)";
        problems.error(keys.name.place, what, help);
    }
    Some(CollectorTls {
        authorities: ca?,
        identity: certificate.zip(key),
        server_name: get(&keys.server_name, problems).map(|name| name.0),
    })
}

/// The collectors as receivers: an export must not cause others (RFC 9326, 3.1.1).
pub(super) fn receivers(collectors: &[Collector]) -> impl Iterator<Item = ReceiverSpec> {
    collectors.iter().map(|collector| ReceiverSpec {
        address: collector.address.ip(),
        port: Some(collector.address.port()),
    })
}

/// Warns where others can read what direct export says (RFC 9326, 6).
pub(super) fn readable(
    model: &Model,
    collectors: &[Collector],
    spec: &NodeSpec,
    problems: &mut Problems,
) {
    let export = model.export.as_ref();
    let listed = export.and_then(|export| export.collectors.as_ref());
    let exports = spec.ports.iter().any(|port| port.ioam);
    for (keys, collector) in listed.into_iter().flatten().zip(collectors) {
        let kinds = [RecordKind::Raw, RecordKind::Hops];
        let takes = kinds.iter().any(|kind| collector.records.contains(kind));
        let hidden = collector.transport == Transport::Tls || collector.address.ip().is_loopback();
        if exports && takes && !hidden {
            let what = format!(
                "direct export goes to `{}` unencrypted: anybody on the way can read it",
                collector.name
            );
            let help = "write `transport: tls`, or use a network that only nodes and collectors \
                        are on (RFC 9326, 6)";
            let place = at(&keys.transport).unwrap_or(keys.name.place);
            problems.warning(place, what, help);
        }
    }
}
