// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam run` in a namespace, on ports of `net_af_packet`, started and stopped as an operator would.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::netns::{End, Namespace};
use super::program::lines;
use super::{Folder, run, wait_for};

/// DPDK starts in a second; on a machine that compiles beside it in some more.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running node.
pub(crate) struct Node {
    child: Child,
    said: Arc<Mutex<String>>,
    folder: Folder,
}

/// What a node left when it was stopped.
pub(crate) struct Stopped {
    pub(crate) stats: Value,
    pub(crate) records: Vec<Value>,
    /// What it said on standard error.
    pub(crate) said: String,
}

/// The device of a port: the kernel's interface at `end`, with frames up to 4 KiB.
pub(crate) fn device(number: usize, end: &End<'_>) -> String {
    let sizes = "framesz=4096,blocksz=65536,framecnt=1024";
    format!("net_af_packet{number},iface={},{sizes}", end.name)
}

impl Node {
    /// Starts a node and waits until its workers poll; panics when it ends instead. `RECORDS` in
    /// `config` becomes the path of a file for its records.
    pub(crate) fn start(at: &Namespace, config: &str) -> Self {
        Self::try_start(at, config).unwrap_or_else(|said| panic!("{said}\n{config}"))
    }

    /// As [`start`](Self::start); what the node said when it refused.
    pub(crate) fn try_start(at: &Namespace, config: &str) -> Result<Self, String> {
        let folder = Folder::new();
        let records = folder.file("records.ndjson").display().to_string();
        let file = folder.write("node.yaml", &config.replace("RECORDS", &records));
        let mut command = at.command(env!("CARGO_BIN_EXE_ioam"));
        command.args(["run", "--json", "--config"]).arg(&file);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (stderr, heard) = (child.stderr.take().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                heard.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let mut node = Self {
            child,
            said,
            folder,
        };
        let polls = wait_for(PATIENCE, || match node.child.try_wait().unwrap() {
            Some(status) => Some(Err(status)),
            None => (node.said().contains("workers polling") || node.polls()).then_some(Ok(())),
        });
        match polls {
            Some(Ok(())) => Ok(node),
            Some(Err(status)) => {
                std::thread::sleep(Duration::from_millis(50));
                Err(format!("{status}: {}", node.said()))
            }
            None => panic!("no worker polls: {}", node.said()),
        }
    }

    /// Whether a worker lcore has been busy.
    fn polls(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let mut threads = threads.into_iter().flatten().flatten();
        threads.any(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            let busy = stat
                .split_whitespace()
                .nth(13)
                .is_some_and(|ticks| ticks != "0");
            (stat.contains("(rte-worker") || stat.contains("(lcore-worker")) && busy
        })
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn terminate(&self) {
        run(&["sh", "-c", &format!("kill -TERM {}", self.child.id())]);
    }

    /// Stops it as `systemctl stop` would, and checks that it ended well: exit code 0, every packet
    /// buffer back in its pool.
    pub(crate) fn stop(mut self) -> Stopped {
        self.terminate();
        let stdout = self.child.stdout.take().unwrap();
        let out = std::io::read_to_string(stdout).unwrap();
        let status = self.child.wait().unwrap();
        let said = self.said();
        assert!(status.success(), "{status}: {said}");
        let stats: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"));
        assert_eq!(stats["mbufs_leaked"], 0, "{said}");
        Stopped {
            stats,
            records: lines(&self.records_path()),
            said,
        }
    }

    /// The records written so far.
    pub(crate) fn records_path(&self) -> std::path::PathBuf {
        self.folder.file("records.ndjson")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Only a test that failed left it running: what the node counted helps to see why.
        if std::thread::panicking() && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.terminate();
            let stdout = self.child.stdout.take();
            let out = stdout.map(std::io::read_to_string).and_then(Result::ok);
            println!(
                "the node counted: {}\nand said: {}",
                out.unwrap_or_default(),
                self.said()
            );
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stopped {
    /// A count of the statistics by its name.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        let count = self.stats["counters"][name].as_u64();
        count.unwrap_or_else(|| panic!("no counter {name} in {}", self.stats))
    }

    /// A count of one port.
    pub(crate) fn port(&self, name: &str, count: &str) -> u64 {
        let ports = self.stats["ports"].as_array().unwrap();
        let port = ports.iter().find(|port| port["name"] == name).unwrap();
        port[count].as_u64().unwrap()
    }

    /// Fails when a packet was not forwarded, or lost by a device. What kernels say to their link,
    /// a router between them rightly keeps there: `link_local` may count.
    pub(crate) fn lost_nothing(&self) {
        for reason in [
            "malformed",
            "edge_ingress",
            "edge_egress",
            "hop_limit_exceeded",
            "over_mtu",
            "encap_over_mtu_drop",
            "no_route",
            "no_peer",
            "not_ipv6",
            "decap_no_inner",
            "tx_full",
        ] {
            assert_eq!(self.counter(reason), 0, "{reason}: {}", self.stats);
        }
        for port in self.stats["ports"].as_array().unwrap() {
            for loss in ["rx_missed", "rx_errors", "rx_no_buffer", "tx_errors"] {
                assert_eq!(port[loss], 0, "{port}");
            }
        }
    }
}
