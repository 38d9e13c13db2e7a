// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Who polls what: lcores, ports and queues, and the EAL arguments that follow from them.

use std::collections::BTreeSet;

use ioam_config::{Memory, PortRuntime, Runtime, Valid};
use ioam_dp::table::spec::{ForwardingSpec, NodeSpec};
use serde::Serialize;

/// Everything decided before DPDK starts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The CPU of the management core.
    pub main_cpu: usize,
    /// By worker.
    pub workers: Vec<WorkerPlan>,
    /// By port.
    pub ports: Vec<PortPlan>,
    /// Buffers in the node's one pool.
    pub buffers: u32,
    /// What tells this process apart from others that use DPDK.
    pub file_prefix: String,
    /// The arguments DPDK is started with, without the program's name.
    pub eal_arguments: Vec<String>,
}

/// One worker lcore.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkerPlan {
    /// Its place among the workers, from 0; the first sends this node's probes.
    pub number: u16,
    /// EAL's number of it; 0 is the management core.
    pub lcore: u32,
    /// The CPU it is pinned to.
    pub cpu: usize,
    /// Receive queues it polls: port and queue.
    pub receives: Vec<(u8, u16)>,
    /// Transmit queues it owns: port and queue.
    pub sends: Vec<(u8, u16)>,
}

/// One port.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PortPlan {
    /// The operator's name.
    pub name: String,
    /// PCI address or vdev string.
    pub device: String,
    /// Receive queues.
    pub rx_queues: u16,
    /// Transmit queues: one for each worker that may send there.
    pub tx_queues: u16,
    /// How packets are spread over the receive queues.
    pub spread: Spread,
}

/// How a port spreads packets over its receive queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Not at all: there is one.
    OneQueue,
    /// By a hash that is the same for both directions of a flow, so that one worker sees both.
    Symmetric,
}

impl Plan {
    /// Plans for a checked configuration; `prefix` names the process to DPDK where the file does
    /// not.
    #[must_use]
    pub fn new(valid: &Valid, prefix: &str) -> Self {
        let runtime = valid.runtime();
        let spec = valid.node_spec(&[]);
        let mut workers: Vec<WorkerPlan> = (0..)
            .zip(&runtime.worker_cpus)
            .map(|(number, cpu)| WorkerPlan {
                number,
                lcore: u32::from(number) + 1,
                cpu: *cpu,
                receives: Vec::new(),
                sends: Vec::new(),
            })
            .collect();
        deal_receive_queues(valid.ports(), &mut workers);
        let tx_queues = deal_transmit_queues(&spec, &mut workers);
        let ports = valid
            .ports()
            .iter()
            .zip(tx_queues)
            .map(|(port, tx_queues)| PortPlan {
                name: port.name.clone(),
                device: port.device.clone(),
                rx_queues: port.queues,
                tx_queues,
                spread: if port.queues > 1 {
                    Spread::Symmetric
                } else {
                    Spread::OneQueue
                },
            });
        Self {
            main_cpu: runtime.main_cpu,
            ports: ports.collect(),
            workers,
            buffers: runtime
                .buffers
                .saturating_mul(u32::try_from(valid.ports().len()).unwrap_or(1)),
            file_prefix: runtime.file_prefix.as_deref().unwrap_or(prefix).to_owned(),
            eal_arguments: eal_arguments(runtime, valid.ports(), prefix),
        }
    }
}

/// Deals the receive queues out to the workers in turn, port by port.
fn deal_receive_queues(ports: &[PortRuntime], workers: &mut [WorkerPlan]) {
    let queues = (0u8..)
        .zip(ports)
        .flat_map(|(id, port)| (0..port.queues).map(move |q| (id, q)));
    let count = workers.len().max(1);
    for (place, queue) in queues.enumerate() {
        if let Some(worker) = workers.get_mut(place % count) {
            worker.receives.push(queue);
        }
    }
}

/// Gives each worker a transmit queue of every port it may send to; the queues of each port.
fn deal_transmit_queues(spec: &NodeSpec, workers: &mut [WorkerPlan]) -> Vec<u16> {
    let mut queues = vec![0; spec.ports.len()];
    for (number, worker) in workers.iter_mut().enumerate() {
        let inputs: BTreeSet<u8> = worker.receives.iter().map(|(port, _)| *port).collect();
        for port in inputs
            .iter()
            .flat_map(|input| reachable(spec, *input))
            .chain(originated(spec, number))
            .collect::<BTreeSet<_>>()
        {
            if let Some(queue) = queues.get_mut(usize::from(port)) {
                worker.sends.push((port, *queue));
                *queue += 1;
            }
        }
    }
    // A port nobody sends to still needs one to be started with.
    queues.iter_mut().for_each(|queue| *queue = (*queue).max(1));
    queues
}

/// The ports that probes leave by; the first worker sends them all.
fn originated(spec: &NodeSpec, worker: usize) -> impl Iterator<Item = u8> {
    let probes = spec.probes.iter().filter(move |_| worker == 0);
    probes.map(|probe| probe.next_hop.port)
}

