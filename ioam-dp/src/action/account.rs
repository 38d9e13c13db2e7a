// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Accounting for sequence numbers that arrive: loss, reordering, duplicates and one-way delay, by
//! packet group (RFC 9197, 4.6; RFC 9326, 3.2).

use super::Context;
use super::export::Subject;
use crate::accounting::{GroupAccount, SequenceFigures, SequenceNumber, one_way_delay};
use crate::flow_state::{Entry, FlowKey, FlowTable};
use crate::record::{Flow, RecordSink, SequenceReport};
use crate::stats::{Notice, TableCounts, WorkerStats};
use crate::table::spec::{AccountingSpec, FlowsSpec, GroupSpec};
use crate::table::{Action, Tables};
use crate::timestamp::{Timestamp, WallTime};
use crate::wire::ioam::{NamespaceId, OptionType};

/// Buckets of the table looked through after each burst for groups that have gone silent.
const SWEPT: usize = 4;

/// A sequence number that arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// Index of the namespace.
    pub namespace: u8,
    /// Edge-to-edge or direct export.
    pub option_type: OptionType,
    /// The Flow ID, where there is one.
    pub flow_id: Option<u32>,
    /// The number, where there is one.
    pub sequence: Option<SequenceNumber>,
    /// When the packet entered the domain, where that is said.
    pub sent: Option<Timestamp>,
}

/// One packet group.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    of: Option<Identity>,
    account: GroupAccount,
    seen: WallTime,
    reported: u64,
}

/// What a report names its group by.
#[derive(Clone, Copy, Debug)]
struct Identity {
    profile: u16,
    namespace: NamespaceId,
    option_type: OptionType,
    source: [u8; 16],
    flow_id: Option<u32>,
    flow: Option<Flow>,
}

/// The groups a worker accounts for.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(super) seed: [u64; 2],
    flows: FlowsSpec,
    table: Option<FlowTable<Group>>,
}

impl Groups {
    pub(super) fn adopt(&mut self, tables: &Tables) {
        if self.flows != tables.flows {
            self.table = None;
            self.flows = tables.flows;
        }
        let mut profiles = tables.profiles.iter();
        if profiles.any(|profile| matches!(profile.action, Action::Decapsulate(_))) {
            let (groups, idle) = (tables.flows.groups as usize, tables.flows.idle_seconds);
            self.table
                .get_or_insert_with(|| FlowTable::new(groups, idle));
        }
    }

    /// Reports on a few groups that have gone silent, and forgets them.
    pub(crate) fn sweep<S: RecordSink>(
        &mut self,
        now: WallTime,
        stats: &WorkerStats,
        sink: &mut S,
    ) {
        if let Some(table) = &mut self.table {
            table.sweep(SWEPT, seconds(now), |_, group| end(group, stats, sink));
        }
    }

    /// Shows how many groups there are.
    pub(super) fn show_flows(&self, counts: &TableCounts) {
        if let Some(table) = &self.table {
            counts.show(table);
        }
    }

