// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is looked at before DPDK is, because the kernel's files tell a better story than its errors.

use std::fs;
use std::mem::MaybeUninit;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use super::device::Device;
use super::error::DpdkError;

/// MiB that DPDK is given when its arguments do not say.
const DEFAULT_MIB: u64 = 64;

/// Looks at what `arguments` for `rte_eal_init` need of the machine.
pub(super) fn check_arguments(arguments: &[String]) -> Result<(), DpdkError> {
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    for address in values(arguments, &["-a", "--allow"]) {
        let device = Device::new(address);
        if device.is_pci() {
            check_pci(Path::new("/sys/bus/pci/devices"), device.name())?;
        }
    }
    if has("--no-huge") {
        return Ok(());
    }
    let needed = values(arguments, &["-m"])
        .last()
        .and_then(|text| text.parse().ok());
    check_hugepages(
        Path::new("/sys/kernel/mm/hugepages"),
        needed.unwrap_or(DEFAULT_MIB),
    )?;
    if has("--in-memory") {
        return Ok(());
    }
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    check_mount(&mounts, values(arguments, &["--huge-dir"]).last().copied())
}

/// The values given to an option, as `-m 64`, `-m64` or `--huge-dir=/mnt`.
fn values<'a>(arguments: &'a [String], names: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        for name in names {
            let Some(rest) = argument.strip_prefix(name) else {
                continue;
            };
            let joined = if name.starts_with("--") {
                rest.strip_prefix('=')
            } else {
                Some(rest)
            };
            match joined {
                _ if rest.is_empty() => found.extend(arguments.get(index + 1).map(String::as_str)),
                Some(value) => found.push(value),
                None => {}
            }
        }
    }
    found
}

fn check_hugepages(folder: &Path, needed_mib: u64) -> Result<(), DpdkError> {
    let mut free_kib = 0;
    let mut smallest = None::<u64>;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let size = name
            .strip_prefix("hugepages-")
            .and_then(|rest| rest.strip_suffix("kB"));
        let Some(page_kib) = size.and_then(|size| size.parse::<u64>().ok()) else {
            continue;
        };
        let free = fs::read_to_string(entry.path().join("free_hugepages")).unwrap_or_default();
        free_kib += free.trim().parse::<u64>().unwrap_or(0) * page_kib;
        smallest = Some(smallest.map_or(page_kib, |smallest| smallest.min(page_kib)));
    }
    let free_mib = free_kib / 1024;
    if free_mib >= needed_mib {
        return Ok(());
    }
    let page_kib = smallest.unwrap_or(2048);
    let pages = (needed_mib * 1024).div_ceil(page_kib);
    Err(DpdkError::Hugepages {
        needed_mib,
        free_mib,
        pages,
        page_kib,
    })
}

fn check_mount(mounts: &str, folder: Option<&str>) -> Result<(), DpdkError> {
    let is_mounted = mounts.lines().any(|line| {
        let mut words = line.split(' ').skip(1);
        let place = words.next();
        let is_wanted = folder.is_none() || place == folder.map(|name| name.trim_end_matches('/'));
        words.next() == Some("hugetlbfs") && is_wanted
    });
    if is_mounted {
        return Ok(());
    }
    Err(DpdkError::Hugetlbfs {
        folder: folder.map(str::to_owned),
    })
}

/// Looks at a device, and its interface's MTU, before DPDK opens it.
pub(super) fn check_device(device: &Device, mtu: u16) -> Result<(), DpdkError> {
    if device.is_pci() {
        return check_pci(Path::new("/sys/bus/pci/devices"), device.name());
    }
    let Some(interface) = device.interface() else {
        return Ok(());
    };
    let Some(has) = interface_mtu(interface) else {
        let (device, interface) = (device.text().to_owned(), interface.to_owned());
        return Err(DpdkError::NoInterface { device, interface });
    };
    check_interface_mtu(device, interface, has, mtu)
}