/// The ports a packet from `input` may leave by, what goes back to where it came from included:
/// `ICMPv6` errors and copies of traces with the Loopback flag.
fn reachable(spec: &NodeSpec, input: u8) -> Vec<u8> {
    let mut ports: Vec<u8> = match &spec.forwarding {
        ForwardingSpec::Wire { pairs, .. } => {
            let peers = pairs.iter().filter_map(|(a, b)| match input {
                port if port == *a => Some(*b),
                port if port == *b => Some(*a),
                _ => None,
            });
            peers.collect()
        }
        ForwardingSpec::Static { .. } => (0..).take(spec.ports.len()).collect(),
    };
    if spec
        .ports
        .get(usize::from(input))
        .is_some_and(|port| port.address.is_some())
    {
        ports.push(input);
    }
    ports
}

fn eal_arguments(runtime: &Runtime, ports: &[PortRuntime], prefix: &str) -> Vec<String> {
    let mut lcores = format!("0@{}", runtime.main_cpu);
    for (lcore, cpu) in (1..).zip(&runtime.worker_cpus) {
        lcores.push_str(&format!(",{lcore}@{cpu}"));
    }
    let mut words = vec!["--lcores".to_owned(), lcores];
    let prefix = runtime.file_prefix.as_deref().unwrap_or(prefix);
    words.extend(["--file-prefix".to_owned(), prefix.to_owned()]);
    words.extend(["-m".to_owned(), runtime.memory_mib.to_string()]);
    match (runtime.memory, &runtime.huge_dir) {
        (Memory::NoHuge, _) => words.extend(["--no-huge".to_owned(), "--no-shconf".to_owned()]),
        (Memory::Hugepages, Some(dir)) => words.extend(["--huge-dir".to_owned(), dir.clone()]),
        (Memory::Hugepages, None) => words.push("--in-memory".to_owned()),
    }
    let mut pci = ports.iter().filter(|port| port.is_pci).peekable();
    if pci.peek().is_none() {
        words.push("--no-pci".to_owned());
    }
    for port in pci {
        words.extend(["-a".to_owned(), port.device.clone()]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use ioam_config::Machine;

    fn plan(text: &str) -> Plan {
        let machine = Machine::other((0..8).collect());
        Plan::new(
            &ioam_config::parse("test.yaml", text, &machine)
                .unwrap()
                .valid,
            "test",
        )
    }

    const PORTS: &str = "ports:
  - {name: a, device: net_null0, queues: 2}
  - {name: b, device: net_null1, queues: 2}
";

    #[test]
    fn wire_ports_need_a_queue_only_where_packets_leave() {
        let plan = plan(&format!(
            "runtime: {{main-cpu: 0, worker-cpus: [2, 3], memory: no-huge}}\n{PORTS}\
             forwarding: {{mode: wire, pairs: [[a, b]]}}\n"
        ));
        assert_eq!(plan.workers[0].receives, [(0, 0), (1, 0)]);
        assert_eq!(plan.workers[1].receives, [(0, 1), (1, 1)]);
        assert_eq!(plan.workers[1].sends, [(0, 1), (1, 1)]);
        assert_eq!(plan.ports[0].tx_queues, 2);
        let words = plan.eal_arguments.join(" ");
        assert!(
            words.starts_with("--lcores 0@0,1@2,2@3 --file-prefix test -m "),
            "{words}"
        );
        assert!(words.ends_with("--no-huge --no-shconf --no-pci"), "{words}");
    }

    #[test]
    fn the_first_worker_can_send_the_probes() {
        let plan = plan(
            "runtime: {main-cpu: 0, worker-cpus: [2, 3], memory: no-huge}
ports: [{name: a, device: net_null0}, {name: b, device: net_null1}, {name: c, device: net_null2, queues: 2}, {name: d, device: net_null3}]
forwarding: {mode: wire, pairs: [[a, b], [c, d]]}
namespaces: [{id: 1}]
profiles:
  - name: probes
    filter: {in-port: [local]}
    active: probes
    placement: inline
    preallocated-tracing-profile: {node-action: encapsulate, trace-types: {use-namespace: 1, trace-type: [if-id]}, max-length: 8}
probes:
  - {name: p, source: \"2001:db8::1\", destination: \"2001:db8::2\", port: a, next-hop: \"02:00:00:00:00:02\"}
",
        );
        assert_eq!([plan.workers[0].number, plan.workers[1].number], [0, 1]);
        let sends_by_a = |worker: usize| {
            plan.workers[worker]
                .sends
                .iter()
                .any(|(port, _)| *port == 0)
        };
        assert!(sends_by_a(0) && sends_by_a(1));
        assert_eq!(plan.ports[0].tx_queues, 2);
        assert_eq!(plan.ports[0].spread, Spread::OneQueue);
        assert_eq!(plan.ports[2].spread, Spread::Symmetric);
    }

    #[test]
    fn one_queue_a_port_and_two_workers_share_no_transmit_queue() {
        let plan = plan(
            "runtime: {main-cpu: 0, worker-cpus: [2, 3]}
ports: [{name: a, device: 0000:3b:00.0}, {name: b, device: 0000:3b:00.1}]
forwarding: {mode: wire, pairs: [[a, b]]}
",
        );
        assert_eq!(plan.workers[0].sends, [(1, 0)]);
        assert_eq!(plan.workers[1].sends, [(0, 0)]);
        let words = plan.eal_arguments.join(" ");
        assert!(
            words.ends_with("--in-memory -a 0000:3b:00.0 -a 0000:3b:00.1"),
            "{words}"
        );
    }
}
