// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tables that take the place of others: what has the same name in both keeps its index, so that
//! counters, packet groups and records on their way stay with what they are about.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use super::namespace::MAX_NAMESPACES;
use super::spec::NodeSpec;
use super::{Action, CompileError, NamespaceTable, Profile, Role, Tables};
use crate::classify::Filter;

/// Profiles a running node has counters for: those it started with and, by name, all that reloads
/// have brought since.
pub const COUNTED_PROFILES: usize = 1024;

impl Tables {
    /// Compiles `spec` for a node that runs with `old`. Profiles keep the index they have there by
    /// their name and namespaces by their id; new ones get indices that nothing had before.
    ///
    /// # Errors
    ///
    /// As [`compile`](Self::compile), and when there are no more indices.
    pub fn compile_after(spec: &NodeSpec, old: &Self) -> Result<Self, CompileError> {
        let mut tables = Self::compile(spec)?;
        let ids =
            |table: &NamespaceTable| table.all().iter().map(|entry| entry.id).collect::<Vec<_>>();
        let namespaces = places(&ids(&tables.namespaces), &ids(&old.namespaces));
        let total = total(&namespaces, old.namespaces.all().len());
        if total > MAX_NAMESPACES {
            return Err(CompileError::SeenNamespaces(total));
        }
        let profiles = places(&names(&tables.profiles), &names(&old.profiles));
        let total = self::total(&profiles, old.profiles.len());
        let most = COUNTED_PROFILES.max(old.profiles.len());
        if total > most {
            return Err(CompileError::SeenProfiles(total, most));
        }
        tables.place_namespaces(&namespaces, old);
        tables.place_profiles(&profiles, old);
        Ok(tables)
    }

    /// The profiles in the configuration's order, with their indices.
    pub fn configured_profiles(&self) -> impl Iterator<Item = (u16, &Profile)> {
        let order = self.order.iter();
        order.filter_map(|index| Some((*index, self.profiles.get(usize::from(*index))?)))
    }

    fn place_namespaces(&mut self, places: &[usize], old: &Self) {
        let place = |index: &mut u8| {
            let place = places.get(usize::from(*index)).copied();
            *index = place
                .and_then(|place| u8::try_from(place).ok())
                .unwrap_or(u8::MAX);
        };
        for profile in &mut self.profiles {
            if let Action::Encapsulate(what) = &mut profile.action {
                what.parts
                    .iter_mut()
                    .for_each(|part| place(&mut part.namespace));
            }
        }
        self.home
            .iter_mut()
            .for_each(|(_, namespace)| place(namespace));
        let none = NamespaceTable::new(Vec::new());
        let table = std::mem::replace(&mut self.namespaces, none);
        self.namespaces = table.placed(places, &old.namespaces);
    }

    fn place_profiles(&mut self, places: &[usize], old: &Self) {
        let size = total(places, old.profiles.len());
        let mut profiles: Vec<Profile> = old.profiles.iter().map(|was| gone(&was.name)).collect();
        profiles.resize_with(size, || gone(""));
        let own = std::mem::take(&mut self.profiles);
        for (profile, place) in own.into_iter().zip(places) {
            if let Some(slot) = profiles.get_mut(*place) {
                *slot = profile;
            }
        }
        self.profiles = profiles.into();
        let place = |index: &mut u16| {
            let place = places
                .get(usize::from(*index))
                .copied()
                .unwrap_or(usize::MAX);
            *index = u16::try_from(place).unwrap_or(u16::MAX);
        };
        self.order.iter_mut().for_each(place);
        self.own_rules.profiles.iter_mut().for_each(place);
        let ports = self.ports.iter_mut();
        ports
            .flat_map(|port| &mut port.rules.profiles)
            .for_each(place);
        self.tunnel_ends.profiles.iter_mut().for_each(place);
        self.namespaces.each_role(|role| match role {
            Role::Transit(Some(index)) | Role::Decapsulate(index) => place(index),
            Role::Transit(None) => {}
        });
    }
}

/// What is left of a profile that former tables had.
fn gone(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        filter: Filter::default(),
        action: Action::Transit,
    }
}

fn names(profiles: &[Profile]) -> Vec<&str> {
    profiles
        .iter()
        .map(|profile| profile.name.as_str())
        .collect()
}

/// For each of `new`, the place of its like in `old`, or one behind all others.
fn places<K: Eq + Hash>(new: &[K], old: &[K]) -> Vec<usize> {
    let mut known: HashMap<&K, VecDeque<usize>> = HashMap::new();
    for (place, key) in old.iter().enumerate() {
        known.entry(key).or_default().push_back(place);
    }
    let mut free = old.len()..;
    let place = |key| known.get_mut(key).and_then(VecDeque::pop_front);
    new.iter()
        .map(place)
        .map(|place| place.or_else(|| free.next()).unwrap_or(usize::MAX))
        .collect()
}

/// How many places there are then.
fn total(places: &[usize], old: usize) -> usize {
    places.iter().map(|place| place + 1).fold(old, usize::max)
}

#[cfg(test)]
mod tests;
