// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Machines in a folder, healthy and otherwise.

use ioam_config::{Loaded, Machine as Cpus};

use super::*;
use crate::bind::state::Binding;
use crate::host::fake::Machine;

const XL710: (&str, &str) = ("0x8086", "0x1583");
const EAST: &str = "0000:3b:00.0";
const WEST: &str = "0000:3b:00.1";
const CPUS: &str = "/sys/devices/system/cpu";
const PAGES: &str = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB";

const NODE: &str = "runtime: {main-cpu: 0, worker-cpus: [2, 3], memory-mib: 512}
ports:
  - {name: east, device: 0000:3b:00.0, ioam: true}
  - {name: west, device: 0000:3b:00.1, ioam: true, mtu: 1600}
forwarding: {pairs: [[east, west]]}
namespaces: [{id: 123}]
profiles:
  - name: trace
    filter: {in-port: east}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {use-namespace: 123, trace-type: [hop-lim-node-id]}
      max-length: 32
      tunnel: {source: 2001:db8::a, destination: 2001:db8::d}
";

fn load(text: &str) -> Loaded {
    let cpus = Cpus::other((0..8).collect());
    ioam_config::parse("node.yaml", text, &cpus).unwrap()
}

/// A server on which everything is as it should be.
fn healthy() -> Machine {
    let machine = Machine::new();
    for address in [EAST, WEST] {
        machine.card(address, XL710, "vfio-pci", "");
        let folder = format!("/sys/bus/pci/devices/{address}");
        machine
            .file(&format!("{folder}/current_link_speed"), "8.0 GT/s PCIe\n")
            .file(&format!("{folder}/max_link_speed"), "8.0 GT/s PCIe\n")
            .file(&format!("{folder}/current_link_width"), "8\n")
            .file(&format!("{folder}/max_link_width"), "8\n")
            .file(&format!("/dev/vfio/{address}"), "");
    }
    for cpu in 0..8 {
        machine.file(
            &format!("{CPUS}/cpu{cpu}/cpufreq/scaling_governor"),
            "performance\n",
        );
        let list = format!("{CPUS}/cpu{cpu}/topology/thread_siblings_list");
        machine.file(&list, &format!("{cpu}\n"));
    }
    machine
        .file(&format!("{CPUS}/online"), "0-7\n")
        .file(&format!("{CPUS}/isolated"), "2-3\n")
        .file(&format!("{CPUS}/nohz_full"), "2-3\n")
        .file("/sys/devices/system/node/node0/cpulist", "0-3\n")
        .file(&format!("{PAGES}/nr_hugepages"), "1024\n")
        .file(&format!("{PAGES}/free_hugepages"), "512\n")
        .file(
            "/proc/meminfo",
            "MemTotal: 9 kB\nMemAvailable:    8388608 kB\n",
        )
        .file(
            "/proc/cpuinfo",
            "flags\t\t: fpu tsc constant_tsc nonstop_tsc\n",
        )
        .file(
            "/sys/kernel/mm/transparent_hugepage/enabled",
            "always [madvise] never\n",
        )
        .file(
            "/proc/self/status",
            "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t0\nCapEff:\t000001ffffffffff\n",
        )
        .answer(
            "chronyc -n tracking",
            "Reference ID    : C0000201\nSystem time     : 0.000006523 seconds slow of NTP time\n\
             Leap status     : Normal\n",
        );
    machine
}

fn remembered() -> Bindings {
    let mut bindings = Bindings::default();
    for address in [EAST, WEST] {
        bindings.remember(
            address,
            Binding {
                driver: Some("i40e".to_owned()),
                firmware: Some("9.01 0x8000cfeb 1.3256.0".to_owned()),
                lldp_off: Some(true),
                ..Binding::default()
            },
        );
    }
    bindings
}

fn diagnosis(machine: &Machine) -> Diagnosis {
    examine(&machine.host(), Some(&load(NODE).valid), remembered())
}

