// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Collectors as the operator's file has them.

use ioam_config::{CollectorProfile, RecordKind};

use super::settings::{Collector, Kinds, Profile, Tls, Transport};

impl From<&ioam_config::Collector> for Collector {
    fn from(configured: &ioam_config::Collector) -> Self {
        let takes = |kind| configured.records.contains(&kind);
        let tls = configured.tls.as_ref().map(|tls| Tls {
            authorities: tls.authorities.clone(),
            identity: tls.identity.clone(),
            server_name: tls.server_name.clone(),
        });
        let transport = match (configured.transport, tls) {
            (_, Some(tls)) => Transport::Tls(tls),
            (ioam_config::Transport::Udp, None) => Transport::Udp,
            (ioam_config::Transport::Tcp | ioam_config::Transport::Tls, None) => Transport::Tcp,
        };
        Self {
            name: configured.name.clone(),
            address: configured.address,
            transport,
            enterprise: configured.enterprise,
            domain: configured.domain,
            refresh: configured.refresh,
            reconnect: configured.reconnect,
            kinds: Kinds {
                raw: takes(RecordKind::Raw),
                hops: takes(RecordKind::Hops),
                sequences: takes(RecordKind::Sequences),
                paths: takes(RecordKind::Paths),
            },
            profile: match configured.profile {
                CollectorProfile::Ioam => Profile::Ioam,
                CollectorProfile::Uliege => Profile::Uliege,
            },
            queue: configured.queue,
        }
    }
}
