// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The arguments of `ioam replay`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use ioam_config::scalar::FromText;
use ioam_config::text::{Clock, Number};
use ioam_dp::timestamp::WallTime;

/// What to replay, and with which measurements.
#[derive(Clone, Debug, Default, Args)]
pub struct ReplayArgs {
    /// The node's configuration
    #[arg(long, short, value_name = "FILE")]
    pub config: PathBuf,
    /// A port and a capture (pcap or pcapng) of what it receives; once for each such port
    #[arg(long = "in", value_name = "PORT=FILE", required = true)]
    pub inputs: Vec<PortFile>,
    /// A port and the pcap file to write what it sends to; without one it is only counted
    #[arg(long = "out", value_name = "PORT=FILE")]
    pub outputs: Vec<PortFile>,
    /// Every packet's time of receipt, in UTC seconds since 1970, instead of its time of capture
    #[arg(long, value_name = "SECONDS.NANOSECONDS", value_parser = clock)]
    pub clock: Option<WallTime>,
    /// Every packet's transit delay in nanoseconds
    #[arg(long, value_name = "NS", value_parser = number)]
    pub transit_delay: Option<u32>,
    /// The depth of every output queue, in packets
    #[arg(long, value_name = "N", value_parser = number)]
    pub queue_depth: Option<u32>,
    /// Octets of packet memory in use
    #[arg(long, value_name = "N", value_parser = number)]
    pub buffer_occupancy: Option<u32>,
    /// A file for records and sequence reports, one JSON object a line; `-` is standard
    /// output, and moves the summary to standard error
    #[arg(long, value_name = "FILE")]
    pub records: Option<PathBuf>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
}

impl ReplayArgs {
    /// Whether standard output is taken by the records.
    #[must_use]
    pub fn records_to_stdout(&self) -> bool {
        self.records
            .as_ref()
            .is_some_and(|path| path.as_os_str() == "-")
    }
}

/// A port's name and a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortFile {
    /// The port's name in the configuration.
    pub port: String,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for PortFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((port, path)) if !port.is_empty() && !path.is_empty() => Ok(Self {
                port: port.to_owned(),
                path: path.into(),
            }),
            _ => Err("write the port's name, `=` and the file, as in east=east.pcap".to_owned()),
        }
    }
}

impl fmt::Display for PortFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.port, self.path.display())
    }
}

fn clock(text: &str) -> Result<WallTime, String> {
    let clock = Clock::from_text(text);
    clock
        .map(|clock| clock.0)
        .map_err(|complaint| complaint.help)
}

fn number(text: &str) -> Result<u32, String> {
    let number = Number::<u32, 0, 0xffff_ffff>::from_text(text);
    number
        .map(|number| number.0)
        .map_err(|complaint| complaint.help)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        replay: ReplayArgs,
    }

    fn parse(line: &str) -> Result<ReplayArgs, String> {
        let words = std::iter::once("replay").chain(line.split_whitespace());
        let parsed = Line::try_parse_from(words);
        parsed
            .map(|line| line.replay)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_flag_arrives() {
        let arguments = parse(
            "--config n.yaml --in east=a.pcap --in west=b=c.pcap --out west=w.pcap --clock 12.5 \
             --transit-delay 4321 --queue-depth 0x10 --buffer-occupancy 32768 --records - --json",
        )
        .unwrap();
        assert_eq!(arguments.inputs[1].port, "west");
        assert_eq!(arguments.inputs[1].path.to_str(), Some("b=c.pcap"));
        assert_eq!(arguments.outputs.len(), 1);
        let clock = WallTime {
            seconds: 12,
            nanoseconds: 500_000_000,
        };
        assert_eq!(arguments.clock, Some(clock));
        assert_eq!(arguments.transit_delay, Some(4321));
        assert_eq!(arguments.queue_depth, Some(16));
        assert_eq!(arguments.buffer_occupancy, Some(32_768));
        assert!(arguments.records_to_stdout() && arguments.json);
    }

    #[test]
    fn a_bad_value_is_told_what_to_write() {
        let line = |more: &str| format!("--config n.yaml {more}");
        assert!(parse(&line("")).unwrap_err().contains("--in <PORT=FILE>"));
        let message = parse(&line("--in east.pcap")).unwrap_err();
        assert!(message.contains("east=east.pcap"), "{message}");
        let message = parse(&line("--in e=f --clock noon")).unwrap_err();
        assert!(message.contains("1723560226.123456789"), "{message}");
        let message = parse(&line("--in e=f --queue-depth=-1")).unwrap_err();
        assert!(message.contains("--queue-depth"), "{message}");
    }
}
