// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The arguments of `ioam analyse`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

/// What to read, and what to make of it.
#[derive(Clone, Debug, Default, Args)]
pub struct AnalyseArguments {
    /// Files of IPFIX messages or of lines of JSON, from any number of nodes; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "listen")]
    pub files: Vec<PathBuf>,
    /// Collect IPFIX that nodes send, until Ctrl-C or --seconds: udp:ADDRESS:PORT or
    /// tcp:ADDRESS:PORT; may be given several times
    #[arg(long, value_name = "TRANSPORT:ADDRESS:PORT")]
    pub listen: Vec<Listen>,
    /// Stop listening after so many seconds
    #[arg(long, value_name = "SECONDS", requires = "listen", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// Write a report with pictures, one file that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Names of nodes: a YAML file with lines such as `0x0a0001: paris`
    #[arg(long, value_name = "FILE")]
    pub nodes: Option<PathBuf>,
    /// Show so many flows, those with most packets first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// Take IOAM's elements from this enterprise number alone [default: any]
    #[arg(long, value_name = "NUMBER")]
    pub pen: Option<u32>,
    /// Format of timestamps in IPFIX records that do not say theirs: those of options as they were
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub timestamp_format: Format,
    /// Seconds that TAI is ahead of UTC, for timestamps in PTP's format
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 37,
        allow_negative_numbers = true
    )]
    pub tai_offset: i32,
    /// End with 1 when packets were lost or hops are missing
    #[arg(long)]
    pub strict: bool,
}

/// A format of timestamps (RFC 9197, 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Seconds and microseconds since 1970 UTC.
    #[default]
    Posix,
    /// Seconds and nanoseconds since 1970 TAI.
    Ptp,
    /// Seconds since 1900 UTC, and 2^-32 seconds.
    Ntp,
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Datagrams, each a message.
    Udp(SocketAddr),
    /// Connections of messages.
    Tcp(SocketAddr),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let help = "write udp:ADDRESS:PORT or tcp:ADDRESS:PORT, such as udp:[::]:4739 or tcp:192.0.2.1:4739";
        let (transport, address) = text.split_once(':').ok_or(help)?;
        let address = address.parse().map_err(|_| help)?;
        match transport {
            "udp" => Ok(Self::Udp(address)),
            "tcp" => Ok(Self::Tcp(address)),
            _ => Err(help.to_owned()),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(f, "udp:{address}"),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::try_from_secs_f64);
    match seconds {
        Some(Ok(time)) if !time.is_zero() => Ok(time),
        _ => Err("write seconds, more than 0, such as 60 or 0.5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        analyse: AnalyseArguments,
    }

    fn parse(line: &str) -> Result<AnalyseArguments, String> {
        let words = std::iter::once("analyse").chain(line.split_whitespace());
        let parsed = Line::try_parse_from(words);
        let parsed = parsed.map(|line| line.analyse);
        parsed.map_err(|error| error.to_string())
    }

    #[test]
    fn something_to_read_is_wanted() {
        let all = parse("a - --listen udp:[::1]:4739 --listen tcp:127.0.0.1:1 --seconds 0.5");
        let all = all.unwrap();
        assert_eq!((all.files.len(), all.listen.len()), (2, 2));
        assert_eq!(all.seconds, Some(Duration::from_millis(500)));
        assert_eq!(all.listen[0].to_string(), "udp:[::1]:4739");
        assert!(parse("").is_err());
        assert!(parse("a --seconds 3").is_err());
    }

    #[test]
    fn a_bad_value_is_told_what_to_write() {
        for listen in [
            "4739",
            "udp:4739",
            "sctp:[::]:4739",
            "udp:localhost:1",
            "tcp:::1",
        ] {
            let message = parse(&format!("--listen {listen}")).unwrap_err();
            assert!(message.contains("such as udp:[::]:4739"), "{message}");
        }
        for seconds in ["0", "-1", "nan", "soon"] {
            let message = parse(&format!("--listen udp:[::]:1 --seconds={seconds}")).unwrap_err();
            assert!(message.contains("such as 60"), "{message}");
        }
    }
}