/// The findings of one check, which there must be.
fn about<'a>(diagnosis: &'a Diagnosis, check: &str) -> Vec<&'a Finding> {
    let all = diagnosis.findings.iter();
    let found: Vec<&Finding> = all.filter(|finding| finding.check == check).collect();
    assert!(!found.is_empty(), "no {check} in {diagnosis}");
    found
}

/// The one finding of a check that is not ok: its severity, what was found and what mends it.
fn bad<'a>(diagnosis: &'a Diagnosis, check: &str) -> (Severity, &'a str, &'a str) {
    let found = about(diagnosis, check);
    let bad: Vec<_> = found
        .iter()
        .filter(|f| f.severity != Severity::Ok)
        .collect();
    let [finding] = bad.as_slice() else {
        panic!("{check}: {diagnosis}");
    };
    assert!(!finding.why.is_empty(), "{check}");
    (finding.severity, &finding.found, &finding.mend)
}

#[test]
fn a_healthy_machine_is_all_ok_but_for_the_mtu() {
    let machine = healthy();
    let diagnosis = diagnosis(&machine);
    let notes: Vec<_> = diagnosis
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Ok)
        .collect();
    assert!(notes.is_empty(), "{diagnosis}");
    assert!(diagnosis.findings.len() > 20, "{diagnosis}");
    let text = diagnosis.to_string();
    assert!(text.ends_with("0 errors, 0 warnings"), "{text}");
}

#[test]
fn too_few_hugepages_are_an_error_with_the_number_to_reserve() {
    let machine = healthy();
    machine.file(&format!("{PAGES}/free_hugepages"), "6\n");
    let diagnosis = diagnosis(&machine);
    let (severity, found, mend) = bad(&diagnosis, "hugepages");
    assert_eq!(severity, Severity::Error);
    assert!(
        found.starts_with("512 MiB are needed and 12 MiB are free"),
        "{found}"
    );
    assert_eq!(mend, format!("echo 1274 > {PAGES}/nr_hugepages"));
    assert_eq!(
        diagnosis.findings[0].check, "hugepages",
        "the worst comes first"
    );
}

#[test]
fn hugepages_of_the_other_node_are_a_warning() {
    let machine = healthy();
    let far = PAGES.replace("node0", "node1");
    machine
        .file(&format!("{PAGES}/free_hugepages"), "0\n")
        .file(&format!("{far}/nr_hugepages"), "1024\n")
        .file(&format!("{far}/free_hugepages"), "1024\n");
    let diagnosis = diagnosis(&machine);
    let (severity, _, mend) = bad(&diagnosis, "hugepages-numa");
    assert_eq!(severity, Severity::Warn);
    assert_eq!(mend, format!("echo 1280 > {PAGES}/nr_hugepages"));
}

#[test]
fn a_card_of_the_kernels_is_to_be_bound_and_its_siblings_with_it() {
    let machine = healthy();
    machine.card(EAST, XL710, "i40e", "enp59s0f0");
    machine.group(WEST, "7");
    machine.group(EAST, "7");
    machine.answer(
        "ethtool -i enp59s0f0",
        "firmware-version: 8.30 0x8000a4ae 1.2926.0\n",
    );
    machine.answer(
        "ethtool --show-priv-flags enp59s0f0",
        "Private flags for x:\ndisable-fw-lldp : off\n",
    );
    machine.file("/dev/vfio/7", "");
    let diagnosis = diagnosis(&machine);
    let (severity, found, mend) = bad(&diagnosis, "binding");
    assert_eq!(
        (severity, mend),
        (Severity::Error, "ioam bind 0000:3b:00.0")
    );
    assert!(found.contains("driver i40e as enp59s0f0"), "{found}");
    let (severity, found, mend) = bad(&diagnosis, "iommu-group");
    assert_eq!(
        (severity, mend),
        (Severity::Error, "ioam bind 0000:3b:00.0")
    );
    assert!(
        found.contains("0000:3b:00.1 shares group 7 with 0000:3b:00.0"),
        "{found}"
    );
    let (severity, found, _) = bad(&diagnosis, "nvm");
    assert_eq!(severity, Severity::Warn);
    assert!(found.contains("NVM 8.30"), "{found}");
}

