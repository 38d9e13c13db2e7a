// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What this process may do, and the kernel's modules it needs for that.

use std::os::unix::fs::MetadataExt;

use super::{Examination, Finding};
use crate::dpdk::Device;
use crate::host::Host;

/// Numbers of linux/capability.h.
const CAP_DAC_OVERRIDE: u32 = 1;
const CAP_NET_ADMIN: u32 = 12;
const CAP_NET_RAW: u32 = 13;
const CAP_IPC_LOCK: u32 = 14;

const PRIVILEGES: &str = "privileges";

/// Who this process is.
struct Process {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    effective: u64,
}

impl Process {
    fn read(host: &Host<'_>) -> Option<Self> {
        let text = host.read("/proc/self/status")?;
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let numbers = |name: &str| -> Vec<u32> {
            let words = line(name).unwrap_or_default().split_whitespace();
            words.filter_map(|word| word.parse().ok()).collect()
        };
        Some(Self {
            uid: *numbers("Uid:").get(1)?,
            gid: *numbers("Gid:").get(1)?,
            groups: numbers("Groups:"),
            effective: u64::from_str_radix(line("CapEff:")?.trim(), 16).ok()?,
        })
    }

    fn may(&self, capability: u32) -> bool {
        self.effective >> capability & 1 == 1
    }

    /// Whether it may write there, by mode and owner.
    fn writes(&self, host: &Host<'_>, path: &str) -> bool {
        let Ok(file) = host.path(path).metadata() else {
            return false;
        };
        let bit = if file.uid() == self.uid {
            0o200
        } else if file.gid() == self.gid || self.groups.contains(&file.gid()) {
            0o020
        } else {
            0o002
        };
        self.may(CAP_DAC_OVERRIDE) || file.mode() & bit != 0
    }
}

pub(super) fn examine(examination: &Examination<'_>) -> Vec<Finding> {
    let mut findings = Vec::from_iter(module(examination));
    let Some(process) = Process::read(examination.host) else {
        findings.push(Finding::info(PRIVILEGES, "/proc/self/status says nothing"));
        return findings;
    };
    findings.push(capabilities(examination, &process));
    findings.extend(groups(examination, &process));
    findings.extend(hugetlbfs(examination, &process));
    findings.extend(memlock(examination, &process));
    findings
}

fn module(examination: &Examination<'_>) -> Option<Finding> {
    const CHECK: &str = "module";
    if examination.host.exists("/sys/bus/pci/drivers/vfio-pci") {
        return Some(Finding::ok(CHECK, "vfio-pci is loaded"));
    }
    let kept = |card: &crate::host::PciDevice| card.is_for_dpdk();
    if examination.cards.is_empty() || examination.cards.iter().all(kept) {
        return None;
    }
    let found = "the driver vfio-pci is not loaded";
    let finding = if examination.has_card() {
        Finding::error(CHECK, found)
    } else {
        Finding::info(CHECK, found)
    };
    Some(
        finding
            .why("DPDK reaches a card through it")
            .mend("modprobe vfio-pci && echo vfio-pci > /etc/modules-load.d/vfio-pci.conf"),
    )
}

fn capabilities(examination: &Examination<'_>, process: &Process) -> Finding {
    let has = |driver: &[&str]| {
        let mut ports = examination.ports().iter();
        ports.any(|port| driver.contains(&Device::new(&port.device).driver()))
    };
    let wanted = [
        (
            CAP_NET_ADMIN,
            "CAP_NET_ADMIN",
            has(&["net_tap", "net_tun", "net_af_xdp"]),
        ),
        (
            CAP_NET_RAW,
            "CAP_NET_RAW",
            has(&["net_af_packet", "net_af_xdp", "net_pcap"]),
        ),
    ];
    let missing: Vec<_> = wanted.iter().filter(|cap| !process.may(cap.0)).collect();
    let names: Vec<&str> = missing.iter().map(|cap| cap.1).collect();
    let found = format!("user {} without {}", process.uid, names.join(" and "));
    let finding = if missing.is_empty() {
        let found = format!("user {} with CAP_NET_ADMIN and CAP_NET_RAW", process.uid);
        return Finding::ok(PRIVILEGES, found);
    } else if missing.iter().any(|cap| cap.2) {
        Finding::error(PRIVILEGES, found)
    } else {
        Finding::info(PRIVILEGES, found)
    };
    finding
        .why("ports on interfaces of the kernel cannot be opened; `ioam bind` needs root as well")
        .mend("sudo ioam doctor")
}

