// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From [`Model`] to [`Valid`]: everything that a file of the right shape can still have wrong.

mod collectors;
mod direct_export;
mod edge_to_edge;
mod encapsulate;
mod filter;
mod forwarding;
mod lines;
mod node;
mod observe;
mod ports;
mod probes;
mod profiles;
mod proof_of_transit;
mod room;
mod runtime;
mod sections;
mod trace;

use std::path::Path;
use std::time::Duration;

use std::net::SocketAddr;

pub use lines::{Lines, Rotation};
pub use observe::{Control, ControlSocket};

use ioam_dp::table::spec::{NamespaceSpec, NodeSpec, PortSpec};
use ioam_dp::timestamp::WallTime;

use crate::model::Model;
use crate::report::{Place, Problems};
use crate::scalar::{Scalar, get};
use crate::suggest;
use crate::text::{Memory, Text};
pub use collectors::{Collector, CollectorTls};

/// The machine a file is checked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The CPUs the process may use.
    pub cpus: Vec<usize>,
    /// Whether a CPU that is not among them is an error. It is a warning when a file for another
    /// machine is checked.
    pub strict: bool,
}

impl Machine {
    /// The machine the node will run on.
    #[must_use]
    pub fn this(cpus: Vec<usize>) -> Self {
        Self { cpus, strict: true }
    }

    /// A machine that may not be the one the file is for.
    #[must_use]
    pub fn other(cpus: Vec<usize>) -> Self {
        Self {
            cpus,
            strict: false,
        }
    }
}

/// CPUs and memory, every default resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// The CPU of the main lcore and of all management. On a machine with a single CPU it is also
    /// the worker's.
    pub main_cpu: usize,
    /// The CPUs of the workers, in the order of the file, without duplicates, at least one.
    pub worker_cpus: Vec<usize>,
    /// Where packet memory comes from.
    pub memory: Memory,
    /// All memory DPDK takes, in MiB.
    pub memory_mib: u32,
    /// The directory where hugepages are mounted; `None` uses them without files.
    pub huge_dir: Option<String>,
    /// Octets kept free in front of each frame.
    pub headroom: u16,
    /// Packet buffers of each port's pool.
    pub buffers: u32,
    /// Packets received at once, 1 to 64.
    pub burst: u16,
    /// DPDK's file prefix; `None` leaves the choice to the program.
    pub file_prefix: Option<String>,
}

/// A port as DPDK sets it up, every default resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRuntime {
    /// The operator's name for it.
    pub name: String,
    /// The device in the form DPDK takes: a full PCI address, or a virtual device with arguments.
    pub device: String,
    /// Whether `device` is a PCI address.
    pub is_pci: bool,
    /// Receive queues.
    pub queues: u16,
    /// Descriptors of each receive queue.
    pub rx_descriptors: u16,
    /// Descriptors of each transmit queue.
    pub tx_descriptors: u16,
    /// The largest layer-3 packet, in octets.
    pub mtu: u16,
    /// Whether frames for other stations are received.
    pub promiscuous: bool,
    /// Megabits a second, when the file says; the program takes the link's speed otherwise.
    pub speed: Option<u32>,
    /// Octets each buffer of the port's pool needs behind its headroom, for the largest frame.
    pub frame_room: u32,
}

/// Fixed measurements in place of real ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Simulate {
    /// When every packet arrives.
    pub clock: WallTime,
    /// How long every packet stays in the node, in nanoseconds.
    pub transit_delay: u32,
    /// The depth of every output queue, in packets.
    pub queue_depth: u32,
    /// Octets of packet memory in use.
    pub buffer_occupancy: u32,
}

/// A configuration that has been checked. There is no other way to get one.
#[derive(Clone, Debug, PartialEq)]
pub struct Valid {
    spec: NodeSpec,
    runtime: Runtime,
    ports: Vec<PortRuntime>,
    lines: Option<Lines>,
    collectors: Vec<Collector>,
    path_interval: Duration,
    simulate: Option<Simulate>,
    control: Control,
    metrics: Option<SocketAddr>,
}

impl Valid {
    /// What the data plane is told, with the Ethernet addresses of the ports in their order; a
    /// port without one keeps all zeros. Its `entropy` comes from the kernel, or from
    /// `simulate.seed` where there is one; it is the same each time this is asked.
    #[must_use]
    pub fn node_spec(&self, macs: &[[u8; 6]]) -> NodeSpec {
        let mut spec = self.spec.clone();
        for (port, mac) in spec.ports.iter_mut().zip(macs) {
            port.mac = *mac;
        }
        spec
    }