#[test]
fn firmware_that_loses_packets_is_named_and_an_unknown_one_said_to_be_unknown() {
    let machine = healthy();
    machine.card(EAST, XL710, "i40e", "enp59s0f0");
    for (version, severity, words) in [
        ("6.00 0x1", Severity::Warn, "27 Mpps"),
        ("7.00 0x1", Severity::Warn, "queues"),
        ("9.40 0x1", Severity::Info, "newer"),
        ("N/A", Severity::Info, "22.11"),
    ] {
        machine.answer(
            "ethtool -i enp59s0f0",
            &format!("firmware-version: {version}\n"),
        );
        let diagnosis = diagnosis(&machine);
        assert_eq!(bad(&diagnosis, "nvm").0, severity, "{version}");
        let why = &about(&diagnosis, "nvm").first().unwrap().why.clone();
        assert!(why.contains(words), "{version}: {why}");
    }
    machine.fail("ethtool -i enp59s0f0", "no such device");
    machine.answer(
        "ethtool --show-priv-flags enp59s0f0",
        "disable-fw-lldp       : off\n",
    );
    let diagnosis = diagnosis(&machine);
    assert!(bad(&diagnosis, "nvm").1.contains("unknown"));
    let (severity, _, mend) = bad(&diagnosis, "firmware-lldp");
    assert_eq!(severity, Severity::Warn);
    assert_eq!(
        mend,
        "ethtool --set-priv-flags enp59s0f0 disable-fw-lldp on"
    );
}

#[test]
fn narrow_lanes_are_a_warning_and_too_narrow_ones_an_error() {
    let machine = healthy();
    let width = format!("/sys/bus/pci/devices/{EAST}/current_link_width");
    let speed = format!("/sys/bus/pci/devices/{EAST}/current_link_speed");
    machine.file(&width, "4\n");
    assert_eq!(bad(&diagnosis(&machine), "pcie").0, Severity::Error);
    machine.file(&width, "8\n").file(&speed, "5.0 GT/s PCIe\n");
    assert_eq!(bad(&diagnosis(&machine), "pcie").0, Severity::Error);
    machine.file(&speed, "8.0 GT/s PCIe\n").file(&width, "8\n");
    machine.file(
        &format!("/sys/bus/pci/devices/{EAST}/max_link_width"),
        "16\n",
    );
    assert_eq!(bad(&diagnosis(&machine), "pcie").0, Severity::Warn);
}

#[test]
fn cpus_far_away_shared_or_slow_are_warnings() {
    let machine = healthy();
    machine
        .file("/sys/devices/system/node/node0/cpulist", "0-2,4\n")
        .file(&format!("{CPUS}/isolated"), "\n")
        .file(&format!("{CPUS}/nohz_full"), "3\n")
        .file(
            &format!("{CPUS}/cpu3/cpufreq/scaling_governor"),
            "powersave\n",
        )
        .file(
            &format!("{CPUS}/cpu2/topology/thread_siblings_list"),
            "2-3\n",
        )
        .file(
            &format!("{CPUS}/cpu3/topology/thread_siblings_list"),
            "2-3\n",
        )
        .file("/proc/cpuinfo", "flags\t: tsc constant_tsc\n");
    let diagnosis = diagnosis(&machine);
    let checks = ["numa", "isolcpus", "nohz-full", "governor", "smt", "tsc"];
    let warned = checks.map(|check| bad(&diagnosis, check));
    assert!(warned.iter().all(|w| w.0 == Severity::Warn), "{diagnosis}");
    assert_eq!(warned[0].2, "worker-cpus: [1, 2] # in the file");
    assert!(
        warned[1].2.contains("isolcpus=2,3 nohz_full=2,3"),
        "{}",
        warned[1].2
    );
    assert!(warned[2].1.ends_with("CPUs: 2"), "{}", warned[2].1);
    assert!(
        warned[3]
            .2
            .ends_with("tee /sys/devices/system/cpu/cpu3/cpufreq/scaling_governor")
    );
    assert!(warned[5].1.contains("nonstop_tsc"));
}