    /// Reports on every group and forgets them all.
    pub(crate) fn finish<S: RecordSink>(&mut self, stats: &WorkerStats, sink: &mut S) {
        if let Some(table) = &mut self.table {
            table.drain(|_, group| end(group, stats, sink));
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "ages are taken modulo 2^32"
)]
fn seconds(time: WallTime) -> u32 {
    time.seconds as u32
}

/// A group's last report: what is still missing counts as lost.
fn end<S: RecordSink>(mut group: Group, stats: &WorkerStats, sink: &mut S) {
    let before = group.account.window.snapshot();
    group.account.finish();
    count(&before, &group.account.window.snapshot(), group.of, stats);
    report(&group, true, stats, sink);
}

fn report<S: RecordSink>(group: &Group, last: bool, stats: &WorkerStats, sink: &mut S) {
    let Some(of) = group.of else {
        return;
    };
    let report = SequenceReport {
        received: group.seen,
        profile: of.profile,
        namespace: of.namespace,
        option_type: of.option_type,
        outer_source: of.source,
        flow_id: of.flow_id,
        flow: of.flow,
        last,
        figures: group.account.snapshot(),
    };
    if !sink.report(report) {
        stats.notice(Notice::RecordLost);
    }
}

/// Adds to the profile's counters by how much a group's figures have changed.
fn count(old: &SequenceFigures, new: &SequenceFigures, of: Option<Identity>, stats: &WorkerStats) {
    let counts = of.and_then(|of| stats.profiles.get(usize::from(of.profile)));
    let Some(counts) = counts else {
        return;
    };
    let sequences = &counts.sequences;
    sequences
        .received
        .add(new.received.wrapping_sub(old.received));
    sequences.lost.add(new.lost.wrapping_sub(old.lost));
    sequences
        .reordered
        .add(new.reordered.wrapping_sub(old.reordered));
    sequences
        .duplicates
        .add(new.duplicates.wrapping_sub(old.duplicates));
    sequences.late.add(new.late.wrapping_sub(old.late));
    sequences
        .restarts
        .add(new.restarts.wrapping_sub(old.restarts));
}

/// Accounts for one number, and reports on its group when it is time.
pub(super) fn account<S: RecordSink>(
    arrival: Arrival,
    subject: &Subject,
    profile: u16,
    how: AccountingSpec,
    context: &mut Context<'_, S>,
) {
    let (tables, stats) = (context.tables, context.stats);
    let Some(namespace) = tables.namespaces.get(arrival.namespace) else {
        return;
    };
    let now = context.moment.received.unwrap_or_default();
    let groups = &mut context.state.groups;
    let key = key(groups.seed, &arrival, subject, profile, how.group);
    let entry = groups
        .table
        .as_mut()
        .map(|table| table.entry(key, seconds(now)));
    let group = match entry {
        Some(Entry::Found(group)) => group,
        Some(entry @ (Entry::New { .. } | Entry::Reused { .. })) => {
            let (value, ended) = match entry {
                Entry::New { value, ended } => (value, ended),
                Entry::Reused { value, ended } => (value, Some(ended)),
                Entry::Found(_) | Entry::Full => return,
            };
            if let Some(ended) = ended {
                end(ended, stats, context.sink);
            }
            value.of = Some(Identity {
                profile,
                namespace: namespace.id,
                option_type: arrival.option_type,
                source: subject.source,
                flow_id: arrival.flow_id,
                flow: (how.group == GroupSpec::Flow).then_some(subject.flow),
            });
            value.reported = now.seconds;
            value
        }
        Some(Entry::Full) | None => {
            stats.notice(Notice::GroupTableFull);
            return;
        }
    };
    let before = group.account.window.snapshot();
    let received = context.moment.received;
    let delay = arrival
        .sent
        .zip(received)
        .and_then(|(sent, received)| one_way_delay(received, sent, namespace.timestamp));
    group.account.observe(received, arrival.sequence, delay);
    group.seen = now;
    count(&before, &group.account.window.snapshot(), group.of, stats);
    if now.seconds.saturating_sub(group.reported) >= u64::from(how.report_seconds) {
        group.reported = now.seconds;
        report(group, false, stats, context.sink);
    }
}

/// The profile is part of it: an encapsulating node has a sequence for each of its own, and sends
/// them to different ends, which are profiles here.
fn key(
    seed: [u64; 2],
    arrival: &Arrival,
    subject: &Subject,
    profile: u16,
    group: GroupSpec,
) -> FlowKey {
    let [a, b] = halves(subject.source);
    let kind = u64::from(arrival.option_type == OptionType::DirectExport);
    let place = u64::from(profile) << 9 | u64::from(arrival.namespace) << 1 | kind;
    // Spread, so that neighbouring addresses do not make up for neighbouring namespaces.
    let place = place.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let salt = a.rotate_left(7) ^ b ^ place;
    match group {
        GroupSpec::Flow => FlowKey::symmetric(seed, &subject.flow, salt),
        GroupSpec::Profile => {
            let id = arrival.flow_id.map_or(0, |id| 1 << 32 | u64::from(id));
            FlowKey::from_words(seed, [a, b], id.rotate_left(31) ^ place)
        }
    }
}

fn halves(address: [u8; 16]) -> [u64; 2] {
    let value = u128::from_be_bytes(address);
    let low = u64::try_from(value & u128::from(u64::MAX)).unwrap_or(0);
    [u64::try_from(value >> 64).unwrap_or(0), low]
}