    /// CPUs and memory.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The ports in their order.
    #[must_use]
    pub fn ports(&self) -> &[PortRuntime] {
        &self.ports
    }

    /// Where records go as lines of JSON; `None` discards them.
    #[must_use]
    pub fn lines(&self) -> Option<&Lines> {
        self.lines.as_ref()
    }

    /// Collectors of IPFIX in their order.
    #[must_use]
    pub fn collectors(&self) -> &[Collector] {
        &self.collectors
    }

    /// How long delays along a path are gathered before collectors get them.
    #[must_use]
    pub fn path_interval(&self) -> Duration {
        self.path_interval
    }

    /// The control socket.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Where the metrics are served, if anywhere.
    #[must_use]
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Fixed measurements, when the file asks for them.
    #[must_use]
    pub fn simulate(&self) -> Option<&Simulate> {
        self.simulate.as_ref()
    }
}

/// What the checks of one part need to know of the others.
struct Surroundings<'a> {
    ports: &'a [PortSpec],
    namespaces: &'a [NamespaceSpec],
    headroom: u16,
    has_node_id: bool,
    has_wide_node_id: bool,
}

/// Checks the model; what is wrong goes to `problems`, and the result counts only without errors.
/// Files that it names are in `folder`.
pub(crate) fn validate(
    model: &Model,
    folder: &Path,
    machine: &Machine,
    problems: &mut Problems,
) -> Valid {
    let (port_specs, ports) = ports::ports(model, problems);
    let runtime = runtime::runtime(model, machine, &ports, problems);
    runtime::cards_need_hugepages(model, problems);
    let forwarding = forwarding::forwarding(model, &port_specs, problems);
    let node = model.node.clone().unwrap_or_default();
    let namespaces = node::namespaces(model, folder, problems);
    let node_id_wide = get(&node.id_wide, problems).map(|id| id.0);
    let around = Surroundings {
        ports: &port_specs,
        namespaces: &namespaces,
        headroom: runtime.headroom,
        has_node_id: node.id.is_some(),
        has_wide_node_id: node_id_wide.is_some(),
    };
    let profiles = profiles::profiles(model, &around, problems);
    let probes = probes::probes(model, &around, &profiles, problems);
    let simulate = node::simulate(model, problems);
    let collectors = collectors::collectors(model, folder, problems);
    let mut receivers = probes::receivers(model, problems);
    receivers.extend(collectors::receivers(&collectors));
    let spec = NodeSpec {
        node_id: get(&node.id, problems).map(|id| id.0),
        node_id_wide,
        policy: node::policy(&node, problems),
        ports: port_specs,
        namespaces,
        profiles,
        forwarding,
        probes,
        limits: node::limits(&node, problems),
        receivers,
        flows: node::flows(&node, problems),
        seed: node::seed(model, problems),
        entropy: node::entropy(model, problems),
        workers: u16::try_from(runtime.worker_cpus.len()).unwrap_or(u16::MAX),
    };
    node::silent_node(model, &spec, problems);
    node::idle_loopback(&node, &spec, problems);
    proof_of_transit::needless_secrets(model, &spec, problems);
    collectors::readable(model, &collectors, &spec, problems);
    let keys = model.export.as_ref();
    let path_seconds = keys.and_then(|export| get(&export.path_seconds, problems));
    let path_seconds = path_seconds.map_or(10, |seconds| seconds.0);
    Valid {
        spec,
        runtime,
        ports,
        lines: lines::lines(model, problems),
        collectors,
        path_interval: Duration::from_secs(path_seconds.into()),
        simulate,
        control: observe::control(model, problems),
        metrics: observe::metrics(model, problems),
    }
}

/// The index of the port with this name; an unknown name is an error.
fn port_index(name: &Scalar<Text>, ports: &[PortSpec], problems: &mut Problems) -> Option<u8> {
    let text = name.get(problems)?.0;
    let index = ports.iter().position(|port| port.name == text);
    if index.is_none() {
        let names = ports.iter().map(|port| port.name.as_str());
        problems.error(
            name.place,
            format!("no port is named `{text}`"),
            suggest::help(&text, "the ports are", names),
        );
    }
    index.and_then(|index| u8::try_from(index).ok())
}

/// Refuses the keys that are present and mean nothing beside `setting`.
fn refuse(keys: &[(&str, Option<Place>)], setting: &str, problems: &mut Problems) {
    for (key, place) in keys {
        if let Some(place) = *place {
            let what = format!("`{key}` means nothing with `{setting}`");
            problems.error(place, what, format!("remove `{key}`"));
        }
    }
}
