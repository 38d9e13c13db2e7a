// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The rules of each port: ports with the same encapsulating profiles share them.

use std::sync::Arc;

use super::{Action, Profile};
use crate::classify::RuleSet;
use crate::port::PortId;

/// The encapsulating profiles that packets from somewhere may match.
#[derive(Clone, Debug)]
pub struct PortRules {
    /// Their indices, in the order they are tried.
    pub profiles: Box<[u16]>,
    /// Their filters in the same order.
    pub filters: Arc<RuleSet>,
}

/// Makes the rules of one port after the other.
pub(super) struct PortsRules<'a> {
    profiles: &'a [Profile],
    made: Vec<PortRules>,
}

impl<'a> PortsRules<'a> {
    pub(super) fn new(profiles: &'a [Profile]) -> Self {
        Self {
            profiles,
            made: Vec::new(),
        }
    }

    /// Those for packets from `port`, or for this node's own.
    pub(super) fn of(&mut self, port: PortId) -> PortRules {
        let wanted = |profile: &Profile| {
            matches!(profile.action, Action::Encapsulate(_)) && profile.filter.admits_port(port)
        };
        let all = (0..).zip(self.profiles);
        let (indices, filters): (Vec<u16>, Vec<_>) = all
            .filter(|(_, profile)| wanted(profile))
            .map(|(index, profile)| (index, &profile.filter))
            .unzip();
        if let Some(same) = self.made.iter().find(|made| *made.profiles == *indices) {
            return same.clone();
        }
        let id = u8::try_from(self.made.len()).unwrap_or(u8::MAX);
        let rules = PortRules {
            profiles: indices.into(),
            filters: Arc::new(RuleSet::of_ports(id, filters)),
        };
        self.made.push(rules.clone());
        rules
    }
}
