// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs the node of a configuration until it has sent its probes.

use std::io::{self, IsTerminal, Write, stderr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use ioam_config::Lines;
use ioam_dp::port::PortId;
use ioam_dp::stats::Notice;
use ioam_dp::table::Tables;
use ioam_dp::table::spec::{NodeSpec, ProbeSpec};

use super::args::COUNT;
use super::line::Line;
use super::summary::{NotSent, Sent, Summary};
use super::tally::{Ended as EndedHere, Tally};
use super::{ProbeArguments, print};
use crate::export::{Output, way};
use crate::interrupt::Interrupt;
use crate::report::Report;
use crate::runtime::{Ended, Node, Setup, Source, load, plan::Plan};
use crate::say;

/// How often the node is looked at.
const TICK: Duration = Duration::from_millis(10);
/// How long copies and probes may still come after the last one was sent.
const GRACE: Duration = Duration::from_secs(1);
/// How much longer than planned sending may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a probe was not sent.
const NOT_SENT: [Notice; 10] = [
    Notice::ProbeNoProfile,
    Notice::EncapRateLimited,
    Notice::OriginateNoRoom,
    Notice::EncapOverMtu,
    Notice::EncapNoHeadroom,
    Notice::EncapHeaderFull,
    Notice::EncapNoRoute,
    Notice::EncapToEdge,
    Notice::EncapLinkLocal,
    Notice::FlowTableFull,
];

/// Sends the probes of the configuration and prints what became of them.
pub(super) fn send(config: &Path, arguments: &ProbeArguments) -> Result<ExitCode> {
    let loaded = load(config, false)?;
    let valid = &loaded.valid;
    let mut probes = valid.node_spec(&[]).probes;
    let name = config.display();
    ensure!(
        valid.simulate().is_none(),
        "{name}: `simulate:` stops the clock that probes are sent by; remove it"
    );
    choose(&mut probes, arguments).map_err(|error| error.context(name.to_string()))?;
    let plan = Plan::new(valid, &format!("ioam-probe-{}", std::process::id()));
    let interrupt = Interrupt::watch()?;
    // Standard output is for the outcome.
    let lines = valid
        .lines()
        .filter(|lines| **lines != Lines::StandardOutput);
    let (records, lines) = Records::new(way::open(lines)?);
    let adjust = |spec: &mut NodeSpec| spec.probes.clone_from(&probes);
    let setup = Setup {
        loaded: &loaded,
        source: Source::new(config)?,
        plan: &plan,
        adjust: &adjust,
    };
    let mut node = Node::start(setup, Output::new("the table of probes", Box::new(records)))?;
    let mut watch = Watch::new(&probes, lines);
    let ended = watch.until_the_end(&mut node, &interrupt);
    let tables = node.tables();
    let finished = node.finish(ended);
    // The last records come when the workers end.
    watch.take_lines();
    let mut summary = Summary::from(&watch.tally);
    summary.sent = Some(sent(&probes, &tables, &finished.report));
    summary.not_sent = not_sent(&finished.report);
    print(&summary, arguments.json)?;
    Ok(finished.exit_code())
}

/// Keeps the probes that are asked for, and makes them as the arguments say.
fn choose(probes: &mut Vec<ProbeSpec>, arguments: &ProbeArguments) -> Result<()> {
    if probes.is_empty() {
        bail!("there is no `probes:` section, so nothing to send; add one");
    }
    if let Some(name) = &arguments.name {
        let names: Vec<_> = probes.iter().map(|probe| probe.name.clone()).collect();
        probes.retain(|probe| probe.name == *name);
        ensure!(
            !probes.is_empty(),
            "no probe is named `{name}`; the probes are {}",
            names.join(", ")
        );
    }
    for probe in probes {
        probe.count = arguments.count.or(probe.count).or(Some(COUNT));
        if let Some(interval) = arguments.interval {
            probe.interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        }
        probe.length = arguments.size.unwrap_or(probe.length);
    }
    Ok(())
}

/// Takes the node's lines: to where the configuration wants them, and to the tally.
struct Records {
    output: Output,
    lines: Sender<String>,
}

impl Records {
    fn new(output: Output) -> (Self, Receiver<String>) {
        let (lines, receiver) = channel();
        (Self { output, lines }, receiver)
    }
}

impl Write for Records {
    /// Whole lines, as an [`Output`] writes them.
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(octets).lines() {
            self.output.line(line);
            // Nobody reads any more when the node is being dropped after an error.
            let _ = self.lines.send(line.to_owned());
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush();
        Ok(())
    }
}

/// What comes while probes are sent.
struct Watch {
    tally: Tally,
    lines: Receiver<String>,
    /// All probes together.
    wanted: u64,
    /// When they are sent at the latest.
    planned: Duration,
    is_terminal: bool,
}

impl Watch {
    fn new(probes: &[ProbeSpec], lines: Receiver<String>) -> Self {
        let counts = probes.iter().filter_map(|probe| probe.count);
        let longest = probes.iter().map(|probe| {
            let intervals = probe.count.unwrap_or(COUNT).saturating_sub(1);
            Duration::from_nanos(probe.interval.saturating_mul(intervals))
        });
        Self {
            tally: Tally::default(),
            lines,
            wanted: counts.sum(),
            planned: longest.max().unwrap_or_default(),
            is_terminal: stderr().is_terminal(),
        }
    }

    fn until_the_end(&mut self, node: &mut Node, interrupt: &Interrupt) -> Ended {
        let start = Instant::now();
        let (mut all_sent, mut second) = (None, start);
        loop {
            std::thread::sleep(TICK);
            self.take_lines();
            if interrupt.has_come() {
                return Ended::Signal;
            }
            if node.a_worker_ended() {
                return Ended::Worker;
            }
            let is_over = node.notices(Notice::ActiveSent) >= self.wanted
                || start.elapsed() >= self.planned.saturating_add(PATIENCE);
            let since = *all_sent.get_or_insert_with(Instant::now);
            if !is_over {
                all_sent = None;
            } else if since.elapsed() >= GRACE {
                return Ended::Duration;
            }
            if second.elapsed() >= GRACE {
                node.each_second();
                second = Instant::now();
            }
        }
    }

    /// Tallies what has come; on a terminal each new path is shown at once.
    fn take_lines(&mut self) {
        for text in self.lines.try_iter() {
            let Ok(line) = serde_json::from_str::<Line>(&text) else {
                continue;
            };
            if let Some(ended) = self.tally.enter(&line)
                && self.is_terminal
            {
                say::err(path_text(ended));
            }
        }
    }
}

/// The newest path as one line.
fn path_text(ended: &EndedHere) -> String {
    let nodes = ended.paths.last().map(|path| path.nodes.join(" -> "));
    let (from, to) = (ended.addresses.source, ended.addresses.destination);
    format!("{from} -> {to}: {}", nodes.unwrap_or_default())
}

/// What was sent of each probe: known when all were, or when a profile is one probe's alone.
fn sent(probes: &[ProbeSpec], tables: &Tables, report: &Report) -> Vec<Sent> {
    let wanted: u64 = probes.iter().filter_map(|probe| probe.count).sum();
    let all = report.counters.get(Notice::ActiveSent.name());
    let profiles: Vec<_> = probes.iter().map(|probe| profile(probe, tables)).collect();
    let done = |place: usize| {
        let profile = profiles.get(place).copied().flatten()?;
        let users = profiles.iter().filter(|other| **other == Some(profile));
        let done = report.profiles.get(profile)?.done;
        (users.count() == 1).then_some(done)
    };
    let each = probes.iter().enumerate().map(|(place, probe)| Sent {
        probe: probe.name.clone(),
        source: probe.source,
        destination: probe.destination,
        probes: match profiles.get(place) {
            Some(None) => Some(0),
            _ if all == wanted => probe.count,
            _ => done(place),
        },
    });
    each.collect()
}

/// The profile that wants a probe, found as the node finds it.
fn profile(probe: &ProbeSpec, tables: &Tables) -> Option<usize> {
    const L3: usize = 14;
    let length = usize::from(probe.length).max(48);
    let mut frame = vec![0; L3 + length];
    let payload = u16::try_from(length - 40).unwrap_or(u16::MAX);
    let header: Vec<u8> = [0x60, 0, 0, 0]
        .into_iter()
        .chain(payload.to_be_bytes())
        .chain([17, 64])
        .chain(probe.source.octets())
        .chain(probe.destination.octets())
        .chain(probe.source_port.to_be_bytes())
        .chain(probe.destination_port.to_be_bytes())
        .collect();
    frame
        .get_mut(L3..L3 + header.len())?
        .copy_from_slice(&header);
    let wants = |index: &&u16| {
        let profile = tables.profiles.get(usize::from(**index));
        profile.is_some_and(|profile| profile.filter.matches(&frame, L3))
    };
    let index = tables.encapsulating(PortId::LOCAL).iter().find(wants)?;
    Some(usize::from(*index))
}

fn not_sent(report: &Report) -> Vec<NotSent> {
    let reasons = NOT_SENT.into_iter().map(|notice| NotSent {
        reason: notice.name(),
        count: report.counters.get(notice.name()),
        description: notice.description(),
    });
    reasons.filter(|reason| reason.count > 0).collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use ioam_dp::table::spec::NextHopSpec;

    use super::*;

    fn probe(name: &str) -> ProbeSpec {
        ProbeSpec {
            name: name.to_owned(),
            source: Ipv6Addr::LOCALHOST,
            destination: Ipv6Addr::LOCALHOST,
            source_port: 1,
            destination_port: 2,
            length: 100,
            interval: 1_000_000,
            count: None,
            next_hop: NextHopSpec {
                port: 0,
                mac: [2; 6],
            },
        }
    }

    fn arguments() -> ProbeArguments {
        ProbeArguments {
            config: None,
            report: None,
            count: None,
            interval: None,
            size: None,
            name: None,
            json: false,
        }
    }

    #[test]
    fn probes_are_chosen_by_name_and_changed_by_arguments() {
        let mut probes = vec![probe("a"), probe("b")];
        choose(&mut probes, &arguments()).unwrap();
        assert_eq!(probes.len(), 2);
        assert_eq!(probes[0].count, Some(10));
        let wanted = ProbeArguments {
            name: Some("b".to_owned()),
            count: Some(3),
            interval: Some(Duration::from_millis(5)),
            size: Some(200),
            ..arguments()
        };
        choose(&mut probes, &wanted).unwrap();
        let [only] = &probes[..] else { panic!() };
        assert_eq!((only.name.as_str(), only.count), ("b", Some(3)));
        assert_eq!((only.interval, only.length), (5_000_000, 200));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let mut none = Vec::new();
        let error = choose(&mut none, &arguments()).unwrap_err().to_string();
        assert!(error.contains("`probes:`"), "{error}");
        let wanted = ProbeArguments {
            name: Some("c".to_owned()),
            ..arguments()
        };
        let error = choose(&mut vec![probe("a"), probe("b")], &wanted).unwrap_err();
        assert!(error.to_string().contains("the probes are a, b"), "{error}");
    }
}
