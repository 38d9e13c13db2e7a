// SPDX-License-Identifier: Apache-2.0 OR MIT
//! CPUs and memory.

use super::{Machine, PortRuntime, Runtime};
use crate::model::{self, Model};
use crate::report::{Place, Problems};
use crate::scalar::get;
use crate::text::{Device, ForwardingMode, Memory};

/// Buffers of each port unless queues and descriptors need more.
const BUFFERS: u32 = 8192;

/// Octets of a packet buffer beside its data: DPDK's `rte_mbuf` and the pool's own header.
const BUFFER_OVERHEAD: u64 = 128 + 64;

/// Memory of DPDK beside packet buffers, in octets.
const SLACK: u64 = 64 << 20;

/// CPUs and memory, with defaults that suit a small machine.
pub(super) fn runtime(
    model: &Model,
    machine: &Machine,
    ports: &[PortRuntime],
    problems: &mut Problems,
) -> Runtime {
    let keys = model.runtime.clone().unwrap_or_default();
    let (main_cpu, worker_cpus) = cpus(&keys, machine, problems);
    let headroom = headroom(&keys, problems);
    queues(model, &keys, ports, worker_cpus.len(), problems);
    let burst = get(&keys.burst, problems).map_or(32, |burst| burst.0);
    let mode = model
        .forwarding
        .as_ref()
        .and_then(|f| get(&f.value.mode, problems));
    let needed = buffers_needed(ports, mode, worker_cpus.len(), burst);
    let buffers = match (get(&keys.buffers, problems), &keys.buffers) {
        (Some(buffers), Some(key)) if buffers.0 < needed => {
            let what = format!(
                "{} buffers are fewer than queues and bursts hold",
                buffers.0
            );
            problems.error(
                key.place,
                what,
                format!("write `buffers: {needed}` or more"),
            );
            buffers.0
        }
        (Some(buffers), _) => buffers.0,
        (None, _) => BUFFERS.max(needed.next_multiple_of(1024)),
    };
    Runtime {
        main_cpu,
        worker_cpus,
        memory: get(&keys.memory, problems).unwrap_or(Memory::Hugepages),
        memory_mib: memory_mib(&keys, ports, (headroom, buffers), problems),
        huge_dir: huge_dir(&keys, problems),
        headroom,
        buffers,
        burst,
        file_prefix: get(&keys.file_prefix, problems).map(|prefix| prefix.0),
    }
}

/// The CPU of the management and those of the workers.
fn cpus(keys: &model::Runtime, machine: &Machine, problems: &mut Problems) -> (usize, Vec<usize>) {
    let main = get(&keys.main_cpu, problems).map(|cpu| cpu.0);
    let main_place = keys
        .main_cpu
        .as_ref()
        .map(|key| key.place)
        .unwrap_or_default();
    if let Some(main) = main {
        exists(main, main_place, machine, problems);
    }
    let workers = match &keys.worker_cpus {
        Some(list) => {
            let mut workers = Vec::new();
            if list.value.is_empty() {
                problems.error(
                    list.place,
                    "there are no workers",
                    "write at least one CPU, as in [1]",
                );
            }
            for cpu in &list.value {
                let Some(number) = cpu.get(problems).map(|cpu| cpu.0) else {
                    continue;
                };
                exists(number, cpu.place, machine, problems);
                if Some(number) == main {
                    let what = format!("CPU {number} is the main CPU and cannot also be a worker");
                    problems.error(cpu.place, what, "give `main-cpu` or the worker another CPU");
                } else if workers.contains(&number) {
                    let what = format!("CPU {number} is listed twice");
                    problems.error(cpu.place, what, "list each worker once");
                } else {
                    workers.push(number);
                }
            }
            workers
        }
        None => default_worker(main, machine),
    };
    let free = machine
        .cpus
        .iter()
        .copied()
        .filter(|cpu| !workers.contains(cpu))
        .min();
    let main = main.or(free).unwrap_or_else(|| {
        let what = "no CPU is left for management: every allowed one is a worker";
        let help = "leave one CPU out of `worker-cpus`";
        match &keys.worker_cpus {
            Some(list) if machine.cpus.len() > 1 && machine.strict => {
                problems.error(list.place, what, help);
            }
            _ => {}
        }
        workers.first().copied().unwrap_or(0)
    });
    (main, workers)
}

/// The highest allowed CPU that is not the main one.
fn default_worker(main: Option<usize>, machine: &Machine) -> Vec<usize> {
    let free = machine
        .cpus
        .iter()
        .copied()
        .filter(|cpu| Some(*cpu) != main)
        .max();
    vec![free.or(main).unwrap_or(1)]
}

fn exists(cpu: usize, place: Place, machine: &Machine, problems: &mut Problems) {
    if machine.cpus.contains(&cpu) || (machine.cpus.is_empty() && !machine.strict) {
        return;
    }
    let what = format!("CPU {cpu} does not exist on this machine, or the process may not use it");
    let allowed: Vec<String> = machine.cpus.iter().map(ToString::to_string).collect();
    let help = format!("the allowed CPUs are {}", allowed.join(", "));
    if machine.strict {
        problems.error(place, what, help);
    } else {
        problems.warning(place, what, help);
    }
}