/// The device files of cards that vfio-pci has.
fn groups(examination: &Examination<'_>, process: &Process) -> Vec<Finding> {
    const CHECK: &str = "vfio-access";
    let vfio = |card: &&crate::host::PciDevice| card.driver.as_deref() == Some("vfio-pci");
    let mut findings = Vec::new();
    for card in examination.cards.iter().filter(vfio) {
        let Some(group) = &card.group else { continue };
        let path = format!("/dev/vfio/{group}");
        let address = &card.address;
        findings.push(if process.writes(examination.host, &path) {
            Finding::ok(CHECK, format!("{address}: {path} can be opened"))
        } else {
            let (uid, gid) = (process.uid, process.gid);
            let found = format!("{address}: user {uid} cannot write to {path}");
            Finding::error(CHECK, found)
                .why("DPDK opens a card through the file of its IOMMU group")
                .mend(format!("chown {uid}:{gid} {path}"))
        });
    }
    findings
}

fn hugetlbfs(examination: &Examination<'_>, process: &Process) -> Option<Finding> {
    const CHECK: &str = "hugetlbfs";
    let wanted = examination.node?.runtime().huge_dir.as_deref()?;
    let mounts = examination.host.read("/proc/mounts").unwrap_or_default();
    let place = wanted.trim_end_matches('/');
    let is_mounted = mounts.lines().any(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        words.get(1) == Some(&place) && words.get(2) == Some(&"hugetlbfs")
    });
    Some(if !is_mounted {
        Finding::error(CHECK, format!("no hugetlbfs is mounted at {place}"))
            .why("`huge-dir` names the place where DPDK makes its hugepages")
            .mend(format!(
                "mkdir -p {place} && mount -t hugetlbfs none {place}"
            ))
    } else if process.writes(examination.host, place) {
        Finding::ok(CHECK, format!("{place} can be written to"))
    } else {
        let uid = process.uid;
        Finding::error(CHECK, format!("user {uid} cannot write to {place}"))
            .why("DPDK makes a file there for each hugepage")
            .mend(format!("chown {uid} {place}"))
    })
}

/// The limit of locked memory: vfio counts all packet memory towards it.
fn memlock(examination: &Examination<'_>, process: &Process) -> Option<Finding> {
    const CHECK: &str = "memlock";
    if process.may(CAP_IPC_LOCK) {
        return Some(Finding::ok(CHECK, "no limit, by CAP_IPC_LOCK"));
    }
    let limits = examination.host.read("/proc/self/limits")?;
    let line = limits
        .lines()
        .find(|l| l.starts_with("Max locked memory"))?;
    let soft = line.split_whitespace().nth(3)?;
    if soft == "unlimited" {
        return Some(Finding::ok(CHECK, "no limit"));
    }
    let mib = soft.parse::<u64>().ok()? >> 20;
    let needed = u64::from(examination.node?.runtime().memory_mib);
    if !examination.has_card() || mib >= needed {
        return Some(Finding::ok(CHECK, format!("{mib} MiB may be locked")));
    }
    Some(
        Finding::error(
            CHECK,
            format!("{mib} MiB may be locked, {needed} MiB are needed"),
        )
        .why("vfio locks all memory the card may write to, and refuses more than the limit")
        .mend("ulimit -l unlimited # or LimitMEMLOCK=infinity in a systemd unit"),
    )
}
