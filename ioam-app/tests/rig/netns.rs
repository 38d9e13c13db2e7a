// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Network namespaces joined by veth pairs, gone again when dropped.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::run;

/// What the names of all namespaces of the rig begin with; the process id follows.
const PREFIX: &str = "ioamrig";

/// A network namespace. Its name is unique on the machine.
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    pub(crate) fn new(role: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            remove_orphans();
        }
        let name = format!("{PREFIX}-{}-{number}-{role}", std::process::id());
        run(&["ip", "netns", "add", &name]);
        let namespace = Self { name };
        namespace.ip("link set lo up");
        namespace
    }

    /// `ip …` in this namespace; words are separated by spaces.
    pub(crate) fn ip(&self, words: &str) -> String {
        let mut all = vec!["ip", "-n", &self.name];
        all.extend(words.split_whitespace());
        run(&all)
    }

    /// A command that will run in this namespace.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Sets kernel parameters, written `net.ipv6.conf.all.forwarding=1`.
    pub(crate) fn sysctl(&self, settings: &[&str]) {
        let mut words = vec!["ip", "netns", "exec", &self.name, "sysctl", "-q", "-w"];
        words.extend(settings);
        run(&words);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Veth pairs go with it. It may be gone already.
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .output();
    }
}

/// Removes namespaces of test processes that were killed.
fn remove_orphans() {
    for line in run(&["ip", "netns", "list"]).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let mut parts = name.split('-');
        let (prefix, pid) = (parts.next(), parts.next());
        let alive = pid.is_some_and(|pid| Path::new("/proc").join(pid).exists());
        if prefix == Some(PREFIX) && !alive {
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}

/// One end of a veth pair: where it is, its name there, and its Ethernet address.
#[derive(Clone)]
pub(crate) struct End<'a> {
    pub(crate) at: &'a Namespace,
    pub(crate) name: &'static str,
    pub(crate) mac: [u8; 6],
}

impl End<'_> {
    pub(crate) fn mac_text(&self) -> String {
        self.mac.map(|octet| format!("{octet:02x}")).join(":")
    }

    /// Whether the kernel hands over frames with checksums it left to hardware.
    pub(crate) fn offload(&self, state: &str) {
        let features = ["tx", "rx", "tso", "gso", "gro", "sg"];
        let mut words = vec![
            "ip",
            "netns",
            "exec",
            &self.at.name,
            "ethtool",
            "-K",
            self.name,
        ];
        features
            .iter()
            .for_each(|feature| words.extend([*feature, state]));
        // Some cannot be changed on every kernel; those that matter can.
        let _ = Command::new(words[0]).args(&words[1..]).output();
    }

    /// Keeps the kernel from speaking IPv6 here: the end belongs to a node that is not it.
    pub(crate) fn silence(&self) {
        self.at
            .sysctl(&[&format!("net.ipv6.conf.{}.disable_ipv6=1", self.name)]);
    }
}

/// A cable between two namespaces: offloads off, so that frames are what is on a wire.
pub(crate) fn cable<'a>(
    (left, left_name): (&'a Namespace, &'static str),
    (right, right_name): (&'a Namespace, &'static str),
    mtu: u16,
) -> (End<'a>, End<'a>) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let end = |at, name| {
        let number = u16::try_from(NUMBER.fetch_add(1, Ordering::Relaxed)).unwrap();
        let [high, low] = number.to_be_bytes();
        End {
            at,
            name,
            mac: [2, 0, 0, 0xEE, high, low],
        }
    };
    let (a, b) = (end(left, left_name), end(right, right_name));
    let words = format!(
        "ip link add {} address {} mtu {mtu} netns {} type veth peer name {} address {} mtu {mtu} netns {}",
        a.name,
        a.mac_text(),
        a.at.name,
        b.name,
        b.mac_text(),
        b.at.name
    );
    run(&words.split(' ').collect::<Vec<_>>());
    for end in [&a, &b] {
        let key = |what: &str| format!("net.ipv6.conf.{}.{what}=0", end.name);
        let quiet = ["accept_dad", "accept_ra", "router_solicitations"].map(key);
        end.at.sysctl(&quiet.each_ref().map(String::as_str));
        end.offload("off");
        end.at.ip(&format!("link set {} up promisc on", end.name));
    }
    (a, b)
}
