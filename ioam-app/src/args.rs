// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Makes this server an IOAM node: it encapsulates, transits and decapsulates In Situ OAM
/// (RFC 9197) in IPv6 traffic, at the speed of DPDK.
#[derive(Debug, Parser)]
#[command(name = "ioam", version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("IOAM_PROVENANCE"), ")"))]
#[command(after_help = "Without a NIC, hugepages or root: ioam demo")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the node until SIGINT or SIGTERM
    Run(RunArguments),
    /// Check configuration files and say what is wrong with them
    Check {
        /// Configuration files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print one JSON object per file
        #[arg(long)]
        json: bool,
    },
    /// Send pcap files through the node's pipeline, without DPDK or root
    Replay(crate::replay::ReplayArgs),
    /// Say what the node does with each packet of a capture, and why not something else
    Explain(crate::explain::ExplainArguments),
    /// Collect records of several nodes, and tell paths, delays, losses and changes of paths
    Analyse(crate::analyse::AnalyseArguments),
    /// Send probes with IOAM along their way, or read what became of them: like ping and traceroute
    Probe(crate::probe::ProbeArguments),
    /// Deal fresh keys for proofs of transit
    PotKeys(crate::pot_keys::PotKeysArguments),
    /// Show a whole IOAM domain at work in this process, without a NIC, hugepages or root
    Demo(crate::demo::DemoArguments),
    /// Look at this machine: what keeps a node from running, or from running well
    Doctor(crate::doctor::DoctorArguments),
    /// Give network cards to DPDK, and remember whose they were
    Bind(crate::bind::BindArguments),
    /// Give network cards back to the drivers they had
    Unbind(crate::bind::UnbindArguments),
    /// Write a configuration that makes this node what the Linux kernel's IOAM is here
    ImportLinux(crate::import_linux::ImportLinuxArguments),
    /// Show a running node's figures, with rates
    Show(crate::show::ShowArguments),
    /// Watch a running node on the terminal: rates, losses, delays, paths
    Top(crate::top::TopArguments),
    /// Have a running node read its configuration again, without losing a packet
    Reload(crate::reload::ReloadArguments),
    /// Show what a running node does with packets, as they come, and why not something else
    Trace(crate::trace::TraceArguments),
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Write the manual pages into a folder
    Man {
        /// The folder, which has to exist
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Print the completion of a shell: bash, zsh, fish, elvish or powershell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How to run the node.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// The configuration file
    #[arg(long, short, value_name = "FILE")]
    pub config: PathBuf,
    /// Print what would be started, and the arguments DPDK would get, and stop there
    #[arg(long)]
    pub dry_run: bool,
    /// Print the plan and the final statistics as JSON
    #[arg(long)]
    pub json: bool,
    /// Stop after this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<f64>,
    /// Stop when no packet has come for this many milliseconds; for runs over pcap files
    #[arg(long, value_name = "MS")]
    pub until_idle: Option<u64>,
}