/// The driver must carry whole what the interface carries, and that must be what the port is to.
fn check_interface_mtu(
    device: &Device,
    interface: &str,
    has: u32,
    wanted: u16,
) -> Result<(), DpdkError> {
    let (name, interface) = (device.name().to_owned(), interface.to_owned());
    if has < u32::from(wanted) {
        return Err(DpdkError::InterfaceMtu {
            device: name,
            interface,
            has,
            wanted,
        });
    }
    match device.hidden_mtu_limit(has) {
        Some((most, remedy)) if has > most => Err(DpdkError::InterfaceCut {
            device: name,
            interface,
            has,
            most,
            remedy,
        }),
        _ => Ok(()),
    }
}

/// The MTU of the interface of this name in this network namespace.
fn interface_mtu(name: &str) -> Option<u32> {
    let mut request = request_about(name)?;
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // SAFETY: the socket is open, and `request` is what this request reads and writes.
    let code = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFMTU, &raw mut request) };
    if code != 0 {
        return None;
    }
    // SAFETY: the kernel filled this member of the union, a number.
    u32::try_from(unsafe { request.ifr_ifru.ifru_mtu }).ok()
}

/// What the kernel is asked with about an interface; `None` for a name no interface can have.
fn request_about(name: &str) -> Option<libc::ifreq> {
    // SAFETY: a C structure of octets and numbers, for which all zeroes are valid.
    let mut request = unsafe { MaybeUninit::<libc::ifreq>::zeroed().assume_init() };
    // The last octet stays NUL.
    if name.len() >= request.ifr_name.len() {
        return None;
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    Some(request)
}

/// Warns of an interface without hardware that leaves checksums to hardware: what its other end
/// sends arrives with checksums nobody has computed, is forwarded so, and is thrown away by the
/// receiver. Neither the driver nor the packet shows it.
pub(super) fn warn_of_checksum_offload(device: &Device) {
    let Some(interface) = device.interface() else {
        return;
    };
    let has_hardware = Path::new("/sys/class/net")
        .join(interface)
        .join("device")
        .exists();
    if !has_hardware && leaves_checksums(interface) == Some(true) {
        log::warn!(
            "interface {interface} leaves checksums to hardware that is not there: TCP and UDP \
             through it are likely lost; at both ends of the cable: ethtool -K {interface} tx off"
        );
    }
}

/// The kernel's `ethtool_value` (linux/ethtool.h).
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// `ETHTOOL_GTXCSUM` of linux/ethtool.h: whether transmit checksums are left to the device.
const GET_TX_CHECKSUM: u32 = 0x16;

fn leaves_checksums(interface: &str) -> Option<bool> {
    let mut value = EthtoolValue {
        command: GET_TX_CHECKSUM,
        data: 0,
    };
    let mut request = request_about(interface)?;
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // SAFETY: the socket is open, and `request` points to the value that this request reads and
    // writes, which lives until the call is over.
    let code = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
    (code == 0).then_some(value.data != 0)
}

/// `SIOCETHTOOL` of linux/sockios.h.
const SIOCETHTOOL: libc::Ioctl = 0x8946;

fn check_pci(devices: &Path, address: &str) -> Result<(), DpdkError> {
    let address = address.to_owned();
    let folder = devices.join(&address);
    if !folder.exists() {
        return Err(DpdkError::NoPciDevice { address });
    }
    let link = fs::read_link(folder.join("driver")).ok();
    let driver = link.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    match driver.as_deref() {
        Some("vfio-pci") => {
            let unsafe_mode = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";
            let has_group = folder.join("iommu_group").exists();
            let is_unsafe = fs::read_to_string(unsafe_mode).is_ok_and(|text| text.starts_with('Y'));
            if has_group || is_unsafe {
                Ok(())
            } else {
                Err(DpdkError::NoIommu { address })
            }
        }
        Some("uio_pci_generic" | "igb_uio") => Ok(()),
        // Mellanox devices stay with the kernel's driver.
        Some("mlx4_core" | "mlx5_core") => Ok(()),
        _ => Err(DpdkError::NotBound { address, driver }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("ioam-preflight-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn options_are_found_in_every_spelling() {
        let arguments = words("-m 64 -m32 --huge-dir=/a --huge-dir /b --huge-unlink -a 01:00.0");
        assert_eq!(values(&arguments, &["-m"]), ["64", "32"]);
        assert_eq!(values(&arguments, &["--huge-dir"]), ["/a", "/b"]);
        assert_eq!(values(&arguments, &["-a", "--allow"]), ["01:00.0"]);
    }

    #[test]
    fn too_few_hugepages_are_said_with_the_number_to_reserve() {
        let root = folder("pages");
        for (size, free) in [(2048, 3), (1_048_576, 0)] {
            let place = root.join(format!("hugepages-{size}kB"));
            fs::create_dir(&place).unwrap();
            fs::write(place.join("free_hugepages"), format!("{free}\n")).unwrap();
        }
        assert_eq!(check_hugepages(&root, 6), Ok(()));
        let text = check_hugepages(&root, 512).unwrap_err().to_string();
        assert!(
            text.contains("512 MiB of hugepages are needed and 6 MiB are free"),
            "{text}"
        );
        assert!(
            text.contains("echo 256 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_"),
            "{text}"
        );
    }

    #[test]
    fn a_mount_is_wanted_at_the_folder_that_is_named() {
        let mounts = "proc /proc proc rw 0 0\nnone /mnt/h hugetlbfs rw 0 0\n";
        assert_eq!(check_mount(mounts, None), Ok(()));
        assert_eq!(check_mount(mounts, Some("/mnt/h/")), Ok(()));
        let text = check_mount(mounts, Some("/mnt/g")).unwrap_err().to_string();
        assert!(text.contains("no hugetlbfs is mounted at /mnt/g"), "{text}");
        assert!(check_mount("", None).is_err());
    }

    #[test]
    fn an_interface_must_carry_the_mtu_and_the_driver_what_the_interface_carries() {
        let device = Device::new("net_af_packet0,iface=a1");
        let check = |has, wanted| {
            check_interface_mtu(&device, "a1", has, wanted).map_err(|error| error.to_string())
        };
        assert_eq!(check(1500, 1500), Ok(()));
        assert_eq!(check(1964, 1500), Ok(()));
        assert!(
            check(1500, 1501)
                .unwrap_err()
                .contains("`ip link set a1 mtu 1501`")
        );
        let text = check(2000, 1500).unwrap_err();
        assert!(
            text.contains("cuts off what exceeds an MTU of 1964: write `framesz=4096"),
            "{text}"
        );
        assert_eq!(interface_mtu("nonesuch"), None);
        assert_eq!(interface_mtu("a-name-too-long-for-linux"), None);
        assert!(interface_mtu("lo").is_some_and(|mtu| mtu >= 1280));
    }

    #[test]
    fn a_pci_device_must_be_there_and_bound() {
        let root = folder("pci");
        let address = "0000:01:00.0";
        let text = check_pci(&root, address).unwrap_err().to_string();
        assert!(text.contains("no PCI device 0000:01:00.0"), "{text}");

        let device = root.join(address);
        fs::create_dir(&device).unwrap();
        let text = check_pci(&root, address).unwrap_err().to_string();
        assert!(text.contains("bound to no driver"), "{text}");

        symlink("/sys/bus/pci/drivers/i40e", device.join("driver")).unwrap();
        let text = check_pci(&root, address).unwrap_err().to_string();
        assert!(text.contains("driver i40e"), "{text}");
        assert!(text.contains("`ioam bind 0000:01:00.0`"), "{text}");

        fs::remove_file(device.join("driver")).unwrap();
        symlink("/sys/bus/pci/drivers/vfio-pci", device.join("driver")).unwrap();
        let text = check_pci(&root, address).unwrap_err().to_string();
        assert!(text.contains("intel_iommu=on"), "{text}");
        fs::create_dir(device.join("iommu_group")).unwrap();
        assert_eq!(check_pci(&root, address), Ok(()));
    }
}
