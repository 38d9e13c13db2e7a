// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam bind` and `ioam unbind`: gives devices to DPDK and back, and remembers whose they were.

mod guard;
pub mod state;
mod sysfs;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::doctor::{firmware_lldp_is_off, firmware_of};
use crate::host::{Host, PciDevice, RealCommands, full_address};
use crate::say;
use state::{Binding, Bindings};
pub use sysfs::{DryRun, RealSysfs, Sysfs};

const DEVICES: &str = "/sys/bus/pci/devices";
const DRIVERS: &str = "/sys/bus/pci/drivers";
const PROBE: &str = "/sys/bus/pci/drivers_probe";
/// The driver that needs an IOMMU.
const VFIO: &str = "vfio-pci";
/// The vendor whose cards need no other driver.
const MELLANOX: u32 = 0x15b3;

/// What to give to DPDK.
#[derive(Clone, Debug, Args)]
pub struct BindArguments {
    /// PCI addresses, or names of interfaces
    #[arg(required = true, value_name = "DEVICE")]
    pub devices: Vec<String>,
    /// The driver they get
    #[arg(long, default_value = VFIO)]
    pub driver: String,
    /// Where the driver they had is remembered
    #[arg(long, value_name = "FILE", default_value = state::DEFAULT)]
    pub state: PathBuf,
    /// Print the writes to sysfs and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What to give back to the kernel.
#[derive(Clone, Debug, Args)]
pub struct UnbindArguments {
    /// PCI addresses
    #[arg(required = true, value_name = "DEVICE")]
    pub devices: Vec<String>,
    /// The driver they get, instead of the one they had
    #[arg(long)]
    pub driver: Option<String>,
    /// Where the driver they had is remembered
    #[arg(long, value_name = "FILE", default_value = state::DEFAULT)]
    pub state: PathBuf,
    /// Print the writes to sysfs and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Gives devices to DPDK.
///
/// # Errors
///
/// One sentence that says which device cannot go and why; no device has been touched unless the
/// kernel itself refused.
pub fn bind(arguments: &BindArguments) -> Result<ExitCode> {
    let host = Host::new("/", &RealCommands);
    let mut sysfs = sysfs(arguments.dry_run);
    let mut binder = Binder::new(&host, &mut *sysfs, &arguments.state)?;
    for line in binder.bind(&arguments.devices, &arguments.driver)? {
        say::err(line);
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives devices back to the drivers they had.
///
/// # Errors
///
/// One sentence that says which device cannot go and why.
pub fn unbind(arguments: &UnbindArguments) -> Result<ExitCode> {
    let host = Host::new("/", &RealCommands);
    let mut sysfs = sysfs(arguments.dry_run);
    let mut binder = Binder::new(&host, &mut *sysfs, &arguments.state)?;
    for line in binder.unbind(&arguments.devices, arguments.driver.as_deref())? {
        say::err(line);
    }
    Ok(ExitCode::SUCCESS)
}

fn sysfs(dry_run: bool) -> Box<dyn Sysfs> {
    if dry_run {
        Box::new(DryRun)
    } else {
        Box::new(RealSysfs { root: "/".into() })
    }
}

/// Moves devices between drivers.
struct Binder<'a> {
    host: &'a Host<'a>,
    sysfs: &'a mut dyn Sysfs,
    state: &'a Path,
    bindings: Bindings,
}

impl<'a> Binder<'a> {
    fn new(host: &'a Host<'a>, sysfs: &'a mut dyn Sysfs, state: &'a Path) -> Result<Self> {
        Ok(Self {
            host,
            sysfs,
            state,
            bindings: Bindings::load(state)?,
        })
    }

    /// What happened, a line each. Everything is checked before the first device moves.
    fn bind(&mut self, names: &[String], driver: &str) -> Result<Vec<String>> {
        let mut said = Vec::new();
        let mut moving = Vec::new();
        for device in self.devices(names)? {
            if device.driver.as_deref() == Some(driver) {
                said.push(format!(
                    "{} has the driver {driver} already",
                    device.address
                ));
                continue;
            }
            self.may_go(&device, driver)?;
            moving.push(device);
        }
        for device in &moving {
            self.remember(device)?;
            if let Err(error) = self.give(device, driver) {
                self.bindings.forget(&device.address);
                self.save()?;
                return Err(error);
            }
            let had = device.driver.as_deref().unwrap_or("none");
            said.push(format!("{}: {driver}, before: {had}", device.address));
        }
        for device in &moving {
            let others = device.hindering_siblings(self.host);
            let still = others
                .iter()
                .filter(|other| moving.iter().all(|device| device.address != other.address));
            let still: Vec<&str> = still.map(|other| other.address.as_str()).collect();
            if driver == VFIO && !still.is_empty() {
                let list = still.join(" ");
                said.push(format!(
                    "warning: {} shares its IOMMU group with {list}: DPDK cannot open it before \
                     `ioam bind {list}`",
                    device.address
                ));
            }
        }
        Ok(said)
    }

    fn unbind(&mut self, names: &[String], driver: Option<&str>) -> Result<Vec<String>> {
        let mut moving = Vec::new();
        for device in self.devices(names)? {
            let address = &device.address;
            let remembered = self.bindings.get(address).map(|own| own.driver.clone());
            let Some(to) = driver.map(|name| Some(name.to_owned())).or(remembered) else {
                bail!(
                    "{address} was not given away by `ioam bind`, says {}: name the driver it is \
                     to get with --driver",
                    self.state.display()
                );
            };
            if let Some(driver) = &to {
                self.driver_exists(driver)?;
            }
            self.refuse_in_use(&device)?;
            moving.push((device, to));
        }
        let mut said = Vec::new();
        for (device, to) in moving {
            let address = &device.address;
            match &to {
                Some(driver) if device.driver.as_ref() == Some(driver) => {}
                Some(driver) => self.give(&device, driver)?,
                None => self.release(&device)?,
            }
            // The kernel finds the right driver by itself from now on.
            self.write(&format!("{DEVICES}/{address}/driver_override"), "\n")?;
            self.bindings.forget(address);
            self.save()?;
            said.push(format!(
                "{address}: {}",
                to.as_deref().unwrap_or("no driver")
            ));
        }
        Ok(said)
    }

    fn devices(&self, names: &[String]) -> Result<Vec<PciDevice>> {
        let mut devices: Vec<PciDevice> = Vec::new();
        for name in names {
            let address = full_address(self.host, name).with_context(|| {
                format!("`{name}` is neither a PCI address nor an interface of a PCI card")
            })?;
            let device = PciDevice::read(self.host, &address).with_context(|| {
                format!("there is no PCI device {address}; `lspci -D` lists them")
            })?;
            if devices.iter().all(|other| other.address != address) {
                devices.push(device);
            }
        }
        Ok(devices)
    }

    fn may_go(&self, device: &PciDevice, driver: &str) -> Result<()> {
        let address = &device.address;
        ensure!(
            !device.is_bridge(),
            "{address} is a bridge: it stays with the kernel and hinders nobody"
        );
        ensure!(
            device.id >> 16 != MELLANOX || driver != VFIO,
            "{address} is a Mellanox card: DPDK uses it through the kernel's own driver; name it in \
             the configuration as it is"
        );
        guard::refuse_lifeline(self.host, device)?;
        self.driver_exists(driver)?;
        let unsafe_mode = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";
        let may = device.group.is_some() || self.host.read(unsafe_mode).as_deref() == Some("Y");
        ensure!(
            driver != VFIO || may,
            "{address} has no IOMMU group, and vfio-pci needs one: turn VT-d on in the machine's \
             firmware and give the kernel `intel_iommu=on iommu=pt`; `ioam doctor` shows how"
        );
        Ok(())
    }

    fn driver_exists(&self, driver: &str) -> Result<()> {
        let plain = !driver.is_empty() && !driver.contains(['/', '\n']) && driver != "..";
        ensure!(
            plain && self.host.exists(&format!("{DRIVERS}/{driver}")),
            "there is no PCI driver `{driver}`: run `modprobe {driver}`"
        );
        Ok(())
    }

    /// A device in use would not come loose before its user ends; the kernel waits for that.
    fn refuse_in_use(&self, device: &PciDevice) -> Result<()> {
        let Some(group) = &device.group else {
            return Ok(());
        };
        if device.driver.as_deref() != Some(VFIO) {
            return Ok(());
        }
        let file = format!("/dev/vfio/{group}");
        let numbers = self.host.names("/proc");
        for process in numbers.iter().filter(|name| name.parse::<u32>().is_ok()) {
            let folder = format!("/proc/{process}/fd");
            let files = self.host.names(&folder);
            let opens = |fd: &String| {
                self.host.link_target(&format!("{folder}/{fd}")).as_ref() == Some(&file)
            };
            if files.iter().any(opens) {
                let name = self.host.read(&format!("/proc/{process}/comm"));
                bail!(
                    "{} is in use by {} (process {process}): end that first",
                    device.address,
                    name.as_deref().unwrap_or("a program")
                );
            }
        }
        Ok(())
    }

    /// Writes down whose the device was, before it moves: a crash then loses nothing.
    fn remember(&mut self, device: &PciDevice) -> Result<()> {
        if !self.sysfs.is_real() || self.bindings.get(&device.address).is_some() {
            return Ok(());
        }
        let interface = device.interfaces.first();
        let binding = Binding {
            driver: device.driver.clone(),
            interfaces: device.interfaces.clone(),
            firmware: interface.and_then(|name| firmware_of(self.host, name)),
            lldp_off: interface.and_then(|name| firmware_lldp_is_off(self.host, name)),
        };
        self.bindings.remember(&device.address, binding);
        self.save()
    }

    fn save(&self) -> Result<()> {
        if self.sysfs.is_real() {
            self.bindings.save(self.state)?;
        }
        Ok(())
    }

    /// Moves a device to a driver; when that refuses it, back to the one it had.
    fn give(&mut self, device: &PciDevice, driver: &str) -> Result<()> {
        let address = &device.address;
        if let Err(error) = self.try_give(device, driver) {
            // Best effort: the first error is the one to tell.
            let over = self.write(&format!("{DEVICES}/{address}/driver_override"), "\n");
            let _ = over.and_then(|()| self.write(PROBE, address));
            return Err(error);
        }
        Ok(())
    }

    fn try_give(&mut self, device: &PciDevice, driver: &str) -> Result<()> {
        let address = &device.address;
        self.write(&format!("{DEVICES}/{address}/driver_override"), driver)?;
        self.release(device)?;
        self.write(PROBE, address)?;
        if !self.sysfs.is_real() {
            return Ok(());
        }
        let now = PciDevice::read(self.host, address).and_then(|device| device.driver);
        ensure!(
            now.as_deref() == Some(driver),
            "the driver {driver} does not take {address}: `dmesg | tail` says why"
        );
        Ok(())
    }

    /// Takes a device from the driver it has.
    fn release(&mut self, device: &PciDevice) -> Result<()> {
        match &device.driver {
            Some(driver) => self.write(&format!("{DRIVERS}/{driver}/unbind"), &device.address),
            None => Ok(()),
        }
    }

    fn write(&mut self, path: &str, text: &str) -> Result<()> {
        let done = self.sysfs.write(path, text);
        done.with_context(|| format!("cannot write `{}` to {path} (as root?)", text.trim()))
    }
}
