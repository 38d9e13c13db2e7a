// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Devices that move between drivers, on a machine in a folder with a kernel that moves links.

use std::io;

use super::*;
use crate::host::fake::Machine;

const XL710: (&str, &str) = ("0x8086", "0x1583");
const EAST: &str = "0000:3b:00.0";
const WEST: &str = "0000:3b:00.1";
const GROUP: &str = "/sys/kernel/iommu_groups";

/// Does what the kernel does with these writes, and keeps them.
struct Kernel<'a> {
    machine: &'a Machine,
    written: Vec<String>,
    /// The driver that takes no device.
    stubborn: Option<&'static str>,
}

impl<'a> Kernel<'a> {
    fn new(machine: &'a Machine) -> Self {
        Self {
            machine,
            written: Vec::new(),
            stubborn: None,
        }
    }
}

impl Sysfs for Kernel<'_> {
    fn write(&mut self, path: &str, text: &str) -> io::Result<()> {
        self.written.push(format!("{} > {path}", text.trim()));
        if path.ends_with("/unbind") {
            let folder = format!("{DEVICES}/{text}");
            self.machine.remove(&format!("{folder}/driver"));
            self.machine.remove(&format!("{folder}/net"));
        } else if path == PROBE {
            let over = self
                .machine
                .host()
                .read(&format!("{DEVICES}/{text}/driver_override"));
            let wanted = over.filter(|name| !name.is_empty() && name != "(null)");
            let driver = wanted.unwrap_or_else(|| "i40e".to_owned());
            if self.stubborn != Some(driver.as_str()) {
                let link = format!("{DEVICES}/{text}/driver");
                self.machine
                    .link(&link, &format!("../../../bus/pci/drivers/{driver}"));
            }
        } else {
            self.machine.file(path, text);
        }
        Ok(())
    }
}

