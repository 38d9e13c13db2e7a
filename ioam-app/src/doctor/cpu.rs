// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The CPUs of the workers: near the cards, left alone by the kernel, fast, and with a core to
//! themselves. And the counter that times packets.

use super::card::kernel_words;
use super::{Examination, Finding};
use crate::host::{Host, cpu_list, cpu_text};

const CPUS: &str = "/sys/devices/system/cpu";

pub(super) fn examine(examination: &Examination<'_>) -> Vec<Finding> {
    let mut findings = Vec::from_iter(presence(examination));
    findings.extend(locality(examination));
    findings.extend(isolation(examination));
    findings.extend(governor(examination));
    findings.extend(siblings(examination));
    findings.extend(counter(examination.host));
    findings
}

/// Whether there are the CPUs at all.
fn presence(examination: &Examination<'_>) -> Option<Finding> {
    const CHECK: &str = "cpus";
    let online = cpu_list(&examination.host.read(&format!("{CPUS}/online"))?);
    let workers = examination.workers();
    if workers.is_empty() {
        return None;
    }
    let missing: Vec<usize> = workers
        .iter()
        .copied()
        .filter(|cpu| !online.contains(cpu))
        .collect();
    if missing.is_empty() {
        return Some(Finding::ok(
            CHECK,
            format!("the workers' are there: {}", cpu_text(workers)),
        ));
    }
    let found = format!(
        "this machine has {}, and no {}",
        cpu_text(&online),
        cpu_text(&missing)
    );
    let finding = Finding::error(CHECK, found).why("each worker needs a CPU of its own");
    Some(finding.mend("lscpu -e # and correct `worker-cpus` in the file"))
}

/// Whether cards and workers are on one NUMA node.
fn locality(examination: &Examination<'_>) -> Vec<Finding> {
    const CHECK: &str = "numa";
    const WHY: &str = "each packet crosses the link between the sockets, which halves the rate";
    let host = examination.host;
    let workers = examination.workers();
    if workers.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut nodes: Vec<usize> = examination
        .cards
        .iter()
        .filter_map(|c| c.numa_node)
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    if nodes.len() > 1 {
        let found = format!("the cards are on NUMA nodes {}", cpu_text(&nodes));
        findings.push(Finding::warn(CHECK, found).why(WHY).mend(
            "give each node's cards an `ioam run` of its own, or put the cards into one socket's slots",
        ));
    }
    for node in nodes {
        let list = host.read(&format!("/sys/devices/system/node/node{node}/cpulist"));
        let Some(local) = list.map(|text| cpu_list(&text)) else {
            continue;
        };
        let far: Vec<usize> = workers
            .iter()
            .copied()
            .filter(|w| !local.contains(w))
            .collect();
        findings.push(if far.is_empty() {
            Finding::ok(CHECK, format!("all workers are on the cards' node {node}"))
        } else {
            let main = examination.node.map(|n| n.runtime().main_cpu);
            let near = local.iter().copied().filter(|cpu| Some(*cpu) != main);
            let near: Vec<usize> = near.take(workers.len()).collect();
            let found = format!("CPU {} is not on the cards' node {node}", cpu_text(&far));
            Finding::warn(CHECK, found).why(WHY).mend(format!(
                "worker-cpus: [{}] # in the file",
                cpu_text(&near).replace(',', ", ")
            ))
        });
    }
    findings
}

/// Whether the kernel keeps other work and its own ticks off the workers.
fn isolation(examination: &Examination<'_>) -> Vec<Finding> {
    let workers = examination.workers();
    let checks = [
        (
            "isolcpus",
            "isolated",
            "any program may be put onto a worker's CPU and stop it for milliseconds",
        ),
        (
            "nohz-full",
            "nohz_full",
            "the kernel's tick stops a worker some hundred times a second",
        ),
    ];
    let words = {
        let list = cpu_text(workers);
        format!("isolcpus={list} nohz_full={list} rcu_nocbs={list}")
    };
    let mut findings = Vec::new();
    for (check, file, why) in checks {
        let text = examination.host.read(&format!("{CPUS}/{file}"));
        let isolated = cpu_list(text.as_deref().unwrap_or_default());
        let open: Vec<usize> = workers
            .iter()
            .copied()
            .filter(|w| !isolated.contains(w))
            .collect();
        findings.push(if workers.is_empty() {
            let list = if isolated.is_empty() {
                "none".to_owned()
            } else {
                cpu_text(&isolated)
            };
            Finding::info(check, format!("CPUs: {list}"))
        } else if open.is_empty() {
            Finding::ok(
                check,
                format!("holds for all workers: {}", cpu_text(workers)),
            )
        } else {
            Finding::warn(
                check,
                format!("not in it, of the workers' CPUs: {}", cpu_text(&open)),
            )
            .why(why)
            .mend(kernel_words(&words))
        });
    }
    findings
}

