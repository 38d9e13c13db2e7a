// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A report as tables, without what is zero.

use std::fmt;

use super::{Columns, ProfileReport, Report, SequenceReport};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show_ports(f)?;
        self.show_profiles(f)?;
        self.show_sequences(f)?;
        self.show_namespaces(f)?;
        self.show_counters(f, true, "not forwarded")?;
        self.show_counters(f, false, "not processed")?;
        self.show_workers(f)?;
        self.show_records(f)?;
        self.show_collectors(f)?;
        match self.mbufs_leaked {
            None => Ok(()),
            Some(0) => writeln!(f, "\nevery packet buffer is back in its pool"),
            Some(leaked) => writeln!(f, "\n{leaked} PACKET BUFFERS DID NOT COME BACK"),
        }
    }
}

impl Report {
    fn show_ports(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Columns::new(["port", "received", "octets", "sent", "device losses"]);
        for port in &self.ports {
            let losses = port
                .device
                .map_or("-".to_owned(), |losses| losses.total().to_string());
            let counts = [port.received, port.received_octets, port.sent].map(|n| n.to_string());
            let [received, octets, sent] = counts;
            table.row([port.name.clone(), received, octets, sent, losses]);
        }
        write!(f, "{table}")
    }

    fn show_profiles(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Columns::new([
            "profile", "action", "selected", "sampled", "done", "records",
        ]);
        table.left(2);
        for profile in &self.profiles {
            let sampled = match profile.action {
                "encapsulate" => profile.sampled.to_string(),
                _ => "-".to_owned(),
            };
            table.row([
                profile.name.clone(),
                profile.action.to_owned(),
                profile.selected.to_string(),
                sampled,
                profile.done.to_string(),
                profile.records.to_string(),
            ]);
        }
        table.write_below(f)
    }

    fn show_sequences(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Columns::new([
            "sequences of",
            "received",
            "lost",
            "reordered",
            "duplicates",
            "late",
            "restarts",
        ]);
        let some = |profile: &&ProfileReport| profile.sequences != SequenceReport::default();
        for profile in self.profiles.iter().filter(some) {
            let all = profile.sequences;
            let counts = [
                all.received,
                all.lost,
                all.reordered,
                all.duplicates,
                all.late,
                all.restarts,
            ];
            let [a, b, c, d, e, g] = counts.map(|count| count.to_string());
            table.row([profile.name.clone(), a, b, c, d, e, g]);
        }
        table.write_below(f)
    }

    fn show_namespaces(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Columns::new([
            "namespace",
            "filled",
            "overflowed",
            "encapsulated",
            "decapsulated",
            "exported",
            "proved",
            "proofs valid",
        ]);
        for namespace in &self.namespaces {
            let counts = [
                namespace.filled,
                namespace.overflowed,
                namespace.encapsulated,
                namespace.decapsulated,
                namespace.exported,
                namespace.proved,
                namespace.proofs_valid,
            ];
            if counts.iter().any(|count| *count > 0) {
                let [a, b, c, d, e, f, g] = counts.map(|count| count.to_string());
                table.row([namespace.id.to_string(), a, b, c, d, e, f, g]);
            }
        }
        table.write_below(f)
    }

    fn show_counters(&self, f: &mut fmt::Formatter<'_>, drops: bool, title: &str) -> fmt::Result {
        let mut table = Columns::new([title, "packets", ""]);
        table.left(1);
        let counters = self.counters.all().iter();
        for counter in counters.filter(|counter| counter.is_drop == drops && counter.count > 0) {
            table.row([
                counter.name.to_owned(),
                counter.count.to_string(),
                counter.description.to_owned(),
            ]);
        }
        table.write_below(f)
    }

    fn show_workers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Columns::new(["worker", "polls", "bursts", "packets", "ticks per packet"]);
        for (number, worker) in self.workers.iter().enumerate() {
            let ticks = worker.busy_ticks.checked_div(worker.packets);
            let ticks = ticks.filter(|ticks| *ticks > 0);
            table.row([
                number.to_string(),
                worker.polls.to_string(),
                worker.bursts.to_string(),
                worker.packets.to_string(),
                ticks.map_or("-".to_owned(), |ticks| ticks.to_string()),
            ]);
        }
        table.write_below(f)
    }

    fn show_collectors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Columns::new([
            "collector",
            "transport",
            "produced",
            "sent",
            "dropped",
            "messages",
            "octets",
            "failures",
        ]);
        table.left(2);
        for collector in &self.collectors {
            let counts = [
                collector.produced,
                collector.sent,
                collector.dropped,
                collector.messages,
                collector.octets,
                collector.failures,
            ];
            let [produced, sent, dropped, messages, octets, failures] =
                counts.map(|count| count.to_string());
            let (name, transport) = (collector.name.clone(), collector.transport.to_owned());
            table.row([
                name, transport, produced, sent, dropped, messages, octets, failures,
            ]);
        }
        table.write_below(f)
    }

    fn show_records(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(records) = self.records else {
            return Ok(());
        };
        let counts = [
            (records.written, "written"),
            (records.lost, "LOST because they could not be written"),
            (
                records.discarded,
                "discarded, since no output was asked for",
            ),
        ];
        // With collectors and no file, nothing was discarded.
        let discarded = !self.collectors.is_empty() && records.written + records.lost == 0;
        let some: Vec<_> = counts
            .iter()
            .filter(|(count, _)| *count > 0 && !discarded)
            .collect();
        if some.is_empty() {
            return Ok(());
        }
        let texts: Vec<_> = some
            .iter()
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        writeln!(f, "\nrecords: {}", texts.join(", "))
    }
}
