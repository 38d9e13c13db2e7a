// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a running node cannot change: its ports, its workers and its outputs.

use ioam_config::{Change, Loaded, PortRuntime, Runtime};

use crate::runtime::plan::Plan;

/// What a node runs with.
#[derive(Clone, Debug)]
pub struct Running {
    /// The configuration.
    pub loaded: Loaded,
    /// Who polls what.
    pub plan: Plan,
}

/// Keys of these parts are read once, when the node starts; the parts of `simulate` but its seed are.
const AT_START: [&str; 4] = ["control", "metrics", "export", "simulate"];

/// Below these, keys are taken over all the same.
const TAKEN_OVER: [&str; 2] = ["export.receivers", "simulate.seed"];

/// What of `new` needs a restart: each by its key, with what to do.
#[must_use]
pub fn restarts(running: &Running, new: &Loaded, plan: &Plan, changes: &[Change]) -> Vec<String> {
    let (old, new) = (&running.loaded.valid, &new.valid);
    let mut found = runtime(old.runtime(), new.runtime());
    found.extend(ports(old.ports(), new.ports()));
    let below = |key: &str, part: &str| {
        key.strip_prefix(part)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let at_start = changes.iter().filter(|change| {
        let within = |parts: &[&str]| parts.iter().any(|part| below(&change.key, part));
        within(&AT_START) && !within(&TAKEN_OVER)
    });
    found.extend(at_start.map(|change| change.key.clone()));
    if found.is_empty() {
        found.extend(queues(&running.plan, plan));
    }
    let mend =
        |key| format!("{key} is set when the node starts: restart it, or leave the key as it is");
    found.into_iter().map(mend).collect()
}

fn runtime(old: &Runtime, new: &Runtime) -> Vec<String> {
    let keys = [
        ("main-cpu", old.main_cpu == new.main_cpu),
        ("worker-cpus", old.worker_cpus == new.worker_cpus),
        ("memory", old.memory == new.memory),
        ("memory-mib", old.memory_mib == new.memory_mib),
        ("huge-dir", old.huge_dir == new.huge_dir),
        ("headroom", old.headroom == new.headroom),
        ("buffers", old.buffers == new.buffers),
        ("burst", old.burst == new.burst),
        ("file-prefix", old.file_prefix == new.file_prefix),
    ];
    let changed = keys.iter().filter(|(_, same)| !same);
    changed.map(|(key, _)| format!("runtime.{key}")).collect()
}

fn ports(old: &[PortRuntime], new: &[PortRuntime]) -> Vec<String> {
    let names = |ports: &[PortRuntime]| {
        let names: Vec<String> = ports.iter().map(|port| port.name.clone()).collect();
        names
    };
    if names(old) != names(new) {
        return vec!["ports: which there are, their names and their order".to_owned()];
    }
    let mut found = Vec::new();
    for (old, new) in old.iter().zip(new) {
        let keys = [
            ("device", old.device == new.device),
            ("queues", old.queues == new.queues),
            ("rx-descriptors", old.rx_descriptors == new.rx_descriptors),
            ("tx-descriptors", old.tx_descriptors == new.tx_descriptors),
            ("mtu", old.mtu == new.mtu),
            ("promiscuous", old.promiscuous == new.promiscuous),
        ];
        let changed = keys.iter().filter(|(_, same)| !same);
        found.extend(changed.map(|(key, _)| format!("ports[{}].{key}", old.name)));
    }
    found
}

/// Transmit queues that workers would need and do not have.
fn queues(old: &Plan, new: &Plan) -> Vec<String> {
    let ports = |worker: &crate::runtime::plan::WorkerPlan| {
        let ports: Vec<u8> = worker.sends.iter().map(|(port, _)| *port).collect();
        ports
    };
    let workers = old.workers.iter().zip(&new.workers);
    let lacking = workers.flat_map(|(old, new)| {
        let has = ports(old);
        let wants = ports(new).into_iter();
        wants.filter(move |port| !has.contains(port))
    });
    let mut lacking: Vec<u8> = lacking.collect();
    lacking.sort_unstable();
    lacking.dedup();
    let name = |port: u8| {
        old.ports
            .get(usize::from(port))
            .map(|port| port.name.clone())
    };
    let names: Vec<String> = lacking.into_iter().filter_map(name).collect();
    if names.is_empty() {
        return names;
    }
    vec![format!(
        "forwarding: that packets leave by {} (or an `address` there) needs transmit queues, which",
        names.join(" and ")
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ioam_config::{Machine, parse};

    const NODE: &str = "runtime: {main-cpu: 0, worker-cpus: [1, 2]}
ports: [{name: east, device: net_null0}, {name: west, device: net_null1}]
forwarding: {pairs: [[east, west]]}
namespaces: [{id: 1}]
";

    fn loaded(text: &str) -> Loaded {
        let machine = Machine::this(vec![0, 1, 2]);
        parse("f.yaml", text, &machine).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn needed(text: &str) -> Vec<String> {
        let (old, new) = (loaded(NODE), loaded(text));
        let running = Running {
            plan: Plan::new(&old.valid, ""),
            loaded: old,
        };
        let changes = ioam_config::changes(&running.loaded.text, &new.text);
        restarts(&running, &new, &Plan::new(&new.valid, ""), &changes)
    }

    #[test]
    fn a_worker_that_would_need_another_transmit_queue_is_started_anew() {
        // Each worker polls one port: with an address it also answers where it listens.
        let text = NODE.replace("net_null0}", "net_null0, address: \"2001:db8::1\"}");
        let found = needed(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("transmit queues"), "{found:?}");
    }

    #[test]
    fn what_the_tables_hold_needs_no_restart() {
        let none: [String; 0] = [];
        assert_eq!(needed(NODE), none);
        assert_eq!(needed(&NODE.replace("{id: 1}", "{id: 1}, {id: 2}")), none);
    }
}