fn server() -> Machine {
    let machine = Machine::new();
    machine.card(EAST, XL710, "i40e", "enp59s0f0");
    machine.card(WEST, XL710, "i40e", "enp59s0f1");
    machine.folder("/sys/bus/pci/drivers/vfio-pci");
    machine
        .file("/proc/self/environ", "HOME=/\0")
        .file("/proc/self/status", "PPid:\t0\n");
    machine
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn driver_of(machine: &Machine, address: &str) -> Option<String> {
    PciDevice::read(&machine.host(), address).unwrap().driver
}

/// Binds with a kernel that does its part.
fn bound(machine: &Machine, devices: &[&str]) -> Result<Vec<String>> {
    let host = machine.host();
    let mut kernel = Kernel::new(machine);
    let state = machine.root.join("state/bindings.json");
    let mut binder = Binder::new(&host, &mut kernel, &state)?;
    binder.bind(&names(devices), "vfio-pci")
}

fn unbound(machine: &Machine, devices: &[&str], driver: Option<&str>) -> Result<Vec<String>> {
    let host = machine.host();
    let mut kernel = Kernel::new(machine);
    let state = machine.root.join("state/bindings.json");
    Binder::new(&host, &mut kernel, &state)?.unbind(&names(devices), driver)
}

fn refusal(machine: &Machine, devices: &[&str]) -> String {
    let error = bound(machine, devices).unwrap_err();
    format!("{error:#}")
}

#[test]
fn a_card_goes_to_dpdk_and_comes_back_to_the_driver_it_had() {
    let machine = server();
    machine.answer(
        "ethtool -i enp59s0f0",
        "driver: i40e\nfirmware-version: 9.01 0x8000cfeb\n",
    );
    let said = bound(&machine, &["3b:00.0", "enp59s0f1"]).unwrap();
    assert_eq!(said[0], "0000:3b:00.0: vfio-pci, before: i40e");
    assert_eq!(driver_of(&machine, EAST).as_deref(), Some("vfio-pci"));
    assert_eq!(driver_of(&machine, WEST).as_deref(), Some("vfio-pci"));

    let bindings = Bindings::load(&machine.root.join("state/bindings.json")).unwrap();
    let east = bindings.get(EAST).unwrap();
    assert_eq!(east.driver.as_deref(), Some("i40e"));
    assert_eq!(east.interfaces, ["enp59s0f0"]);
    assert_eq!(east.firmware.as_deref(), Some("9.01 0x8000cfeb"));

    let said = bound(&machine, &[EAST]).unwrap();
    assert!(said[0].contains("already"), "{said:?}");

    unbound(&machine, &[EAST, WEST], None).unwrap();
    assert_eq!(driver_of(&machine, EAST).as_deref(), Some("i40e"));
    let over = format!("{DEVICES}/{EAST}/driver_override");
    assert_eq!(machine.host().read(&over).as_deref(), Some(""));
    let bindings = Bindings::load(&machine.root.join("state/bindings.json")).unwrap();
    assert_eq!(bindings, Bindings::default());
}

#[test]
fn a_dry_run_touches_nothing() {
    let machine = server();
    let host = machine.host();
    let state = machine.root.join("state/bindings.json");
    let mut dry = DryRun;
    let mut binder = Binder::new(&host, &mut dry, &state).unwrap();
    binder.bind(&names(&[EAST]), "vfio-pci").unwrap();
    assert_eq!(driver_of(&machine, EAST).as_deref(), Some("i40e"));
    assert!(!state.exists());
}

#[test]
fn the_writes_are_override_unbind_probe() {
    let machine = server();
    let host = machine.host();
    let mut kernel = Kernel::new(&machine);
    let state = machine.root.join("bindings.json");
    let mut binder = Binder::new(&host, &mut kernel, &state).unwrap();
    binder.bind(&names(&[EAST]), "vfio-pci").unwrap();
    assert_eq!(
        kernel.written,
        [
            format!("vfio-pci > {DEVICES}/{EAST}/driver_override"),
            format!("{EAST} > {DRIVERS}/i40e/unbind"),
            format!("{EAST} > {PROBE}"),
        ]
    );
}

#[test]
fn a_driver_that_refuses_leaves_the_card_where_it_was() {
    let machine = server();
    let host = machine.host();
    let mut kernel = Kernel::new(&machine);
    kernel.stubborn = Some("vfio-pci");
    let state = machine.root.join("bindings.json");
    let mut binder = Binder::new(&host, &mut kernel, &state).unwrap();
    let error = binder.bind(&names(&[EAST]), "vfio-pci").unwrap_err();
    assert!(error.to_string().contains("dmesg"), "{error}");
    assert_eq!(driver_of(&machine, EAST).as_deref(), Some("i40e"));
    assert_eq!(Bindings::load(&state).unwrap(), Bindings::default());
}

#[test]
fn the_default_route_is_not_cut_even_on_top_of_a_bond() {
    let machine = server();
    let header = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n";
    let route =
        |name: &str| format!("{header}{name}\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n");
    machine.file("/proc/net/route", &route("enp59s0f0"));
    let text = refusal(&machine, &[WEST, EAST]);
    assert!(
        text.contains("default route (interface enp59s0f0)"),
        "{text}"
    );
    assert_eq!(
        driver_of(&machine, WEST).as_deref(),
        Some("i40e"),
        "all or none"
    );

    machine.file("/proc/net/route", &route("bond0.7"));
    machine.link("/sys/class/net/enp59s0f0/upper_bond0", "../bond0");
    machine.link("/sys/class/net/bond0/upper_bond0.7", "../bond0.7");
    let text = refusal(&machine, &[EAST]);
    assert!(text.contains("interface bond0.7"), "{text}");

    let zeros = "0".repeat(32);
    let six = |name: &str| format!("{zeros} 00 {zeros} 00 {zeros} 0 0 0 0 {name}\n");
    machine.remove("/proc/net/route");
    machine.file("/proc/net/ipv6_route", &six("lo"));
    assert!(bound(&machine, &[EAST]).is_ok());
    machine.file("/proc/net/ipv6_route", &six("enp59s0f1"));
    assert!(refusal(&machine, &[WEST]).contains("default route"));
}

#[test]
fn the_ssh_session_is_not_cut_even_behind_sudo() {
    let machine = server();
    machine
        .file("/proc/self/status", "Name:\tioam\nPPid:\t41\n")
        .file("/proc/41/environ", "SUDO_USER=me\0")
        .file("/proc/41/status", "PPid:\t40\n")
        .file("/proc/40/environ", "A=b\0SSH_CONNECTION=192.0.2.9 5000 192.0.2.1 22\0")
        .answer(
            "ip -j addr show",
            r#"[{"ifname":"lo","addr_info":[]},{"ifname":"enp59s0f1","addr_info":[{"local":"192.0.2.1"}]}]"#,
        );
    let text = refusal(&machine, &[WEST]);
    assert!(text.contains("SSH session (interface enp59s0f1"), "{text}");
    assert!(bound(&machine, &[EAST]).is_ok());
    machine.answer("ip -j addr show", "[]");
    assert!(refusal(&machine, &[WEST]).contains("cannot be told"));
    machine.file(
        "/proc/40/environ",
        "SSH_CONNECTION=fe80::2%x 1 fe80::1%enp59s0f1 22\0",
    );
    assert!(refusal(&machine, &[WEST]).contains("SSH session"));
}

#[test]
fn what_cannot_work_is_said_before_anything_moves() {
    let machine = server();
    assert!(refusal(&machine, &["0000:ff:00.0"]).contains("no PCI device 0000:ff:00.0"));
    assert!(refusal(&machine, &["eth9"]).contains("neither a PCI address nor"));
    assert!(refusal(&machine, &["../x"]).contains("neither a PCI address nor"));
    machine.file(&format!("{DEVICES}/{EAST}/class"), "0x060400");
    assert!(refusal(&machine, &[EAST]).contains("bridge"));
    machine.file(&format!("{DEVICES}/{EAST}/class"), "0x020000");
    machine.remove(&format!("{DEVICES}/{EAST}/iommu_group"));
    assert!(refusal(&machine, &[EAST]).contains("no IOMMU group"));
    machine.group(EAST, "7");
    machine.remove("/sys/bus/pci/drivers/vfio-pci");
    assert!(refusal(&machine, &[EAST]).contains("`modprobe vfio-pci`"));
    machine.file(&format!("{DEVICES}/{EAST}/vendor"), "0x15b3");
    assert!(refusal(&machine, &[EAST]).contains("Mellanox"));
}

#[test]
fn siblings_that_keep_the_group_from_dpdk_are_named() {
    let machine = server();
    machine.group(EAST, "7");
    machine.group(WEST, "7");
    machine.folder(&format!("{GROUP}/7/devices"));
    let said = bound(&machine, &[EAST]).unwrap();
    assert!(said[1].contains(&format!("`ioam bind {WEST}`")), "{said:?}");
    let said = bound(&machine, &[WEST]).unwrap();
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn a_card_in_use_or_never_bound_stays() {
    let machine = server();
    let error = unbound(&machine, &[EAST], None).unwrap_err().to_string();
    assert!(
        error.contains("was not given away") && error.contains("--driver"),
        "{error}"
    );
    bound(&machine, &[EAST]).unwrap();
    machine.link("/proc/77/fd/12", &format!("/dev/vfio/{EAST}"));
    machine.file("/proc/77/comm", "ioam\n");
    let error = unbound(&machine, &[EAST], None).unwrap_err().to_string();
    assert!(error.contains("in use by ioam (process 77)"), "{error}");
    machine.remove("/proc/77");
    machine.folder("/sys/bus/pci/drivers/ice");
    unbound(&machine, &[EAST], Some("ice")).unwrap();
    assert_eq!(driver_of(&machine, EAST).as_deref(), Some("ice"));
}

#[test]
fn a_file_that_is_not_ours_is_not_overwritten() {
    let machine = server();
    machine.file("/state/bindings.json", "hello");
    assert!(refusal(&machine, &[EAST]).contains("move it away"));
    assert_eq!(driver_of(&machine, EAST).as_deref(), Some("i40e"));
}
