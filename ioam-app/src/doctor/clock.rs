// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Who keeps the clock that timestamps are taken from, and how exactly.

use std::io::ErrorKind;

use super::{Examination, Finding};
use crate::host::Host;

const CHECK: &str = "clock";
/// Nanoseconds beyond which one-way delays of a network of one building mean nothing.
const MOST: f64 = 1e6;
const WHY: &str = "timestamps of several nodes are compared: an error of the clock is an error of \
                   every delay between them";

pub(super) fn examine(examination: &Examination<'_>) -> Vec<Finding> {
    let host = examination.host;
    let kept = [ptp(host), chrony(host)].into_iter().flatten();
    let findings: Vec<Finding> = kept.collect();
    if !findings.is_empty() {
        return findings;
    }
    vec![timesyncd(host).unwrap_or_else(|| {
        Finding::warn(
            CHECK,
            "neither chrony nor ptp4l nor systemd-timesyncd answers",
        )
        .why(WHY)
        .mend("apt-get install chrony # microseconds; linuxptp for less")
    })]
}

/// Nanoseconds, in a unit for reading.
fn readable(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.1} µs", n / 1e3),
        n if n < 1e9 => format!("{:.1} ms", n / 1e6),
        n => format!("{:.1} s", n / 1e9),
    }
}

fn verdict(keeper: &str, nanoseconds: f64, look: &str) -> Finding {
    let found = format!("kept by {keeper}, {} off", readable(nanoseconds));
    if nanoseconds <= MOST {
        return Finding::ok(CHECK, found);
    }
    Finding::warn(CHECK, found).why(WHY).mend(look)
}

/// `None` where chronyd does not run.
fn chrony(host: &Host<'_>) -> Option<Finding> {
    let text = host.run("chronyc", &["-n", "tracking"]).ok()?;
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim())
    };
    let leap = field("Leap status")?;
    if leap == "Not synchronised" {
        return Some(
            Finding::warn(CHECK, "chrony runs and is not synchronised")
                .why(WHY)
                .mend("chronyc -n sources # which servers answer?"),
        );
    }
    let seconds: f64 = field("System time")?.split(' ').next()?.parse().ok()?;
    Some(verdict("chrony", seconds.abs() * 1e9, "chronyc makestep"))
}

/// `None` where ptp4l does not run.
fn ptp(host: &Host<'_>) -> Option<Finding> {
    let ask = |what: &str| host.run("pmc", &["-u", "-b", "0", what]);
    let text = match ask("GET CURRENT_DATA_SET") {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        answer => answer.ok()?,
    };
    let field = |text: &str, name: &str| {
        let mut lines = text.lines().map(str::trim);
        let line = lines.find_map(|line| line.strip_prefix(name).map(str::to_owned));
        line.map(|value| value.trim().to_owned())
    };
    let offset: f64 = field(&text, "offsetFromMaster")?.parse().ok()?;
    let state = ask("GET PORT_DATA_SET")
        .ok()
        .and_then(|text| field(&text, "portState"));
    match state.as_deref() {
        Some("SLAVE") | None => {
            let look = "journalctl -u ptp4l # and: does phc2sys carry it to the system's clock?";
            Some(verdict("ptp4l", offset.abs(), look))
        }
        Some("MASTER" | "GRAND_MASTER") => {
            Some(Finding::ok(CHECK, "this machine is the PTP master"))
        }
        Some(state) => Some(
            Finding::warn(CHECK, format!("ptp4l runs, and its port is {state}"))
                .why(WHY)
                .mend("journalctl -u ptp4l"),
        ),
    }
}

fn timesyncd(host: &Host<'_>) -> Option<Finding> {
    let arguments = ["show", "--property=NTPSynchronized", "--value"];
    let text = host.run("timedatectl", &arguments).ok()?;
    (text.trim() == "yes").then(|| {
        Finding::info(CHECK, "kept by the system, by milliseconds")
            .why(WHY)
            .mend("apt-get install chrony # microseconds; linuxptp for less")
    })
}