/// The CPUs to look at: the workers', or all.
fn cpus(examination: &Examination<'_>) -> Vec<usize> {
    if examination.workers().is_empty() {
        let online = examination.host.read(&format!("{CPUS}/online"));
        cpu_list(online.as_deref().unwrap_or_default())
    } else {
        examination.workers().to_vec()
    }
}

fn governor(examination: &Examination<'_>) -> Option<Finding> {
    const CHECK: &str = "governor";
    let host = examination.host;
    let file = |cpu: usize| format!("{CPUS}/cpu{cpu}/cpufreq/scaling_governor");
    let all: Vec<(usize, String)> = cpus(examination)
        .into_iter()
        .filter_map(|cpu| Some((cpu, host.read(&file(cpu))?)))
        .collect();
    let Some((_, first)) = all.first() else {
        return Some(Finding::ok(
            CHECK,
            "the kernel does not change this machine's CPU clock",
        ));
    };
    let slow: Vec<&(usize, String)> = all.iter().filter(|g| g.1 != "performance").collect();
    let Some((_, name)) = slow.first() else {
        return Some(Finding::ok(CHECK, first.clone()));
    };
    let numbers: Vec<usize> = slow.iter().map(|governor| governor.0).collect();
    let list = cpu_text(&numbers);
    let places = match numbers.as_slice() {
        [one] => file(*one),
        _ => format!("{CPUS}/cpu{{{list}}}/cpufreq/scaling_governor"),
    };
    Some(
        Finding::warn(CHECK, format!("{name} on CPU {list}"))
            .why("a CPU that slows down between bursts receives the next one late")
            .mend(format!("echo performance | tee {places}")),
    )
}

/// Whether two threads that poll, or one and the main CPU, share a core.
fn siblings(examination: &Examination<'_>) -> Vec<Finding> {
    const CHECK: &str = "smt";
    const WHY: &str = "two threads of a core share its units: a worker runs at about 60 %";
    let host = examination.host;
    let workers = examination.workers();
    let Some(node) = examination.node else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut told = Vec::new();
    for worker in workers {
        let list = host.read(&format!("{CPUS}/cpu{worker}/topology/thread_siblings_list"));
        let others = cpu_list(list.as_deref().unwrap_or_default());
        for other in others.into_iter().filter(|other| other != worker) {
            let pair = (other.min(*worker), other.max(*worker));
            if told.contains(&pair) {
                continue;
            }
            told.push(pair);
            let found = format!("CPU {other} is a thread of worker {worker}'s core");
            findings.push(if workers.contains(&other) {
                Finding::warn(CHECK, format!("{found}, and a worker too"))
                    .why(WHY)
                    .mend("worker-cpus: one thread of each core; lscpu -e lists them")
            } else if node.runtime().main_cpu == other {
                Finding::warn(CHECK, format!("{found}, and the main CPU"))
                    .why(WHY)
                    .mend("main-cpu: a thread of another core; lscpu -e lists them")
            } else {
                Finding::info(CHECK, found)
                    .why("what runs there slows the worker down")
                    .mend(format!("echo 0 > {CPUS}/cpu{other}/online"))
            });
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "each worker has a core to itself"));
    }
    findings
}

/// Whether the time stamp counter, which times packets, runs evenly.
fn counter(host: &Host<'_>) -> Option<Finding> {
    const CHECK: &str = "tsc";
    let text = host.read("/proc/cpuinfo")?;
    let flags = text.lines().find(|line| line.starts_with("flags"))?;
    let has = |flag: &str| flags.split_whitespace().any(|word| word == flag);
    let missing: Vec<&str> = ["constant_tsc", "nonstop_tsc"]
        .into_iter()
        .filter(|flag| !has(flag))
        .collect();
    Some(if missing.is_empty() {
        Finding::ok(CHECK, "runs evenly")
    } else {
        Finding::warn(
            CHECK,
            format!("the CPU does not promise {}", missing.join(" and ")),
        )
        .why("packets are timed with this counter: timestamps and transit delays drift")
        .mend("use a machine whose /proc/cpuinfo has both; a virtual machine may hide them")
    })
}
