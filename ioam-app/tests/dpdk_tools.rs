// SPDX-License-Identifier: Apache-2.0 OR MIT
//! DPDK's own tools against a running node: `dpdk-telemetry.py` and `dpdk-dumpcap`, as Debian has them.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod rig;
mod running;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rig::wire::Wire;
use rig::{Need, skip, turn};
use running::{Folder, Node, PATIENCE, says};

#[test]
fn telemetry_answers_without_hugepages() {
    let Some(_turn) = turn(&[Need::Tool("dpdk-telemetry.py")]) else {
        return;
    };
    let folder = Folder::new("telemetry");
    let (socket, prefix) = (
        folder.path("node.sock"),
        format!("ioam-tel{}", std::process::id()),
    );
    let text = format!(
        "runtime: {{memory: no-huge, buffers: 4096, file-prefix: {prefix}}}
ports: [{{name: east, device: net_null0}}, {{name: west, device: net_null1}}]
forwarding: {{pairs: [[east, west]]}}
control: {{socket: {}}}
",
        socket.display()
    );
    let node = Node::start(&folder.write("node.yaml", &text), &socket);
    let mut tool = Command::new("dpdk-telemetry.py");
    let tool = tool
        .args(["-f", &prefix])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut tool = tool.spawn().unwrap();
    let mut stdin = tool.stdin.take().unwrap();
    writeln!(stdin, "/ethdev/stats,0").unwrap();
    drop(stdin);
    let (said, _) = says(&tool.wait_with_output().unwrap());
    assert!(said.contains("\"ipackets\": "), "{said}");
    node.stop();
}

/// Hugepages and a place to see them in; both go with it.
struct Hugepages {
    before: u64,
    mounted: PathBuf,
}

const RESERVED: &str = "/proc/sys/vm/nr_hugepages";
/// Pages of 2 MiB.
const PAGES: u64 = 96;

impl Hugepages {
    fn reserve(at: PathBuf) -> Option<Self> {
        let reserved = || {
            std::fs::read_to_string(RESERVED)
                .ok()?
                .trim()
                .parse::<u64>()
                .ok()
        };
        let before = reserved()?;
        std::fs::write(RESERVED, (before + PAGES).to_string()).ok()?;
        std::fs::create_dir_all(&at).ok()?;
        let mut mount = Command::new("mount");
        let mount = mount
            .args(["-t", "hugetlbfs", "-o", "pagesize=2M", "nodev"])
            .arg(&at);
        let is_mounted = mount.status().is_ok_and(|status| status.success());
        let pages = Self {
            before,
            mounted: at,
        };
        (is_mounted && reserved()? >= before + PAGES).then_some(pages)
    }
}

impl Drop for Hugepages {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.mounted).status();
        let _ = std::fs::write(RESERVED, self.before.to_string());
    }
}

/// Octets in a file so far.
fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

#[test]
fn dumpcap_sees_what_arrives_at_a_node_whose_memory_it_can_share() {
    let Some(mut wire) = Wire::new("itc", &[Need::Tool("dpdk-dumpcap")]) else {
        return;
    };
    let folder = Folder::new("dumpcap");
    let Some(pages) = Hugepages::reserve(folder.path("huge")) else {
        return skip("this machine gives no hugepages");
    };
    let (socket, prefix) = (
        folder.path("node.sock"),
        format!("ioam-cap{}", std::process::id()),
    );
    let text = format!(
        "runtime: {{memory: hugepages, huge-dir: {}, file-prefix: {prefix}, memory-mib: 160, buffers: 4096}}
ports:
  - {{name: east, device: \"{}\", mtu: 2000}}
  - {{name: west, device: \"{}\", mtu: 2000}}
forwarding: {{pairs: [[east, west]]}}
control: {{socket: {}}}
",
        pages.mounted.display(),
        Wire::device(0, &wire.east),
        Wire::device(1, &wire.west),
        socket.display()
    );
    let node = Node::start(&folder.write("node.yaml", &text), &socket);
    let file = folder.path("dump.pcapng");
    let mut tool = Command::new("timeout");
    tool.args([
        "60",
        "dpdk-dumpcap",
        "-q",
        "-i",
        "net_af_packet0",
        "-c",
        "8",
        "-w",
    ]);
    tool.arg(&file).arg(format!("--file-prefix={prefix}"));
    let mut tool = tool
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while size(&file) == 0 {
        assert!(Instant::now() < deadline, "dumpcap does not begin");
        assert!(tool.try_wait().unwrap().is_none(), "dumpcap ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    // It begins the file before it listens.
    let frame = [&[2; 12][..], &[0x88, 0xB5], &[0xA5; 46]].concat();
    while tool.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "dumpcap sees nothing");
        wire.send(&[&frame; 4]);
        std::thread::sleep(Duration::from_millis(100));
    }
    let output = Command::new("tshark")
        .arg("-r")
        .arg(&file)
        .output()
        .unwrap();
    let (packets, error) = says(&output);
    assert!(
        packets.lines().count() >= 8 && packets.contains("0x88b5"),
        "{packets}{error}"
    );
    node.stop();
}
