// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `runtime`: CPUs and memory.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scalar::{Located, Scalar};
use crate::text::{Memory, Number, Text};

/// The number of a CPU as Linux counts them.
pub type Cpu = Number<usize, 0, 1023>;

/// CPUs and memory.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Runtime {
    /// The CPU for everything that is no packet; default: the lowest allowed CPU that is no
    /// worker.
    pub main_cpu: Option<Scalar<Cpu>>,
    /// The CPUs that poll ports, each fully busy; default: the highest allowed CPU.
    pub worker_cpus: Option<Located<Vec<Scalar<Cpu>>>>,
    /// Where packet memory comes from.
    #[schemars(extend("default" = "hugepages"))]
    pub memory: Option<Scalar<Memory>>,
    /// All memory DPDK takes, in MiB; default: what the packet buffers need, and some more.
    pub memory_mib: Option<Scalar<Number<u32, 64, 1_048_576>>>,
    /// The directory where hugepages are mounted; omitted, hugepages are used without files.
    pub huge_dir: Option<Scalar<Text>>,
    /// Octets kept free in front of each frame, where headers grow: a multiple of 64, 128 to 1024.
    #[schemars(extend("default" = 384, "multipleOf" = 64))]
    pub headroom: Option<Scalar<Number<u16, 128, 1024>>>,
    /// Packet buffers of each port; default: 8192, or more when queues and descriptors need more.
    #[schemars(extend("default" = 8192))]
    pub buffers: Option<Scalar<Number<u32, 64, 4_194_304>>>,
    /// Packets received at once, 1 to 64.
    #[schemars(extend("default" = 32))]
    pub burst: Option<Scalar<Number<u16, 1, 64>>>,
    /// Tells several DPDK processes on one machine apart; default: `ioam-` and the process id.
    pub file_prefix: Option<Scalar<Text>>,
}
