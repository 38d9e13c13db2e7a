// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Two network namespaces joined by two veth pairs, gone again when dropped, and what the kernel
//! counts in them.
//!
//! ```text
//!   ends: a0 ──────── a1 :middle: b1 ──────── b0 :ends
//! ```

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// The MAC addresses of the frames that are sent: the kernel writes the same ones again.
const SOURCE: &str = "02:00:00:00:00:a1";
const DESTINATION: &str = "02:00:00:00:00:b1";

/// The two namespaces.
pub(crate) struct Veth {
    ends: String,
    middle: String,
}

impl Veth {
    /// Makes them, with the kernel as a transit node in the middle.
    pub(crate) fn new() -> Result<Self> {
        let name = |role| format!("ioambench-{}-{role}", std::process::id());
        let veth = Self {
            ends: name("ends"),
            middle: name("middle"),
        };
        let (ends, middle) = (&veth.ends, &veth.middle);
        let cables = [("a0", "a1"), ("b0", "b1")];
        run(&format!("ip netns add {ends}"))?;
        run(&format!("ip netns add {middle}"))?;
        for (outer, inner) in cables {
            run(&format!(
                "ip -n {ends} link add {outer} type veth peer name {inner} netns {middle}"
            ))?;
            veth.quiet(ends, outer)?;
        }
        run(&format!("ip -n {middle} link set a1 address {DESTINATION}"))?;
        run(&format!("ip -n {middle} link set b1 address {SOURCE}"))?;
        for interface in ["a1", "b1"] {
            veth.sysctl(&format!("net.ipv6.conf.{interface}.accept_dad=0"))?;
        }
        for (outer, inner) in cables {
            for (at, interface) in [(ends, outer), (middle, inner)] {
                let exec = format!("ip netns exec {at}");
                // Not every kernel can turn all of them off.
                let off = "tx off rx off tso off gso off gro off sg off";
                run(&format!("{exec} ethtool -K {interface} {off}")).ok();
                run(&format!("ip -n {at} link set {interface} up"))?;
            }
        }
        veth.transit()?;
        Ok(veth)
    }

    /// The kernel's node is the one that our frames expect.
    fn transit(&self) -> Result<()> {
        let middle = &self.middle;
        for setting in [
            "net.ipv6.conf.all.forwarding=1",
            "net.ipv6.ioam6_id=720897",
            "net.ipv6.conf.a1.ioam6_enabled=1",
            "net.ipv6.conf.a1.ioam6_id=2833",
            "net.ipv6.conf.b1.ioam6_id=2850",
        ] {
            self.sysctl(setting)?;
        }
        run(&format!("ip -n {middle} ioam namespace add 123"))
    }

    /// Whether the kernel forwards by itself what arrives.
    pub(crate) fn forward(&self, yes: bool) -> Result<()> {
        let (middle, off) = (&self.middle, u8::from(!yes));
        self.sysctl(&format!("net.ipv6.conf.a1.disable_ipv6={off}"))?;
        if !yes {
            return Ok(());
        }
        // Gone with the addresses, and whenever a program that held an interface ended.
        self.sysctl("net.ipv6.conf.a1.ioam6_enabled=1")?;
        run(&format!(
            "ip -n {middle} neigh replace fe80::b1 lladdr {DESTINATION} dev b1 nud permanent"
        ))?;
        run(&format!(
            "ip -n {middle} route replace 2001:db8:ff::/48 via fe80::b1 dev b1"
        ))
    }

    /// Has this processor receive for a1 what another one sends, or nobody but the sender's.
    pub(crate) fn receive_on(&self, cpu: Option<usize>) -> Result<()> {
        // Hexadecimal words of 32 processors, the last one first.
        let mask = cpu.map_or_else(
            || "0".to_owned(),
            |cpu| {
                let zeros = ",00000000".repeat(cpu / 32);
                format!("{:x}{zeros}", 1_u32 << (cpu % 32))
            },
        );
        let exec = format!("ip netns exec {}", self.middle);
        let mut command = words(&format!(
            "{exec} tee /sys/class/net/a1/queues/rx-0/rps_cpus"
        ))?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().context("no way to write")?;
        std::io::Write::write_all(&mut { input }, mask.as_bytes())?;
        ensure!(
            child.wait()?.success(),
            "cannot choose the CPU that receives"
        );
        Ok(())
    }

    /// Packets that came out at the far end so far.
    pub(crate) fn received(&self) -> Result<u64> {
        let path = "/sys/class/net/b0/statistics/rx_packets";
        let exec = format!("ip netns exec {} cat {path}", self.ends);
        let output = words(&exec)?.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim()
            .parse()
            .with_context(|| format!("{path}: {text}"))
    }

    /// This program again, in one of the namespaces.
    pub(crate) fn again(&self, in_middle: bool) -> Result<Command> {
        let at = if in_middle { &self.middle } else { &self.ends };
        let mut command = Command::new("ip");
        let own = std::env::current_exe().context("this program has no path")?;
        command.args(["netns", "exec", at]).arg(own);
        Ok(command)
    }

    fn quiet(&self, at: &str, interface: &str) -> Result<()> {
        run(&format!(
            "ip netns exec {at} sysctl -q -w net.ipv6.conf.{interface}.disable_ipv6=1"
        ))
    }

    fn sysctl(&self, setting: &str) -> Result<()> {
        let middle = &self.middle;
        run(&format!("ip netns exec {middle} sysctl -q -w {setting}"))
    }
}

impl Drop for Veth {
    fn drop(&mut self) {
        for name in [&self.ends, &self.middle] {
            // The pairs go with them.
            let _ = run(&format!("ip netns del {name}"));
        }
    }
}

/// Why the kernel cannot be measured here.
pub(crate) fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("it needs root, for network namespaces".to_owned());
    }
    if fs::metadata("/proc/sys/net/ipv6/ioam6_id").is_err() {
        return Some("this kernel has no IOAM; Linux 5.15 and later have".to_owned());
    }
    let knows = words("ip ioam namespace show").and_then(|mut ip| Ok(ip.output()?));
    match knows {
        Ok(output) if output.status.success() => None,
        _ => Some("the program `ip` knows no `ip ioam`: install iproute2 5.16 or later".to_owned()),
    }
}

/// Seconds this processor was in the kernel's network code and other softirqs since the start, as the
/// kernel samples it.
pub(crate) fn softirq_seconds(cpu: usize) -> Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let name = format!("cpu{cpu} ");
    let line = text.lines().find(|line| line.starts_with(&name));
    let line = line.context("the processor is not in /proc/stat")?;
    // The name, user, nice, system, idle, iowait, irq, softirq.
    let field = line.split_whitespace().nth(7);
    let ticks: f64 = field.context("/proc/stat has no softirq")?.parse()?;
    Ok(ticks / HERTZ)
}

/// Seconds the first worker of this process has run so far.
pub(crate) fn worker_seconds(process: u32) -> Result<f64> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).context("the node is gone")?;
    for task in tasks.flatten() {
        let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if name.contains("worker-1") {
            let text = fs::read_to_string(task.path().join("schedstat"))?;
            let first = text.split_whitespace().next().unwrap_or_default();
            return Ok(first.parse::<f64>()? / 1e9);
        }
    }
    bail!("the node has no worker")
}

/// What the kernel counts time for programs in.
const HERTZ: f64 = 100.0;

fn words(line: &str) -> Result<Command> {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().context("no command")?);
    command.args(words);
    Ok(command)
}

fn run(line: &str) -> Result<()> {
    let output = words(line)?
        .output()
        .with_context(|| format!("cannot run `{line}`"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("`{line}` failed: {}", said.trim())
}