fn headroom(keys: &model::Runtime, problems: &mut Problems) -> u16 {
    let Some(headroom) = get(&keys.headroom, problems).map(|headroom| headroom.0) else {
        return 384;
    };
    if !headroom.is_multiple_of(64) {
        let place = keys
            .headroom
            .as_ref()
            .map(|key| key.place)
            .unwrap_or_default();
        let help = format!("write `headroom: {}`", headroom.next_multiple_of(64));
        problems.error(place, format!("`{headroom}` is not a multiple of 64"), help);
    }
    headroom
}

/// Queues that no worker or device can serve.
fn queues(
    model: &Model,
    keys: &model::Runtime,
    ports: &[PortRuntime],
    workers: usize,
    problems: &mut Problems,
) {
    let total: usize = ports.iter().map(|port| usize::from(port.queues)).sum();
    if let Some(list) = keys
        .worker_cpus
        .as_ref()
        .filter(|_| !ports.is_empty() && total < workers)
    {
        let what =
            format!("{workers} workers share {total} receive queues: some have nothing to do");
        problems.warning(
            list.place,
            what,
            "raise `queues` of the ports, or list fewer CPUs",
        );
    }
    let listed = model.ports.as_ref().map_or(&[][..], |ports| &ports.value);
    for (port, runtime) in listed.iter().zip(ports) {
        let Some(device) = port.device.get(problems) else {
            continue;
        };
        let wanted = usize::from(runtime.queues).max(workers);
        let pairs = device.argument("qpairs").unwrap_or(1);
        if device.is("net_af_packet") && u64::try_from(wanted).unwrap_or(u64::MAX) > pairs {
            let what = format!(
                "this device has {pairs} of the {wanted} queue pairs that its queues and the \
                 workers need"
            );
            let help = format!("append `,qpairs={wanted}` to the device");
            problems.error(port.device.place, what, help);
        }
    }
}

/// The buffers that one port's packets can occupy at once: its receive queues, the transmit queues
/// they may wait in, and what the workers hold.
fn buffers_needed(
    ports: &[PortRuntime],
    mode: Option<ForwardingMode>,
    workers: usize,
    burst: u16,
) -> u32 {
    let workers = u32::try_from(workers).unwrap_or(u32::MAX);
    let receive = ports
        .iter()
        .map(|port| u32::from(port.rx_descriptors) * u32::from(port.queues));
    let transmit = ports.iter().map(|port| u32::from(port.tx_descriptors));
    let transmit = match mode {
        Some(ForwardingMode::Static) => transmit.sum(),
        _ => transmit.max().unwrap_or(0),
    };
    let held = transmit
        .saturating_add(u32::from(burst))
        .saturating_mul(workers);
    receive.max().unwrap_or(0).saturating_add(held)
}

/// Memory for the pools and DPDK itself, in whole hugepages of 2 MiB.
fn memory_mib(
    keys: &model::Runtime,
    ports: &[PortRuntime],
    (headroom, buffers): (u16, u32),
    problems: &mut Problems,
) -> u32 {
    // The ports' buffers are in one pool, so each holds the largest frame of any port.
    let frame_room = ports.iter().map(|port| port.frame_room).max().unwrap_or(0);
    let buffer =
        (u64::from(headroom) + u64::from(frame_room) + BUFFER_OVERHEAD).next_multiple_of(64);
    let octets = buffer * u64::from(buffers) * ports.len() as u64 + SLACK;
    let needed = u32::try_from(octets.div_ceil(2 << 20) * 2).unwrap_or(u32::MAX);
    match (get(&keys.memory_mib, problems), &keys.memory_mib) {
        (Some(memory), Some(key)) => {
            if memory.0 < needed {
                let what = format!(
                    "{} MiB are too little for {buffers} buffers a port",
                    memory.0
                );
                let help = format!("write `memory-mib: {needed}` or more, or lower `buffers`");
                problems.error(key.place, what, help);
            }
            memory.0
        }
        _ => needed,
    }
}

fn huge_dir(keys: &model::Runtime, problems: &mut Problems) -> Option<String> {
    let directory = get(&keys.huge_dir, problems)?;
    if get(&keys.memory, problems) == Some(Memory::NoHuge) {
        let place = keys.huge_dir.as_ref().map(|key| key.place);
        super::refuse(&[("huge-dir", place)], "memory: no-huge", problems);
    }
    Some(directory.0)
}

/// Physical cards reach only hugepages.
pub(super) fn cards_need_hugepages(model: &Model, problems: &mut Problems) {
    let memory = model
        .runtime
        .as_ref()
        .and_then(|runtime| runtime.memory.as_ref());
    let Some(key) = memory.filter(|key| key.get(problems) == Some(Memory::NoHuge)) else {
        return;
    };
    let listed = model.ports.as_ref().map_or(&[][..], |ports| &ports.value);
    let is_card = |device| matches!(device, Some(Device::Pci(..)));
    if listed.iter().any(|port| is_card(port.device.get(problems))) {
        let what = "a card needs hugepages: it reads and writes packet memory by itself";
        problems.warning(
            key.place,
            what,
            "write `memory: hugepages`, unless an IOMMU maps them",
        );
    }
}
