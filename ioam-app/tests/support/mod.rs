// SPDX-License-Identifier: Apache-2.0 OR MIT
//! DPDK started without hugepages, devices or privileges, for the tests of the wrapper.

#![allow(dead_code, reason = "not every test file wants everything")]

use ioam_app::dpdk::{Eal, Mempool};

/// Starts DPDK with two lcores on one CPU; `name` keeps processes apart that run together.
pub(crate) fn start(name: &str) -> Eal {
    Eal::init(&arguments(name)).unwrap()
}

/// The arguments of [`start`].
pub(crate) fn arguments(name: &str) -> Vec<String> {
    let cpu = first_cpu();
    let prefix = format!("ioam-{name}-{}", std::process::id());
    let lcores = format!("0@{cpu},1@{cpu}");
    let words = [
        "--no-huge",
        "-m",
        "64",
        "--no-pci",
        "--no-shconf",
        "--no-telemetry",
    ];
    let mut arguments: Vec<String> = words.map(str::to_owned).to_vec();
    arguments.extend([
        "--lcores".to_owned(),
        lcores,
        "--file-prefix".to_owned(),
        prefix,
    ]);
    arguments
}

/// A pool of `buffers` buffers for frames of 2048 octets with the default headroom.
pub(crate) fn pool(eal: &Eal, name: &str, buffers: u32) -> Mempool {
    Mempool::new(eal, name, buffers, 384, 2048, -1).unwrap()
}

/// The lowest CPU this process may run on.
fn first_cpu() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .unwrap();
    list.trim()
        .split([',', '-'])
        .next()
        .unwrap()
        .parse()
        .unwrap()
}
