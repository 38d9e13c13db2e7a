// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The arguments of `ioam probe`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Probes sent when neither the arguments nor the configuration says how many.
pub(super) const COUNT: u64 = 10;

/// What to send, or what to read.
#[derive(Clone, Debug, Args)]
pub struct ProbeArguments {
    /// The configuration of the node that sends its `probes:`
    #[arg(long, short, value_name = "FILE", required_unless_present = "report")]
    pub config: Option<PathBuf>,
    /// Send nothing: read the records that the decapsulating node wrote; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "count", "interval", "size", "name"])]
    pub report: Option<PathBuf>,
    /// Probes to each destination [default: as configured, else 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Seconds between two probes, such as 1 or 0.01 [default: as configured]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub interval: Option<Duration>,
    /// Octets of each probe, from its IPv6 header on and before any option [default: as configured]
    #[arg(long, value_name = "OCTETS", value_parser = clap::value_parser!(u16).range(64..=9000))]
    pub size: Option<u16>,
    /// The one probe to send, by its name in the configuration [default: all]
    #[arg(long, value_name = "PROBE")]
    pub name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::try_from_secs_f64);
    match seconds {
        Some(Ok(interval)) if interval >= Duration::from_micros(1) => Ok(interval),
        _ => Err("write seconds, 0.000001 or more, such as 1 or 0.01".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        probe: ProbeArguments,
    }

    fn parse(line: &str) -> Result<ProbeArguments, String> {
        let words = std::iter::once("probe").chain(line.split_whitespace());
        let parsed = Line::try_parse_from(words);
        parsed
            .map(|line| line.probe)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn either_a_configuration_or_records_are_wanted() {
        let sends = parse("--config n.yaml --count 3 --interval 0.5 --size 100 --name a --json");
        let sends = sends.unwrap();
        assert_eq!(sends.interval, Some(Duration::from_millis(500)));
        assert_eq!((sends.count, sends.size), (Some(3), Some(100)));
        assert!(parse("--report -").unwrap().report.is_some());
        assert!(parse("").unwrap_err().contains("--config <FILE>"));
        assert!(parse("--config a --report b").is_err());
        assert!(parse("--report b --count 3").is_err());
    }

    #[test]
    fn a_bad_value_is_told_what_to_write() {
        for interval in ["0", "-1", "soon", "1e-9", "nan"] {
            let message = parse(&format!("--config n --interval={interval}")).unwrap_err();
            assert!(message.contains("such as 1 or 0.01"), "{message}");
        }
        assert!(parse("--config n --size 63").is_err());
        assert!(parse("--config n --count 0").is_err());
    }
}
