// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What can go wrong with DPDK, each in one sentence that names the thing and what mends it.

use std::ffi::CStr;

/// A failure of DPDK, or of something DPDK needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpdkError {
    /// A call failed for a reason that has no sentence of its own here.
    #[error("{subject}: {call} failed: {reason} (errno {errno})")]
    Call {
        /// The device, pool or lcore concerned.
        subject: String,
        /// The function of DPDK.
        call: &'static str,
        /// Positive error number.
        errno: i32,
        /// DPDK's words, or the text of the error number.
        reason: String,
    },

    /// Second start in one process.
    #[error("DPDK can be started only once in a process: start the program anew")]
    AlreadyStarted,

    /// `rte_eal_init` failed.
    #[error("DPDK does not start: {reason} (RUST_LOG=debug shows DPDK's own log)")]
    Start {
        /// DPDK's words, or the text of its error number.
        reason: String,
    },

    /// Hugepages are wanted and too few are free.
    #[error(
        "{needed_mib} MiB of hugepages are needed and {free_mib} MiB are free: reserve them with \
         `echo {pages} > /sys/kernel/mm/hugepages/hugepages-{page_kib}kB/nr_hugepages`, or set \
         `memory: no-huge` under `runtime`"
    )]
    Hugepages {
        /// What was asked for.
        needed_mib: u64,
        /// What is free, over all page sizes.
        free_mib: u64,
        /// Value to write to `nr_hugepages`.
        pages: u64,
        /// Page size in KiB.
        page_kib: u64,
    },

    /// Hugepage files are wanted and no hugetlbfs is mounted.
    #[error(
        "no hugetlbfs is mounted{}: mount one with `mkdir -p /dev/hugepages && mount -t hugetlbfs \
         none /dev/hugepages`, or leave `huge-dir` out of the configuration",
        match .folder { Some(folder) => format!(" at {folder}"), None => String::new() }
    )]
    Hugetlbfs {
        /// The folder named by `huge-dir`, if any.
        folder: Option<String>,
    },

    /// No such address on the PCI bus.
    #[error(
        "there is no PCI device {address} in this machine: `dpdk-devbind.py --status-dev net` \
         lists those there are"
    )]
    NoPciDevice {
        /// `domain:bus:device.function`.
        address: String,
    },

    /// A PCI device that the kernel uses, or nobody.
    #[error(
        "the PCI device {address} {}: give it to DPDK with `ioam bind {address}`",
        match .driver {
            Some(driver) => format!("is bound to the kernel's driver {driver}"),
            None => "is bound to no driver".to_owned(),
        }
    )]
    NotBound {
        /// `domain:bus:device.function`.
        address: String,
        /// The driver it has now.
        driver: Option<String>,
    },

    /// A device at vfio-pci without an IOMMU.
    #[error(
        "the PCI device {address} has no IOMMU group, which vfio-pci needs: switch the IOMMU on in \
         the firmware and boot with `intel_iommu=on iommu=pt` (AMD: `iommu=pt`)"
    )]
    NoIommu {
        /// `domain:bus:device.function`.
        address: String,
    },

    /// Neither a PCI address nor a driver's name and a number.
    #[error(
        "no driver of DPDK is called as in `{device}`: write a PCI address such as 0000:01:00.0, \
         or a virtual device such as `net_af_packet0,iface=eth1` (also net_af_xdp, net_memif, \
         net_null, net_pcap, net_ring, net_tap, net_vhost)"
    )]
    UnknownDriver {
        /// As written in the configuration.
        device: String,
    },

    /// The kernel has no such network interface.
    #[error(
        "there is no network interface {interface} for `{device}` in this network namespace: \
         `ip link show` lists those there are"
    )]
    NoInterface {
        /// As written in the configuration.
        device: String,
        /// The value of `iface=`.
        interface: String,
    },

    /// The kernel's interface carries less than the port is to carry.
    #[error(
        "the interface {interface} has an MTU of {has}, and `mtu: {wanted}` is wanted of \
         {device}: `ip link set {interface} mtu {wanted}`"
    )]
    InterfaceMtu {
        /// DPDK's name of the device.
        device: String,
        /// The kernel's interface.
        interface: String,
        /// Its layer-3 octets.
        has: u32,
        /// Layer-3 octets wanted.
        wanted: u16,
    },

    /// The kernel's interface carries more than the driver, which would cut frames off.
    #[error(
        "the interface {interface} has an MTU of {has}, and {device} cuts off what exceeds an MTU \
         of {most}: {remedy}, or `ip link set {interface} mtu {most}`"
    )]
    InterfaceCut {
        /// DPDK's name of the device.
        device: String,
        /// The kernel's interface.
        interface: String,
        /// Its layer-3 octets.
        has: u32,
        /// Layer-3 octets the driver carries whole.
        most: u32,
        /// What to write instead.
        remedy: String,
    },

    /// The driver refused the device.
    #[error("DPDK cannot open the device `{device}`: {reason}")]
    Probe {
        /// As written in the configuration.
        device: String,
        /// DPDK's words, or the text of its error number.
        reason: String,
    },

    /// More queues than the device has.
    #[error("the device {device} has at most {most} {direction} queues, not {asked}: {remedy}")]
    Queues {
        /// DPDK's name of the device.
        device: String,
        /// `receive` or `transmit`.
        direction: &'static str,
        /// What was asked for.
        asked: u16,
        /// What there is.
        most: u16,
        /// What to write instead.
        remedy: String,
    },

    /// An MTU that the device cannot carry whole.
    #[error("the device {device} carries an MTU of at most {most}, not {asked}: {remedy}")]
    MtuTooLarge {
        /// DPDK's name of the device.
        device: String,
        /// Layer-3 octets asked for.
        asked: u16,
        /// Layer-3 octets possible.
        most: u32,
        /// What to write instead.
        remedy: String,
    },

    /// An MTU below what the device knows.
    #[error("the device {device} wants an MTU of at least {least}, not {asked}: raise `mtu`")]
    MtuTooSmall {
        /// DPDK's name of the device.
        device: String,
        /// Layer-3 octets asked for.
        asked: u16,
        /// Layer-3 octets needed.
        least: u16,
    },

    /// Buffers that do not hold a frame.
    #[error(
        "the buffers of pool {pool} hold frames of {room} octets and the device {device} needs \
         {needed}: make them with `frame_room` for this device and MTU"
    )]
    BufferTooSmall {
        /// DPDK's name of the device.
        device: String,
        /// The pool.
        pool: String,
        /// Octets of the pool's buffers behind the headroom.
        room: u32,
        /// Octets needed.
        needed: u32,
    },

    /// A pool that the receive queues alone would empty.
    #[error(
        "the pool {pool} has {buffers} buffers and the receive queues of {device} alone hold \
         {needed}: raise `buffers` under `runtime`, or lower the port's `rx-descriptors`"
    )]
    PoolTooSmall {
        /// DPDK's name of the device.
        device: String,
        /// The pool.
        pool: String,
        /// Buffers it has.
        buffers: u32,
        /// Receive descriptors of all queues.
        needed: u32,
    },

    /// The pool does not fit into DPDK's memory.
    #[error(
        "the pool {pool} of {mib} MiB does not fit into DPDK's memory: raise `memory-mib` under \
         `runtime`, or lower `buffers`"
    )]
    PoolMemory {
        /// The pool.
        pool: String,
        /// Its size, rounded up.
        mib: u64,
    },

    /// Values no pool can have.
    #[error("the pool {pool} cannot be made: {reason}")]
    PoolShape {
        /// The pool.
        pool: String,
        /// Which value, and its bounds.
        reason: &'static str,
    },

    /// Fast free with several pools, which would send buffers home to the wrong one.
    #[error(
        "the pool {pool} cannot be added: a port was opened on the promise of a single pool, so \
         open it with `single_pool: false`"
    )]
    SecondPool {
        /// The pool, existing or new.
        pool: String,
    },

    /// A port that is stopped or closed under its workers' hands.
    #[error("{subject} is still in use: end its workers and drop their queues first")]
    InUse {
        /// The port, or DPDK itself.
        subject: String,
    },

    /// Packets that never came home.
    #[error("{buffers} packet buffers are still in use, so DPDK's memory stays as it is")]
    Leaked {
        /// Buffers outside their pools.
        buffers: u64,
    },

    /// An lcore that cannot take the job.
    #[error("lcore {lcore} cannot take a job: {reason}")]
    Lcore {
        /// DPDK's number of the lcore.
        lcore: u32,
        /// Why not.
        reason: &'static str,
    },

    /// The job on an lcore panicked.
    #[error("the worker on lcore {lcore} panicked; its message stands above")]
    Panicked {
        /// DPDK's number of the lcore.
        lcore: u32,
    },
}

impl DpdkError {
    /// The error of a call that answered `code`, and said something about it or not. DPDK answers
    /// negative error numbers.
    pub(super) fn of_call(
        subject: &str,
        call: &'static str,
        code: i32,
        said: Option<String>,
    ) -> Self {
        let errno = code.saturating_abs();
        let reason = said.unwrap_or_else(|| text_of(errno));
        Self::Call {
            subject: subject.to_owned(),
            call,
            errno,
            reason,
        }
    }
}

/// The calling thread's `rte_errno`.
pub(super) fn last_errno() -> i32 {
    // SAFETY: reads a thread-local integer; no precondition.
    unsafe { dpdk_sys::dpdk_shim_errno() }
}

/// DPDK's text of a positive error number, which covers the system's numbers and its own.
pub(super) fn text_of(errno: i32) -> String {
    // SAFETY: rte_strerror answers for every number with a NUL-terminated text that stays valid on
    // this thread until its next call, and it is copied before that.
    unsafe { CStr::from_ptr(dpdk_sys::rte_strerror(errno)) }
        .to_string_lossy()
        .into_owned()
}