#[test]
fn packets_that_would_lose_their_trace_are_told_in_octets() {
    let machine = healthy();
    let text = NODE.replace(", mtu: 1600", "");
    let diagnosis = examine(&machine.host(), Some(&load(&text).valid), remembered());
    let (severity, found, mend) = bad(&diagnosis, "mtu");
    assert_eq!(severity, Severity::Warn);
    assert!(
        found.contains("grow by 88 octets") && found.contains("above 1412"),
        "{found}"
    );
    assert!(mend.starts_with("mtu: 1588"), "{mend}");
    assert_eq!(diagnosis.errors, 0);
}

#[test]
fn an_interface_below_its_port_is_an_error() {
    let machine = healthy();
    machine.file("/sys/class/net/a1/mtu", "1500\n");
    let text = "runtime: {memory: no-huge, main-cpu: 0, worker-cpus: [2]}
ports:
  - {name: a, device: \"net_af_packet0,iface=a1\", mtu: 1900}
  - {name: b, device: net_null0}
forwarding: {pairs: [[a, b]]}
";
    let diagnosis = examine(
        &machine.host(),
        Some(&load(text).valid),
        Bindings::default(),
    );
    let (severity, _, mend) = bad(&diagnosis, "mtu");
    assert_eq!(
        (severity, mend),
        (Severity::Error, "ip link set a1 mtu 1900")
    );
    machine.file(
        "/proc/self/status",
        "Uid:\t7\t7\t7\t7\nGid:\t7\t7\t7\t7\nGroups:\t\nCapEff:\t0000000000000000\n",
    );
    let diagnosis = examine(
        &machine.host(),
        Some(&load(text).valid),
        Bindings::default(),
    );
    assert_eq!(bad(&diagnosis, "privileges").0, Severity::Error);
}

#[test]
fn what_an_ordinary_user_lacks_is_told() {
    let machine = healthy();
    machine
        .file(
            "/proc/self/status",
            "Uid:\t7\t7\t7\t7\nGid:\t7\t7\t7\t7\nGroups:\t\nCapEff:\t0000000000000000\n",
        )
        .file(
            "/proc/self/limits",
            "Max locked memory         8388608     8388608     bytes\n",
        )
        .file("/proc/mounts", "none /mnt/h hugetlbfs rw 0 0\n")
        .folder("/mnt/h");
    let text = NODE.replace("memory-mib: 512", "memory-mib: 512, huge-dir: /mnt/g");
    let diagnosis = examine(&machine.host(), Some(&load(&text).valid), remembered());
    assert_eq!(bad(&diagnosis, "privileges").0, Severity::Info);
    assert_eq!(bad(&diagnosis, "memlock").0, Severity::Error);
    let (severity, _, mend) = bad(&diagnosis, "hugetlbfs");
    assert_eq!(severity, Severity::Error);
    assert!(mend.contains("mount -t hugetlbfs none /mnt/g"), "{mend}");
    assert_eq!(about(&diagnosis, "vfio-access").len(), 2);
}

#[test]
fn without_an_iommu_the_words_for_the_kernel_are_told() {
    let machine = healthy();
    machine.remove("/sys/kernel/iommu_groups");
    machine.remove("/sys/bus/pci/drivers/vfio-pci");
    machine.card(EAST, XL710, "i40e", "enp59s0f0");
    machine.remove("/sys/kernel/iommu_groups");
    let diagnosis = diagnosis(&machine);
    let (severity, _, mend) = bad(&diagnosis, "iommu");
    assert_eq!(severity, Severity::Error);
    assert!(mend.contains("intel_iommu=on iommu=pt"), "{mend}");
    assert!(bad(&diagnosis, "module").2.starts_with("modprobe vfio-pci"));
}

#[test]
fn clocks_are_judged_by_their_offset() {
    let machine = healthy();
    let tracking =
        "System time     : 0.250000000 seconds fast of NTP time\nLeap status     : Normal\n";
    machine.answer("chronyc -n tracking", tracking);
    let found = diagnosis(&machine);
    assert_eq!(bad(&found, "clock").1, "kept by chrony, 250.0 ms off");
    machine.answer(
        "chronyc -n tracking",
        "Leap status     : Not synchronised\n",
    );
    assert_eq!(bad(&diagnosis(&machine), "clock").0, Severity::Warn);
    machine.fail("chronyc -n tracking", "506 Cannot talk to daemon");
    machine
        .answer(
            "pmc -u -b 0 GET CURRENT_DATA_SET",
            "sending: GET\n\t\tstepsRemoved     1\n\t\toffsetFromMaster -312.0\n",
        )
        .answer(
            "pmc -u -b 0 GET PORT_DATA_SET",
            "\t\tportState               SLAVE\n",
        );
    let found = diagnosis(&machine);
    assert_eq!(about(&found, "clock")[0].found, "kept by ptp4l, 312 ns off");
    machine.answer(
        "pmc -u -b 0 GET PORT_DATA_SET",
        "\t\tportState  LISTENING\n",
    );
    assert_eq!(bad(&diagnosis(&machine), "clock").0, Severity::Warn);
    machine.fail("pmc -u -b 0 GET CURRENT_DATA_SET", "no answer");
    machine.answer(
        "timedatectl show --property=NTPSynchronized --value",
        "yes\n",
    );
    assert_eq!(bad(&diagnosis(&machine), "clock").0, Severity::Info);
    machine.answer(
        "timedatectl show --property=NTPSynchronized --value",
        "no\n",
    );
    assert!(bad(&diagnosis(&machine), "clock").2.contains("chrony"));
}

#[test]
fn an_empty_machine_is_examined_without_a_panic() {
    let machine = Machine::new();
    let with = examine(
        &machine.host(),
        Some(&load(NODE).valid),
        Bindings::default(),
    );
    assert!(with.errors >= 3, "{with}");
    let without = examine(&machine.host(), None, Bindings::default());
    assert_eq!(without.errors, 0, "{without}");
}

#[test]
fn the_object_has_a_key_for_everything() {
    let value = serde_json::to_value(diagnosis(&healthy())).unwrap();
    let finding = &value["findings"][0];
    for key in ["check", "severity", "found", "why", "mend"] {
        assert!(finding[key].is_string(), "{key}");
    }
    assert_eq!(value["errors"], 0);
}

#[test]
fn every_check_is_documented() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let text = std::fs::read_to_string(page).unwrap();
    let machine = healthy();
    machine.card(WEST, XL710, "i40e", "enp59s0f1");
    let diagnosis = diagnosis(&machine);
    let extra = ["card", "hugepages-numa", "hugetlbfs"];
    let checks = diagnosis.findings.iter().map(|finding| finding.check);
    for check in checks.chain(extra) {
        let row = text
            .lines()
            .find(|line| line.starts_with("| `") && line.contains(&format!("`{check}`")));
        assert!(
            row.is_some(),
            "To mend: a row for `{check}` in docs/operations.md"
        );
    }
}

#[test]
fn workers_on_cpus_that_are_not_there_are_an_error() {
    let machine = healthy();
    assert_eq!(
        about(&diagnosis(&machine), "cpus")[0].severity,
        Severity::Ok
    );
    machine.file(&format!("{CPUS}/online"), "0-2\n");
    let diagnosis = diagnosis(&machine);
    let (severity, found, _) = bad(&diagnosis, "cpus");
    assert_eq!(severity, Severity::Error);
    assert_eq!(found, "this machine has 0,1,2, and no 3");
}
