// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The neighbour: DPDK's own `dpdk-testpmd`, swapping MAC addresses on a port of the same kind.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::case::BURST;
use crate::machine::{Memory, Processors, eal_arguments};
use crate::rig::{Ports, Sample};

/// Packets in a sample that says more about forwarding than about starting to.
const FEWEST: u64 = 100_000;
const ATTEMPTS: usize = 5;
/// How long it may take to end when asked.
const PATIENCE: Duration = Duration::from_millis(20);
const TRIES: usize = 200;

/// A running testpmd, idle between samples.
#[derive(Debug)]
pub(crate) struct Testpmd {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// `start`, with the packets to begin with where there are none.
    start: String,
}

impl Testpmd {
    /// Starts it; frames have `octets`.
    pub(crate) fn start(
        processors: Processors,
        memory: Memory,
        ports: Ports,
        in_flight: usize,
        octets: usize,
    ) -> Result<Self> {
        let Processors { main, worker } = processors;
        // A null port has packets by itself; a ring has those it starts with.
        let (device, start) = match ports {
            Ports::Ring => (
                "net_ring0".to_owned(),
                format!("start tx_first {}", in_flight / BURST),
            ),
            Ports::Null => (format!("net_null0,size={octets}"), "start".to_owned()),
        };
        // Its output would come when a buffer is full, not when a line is.
        let mut child = Command::new("stdbuf")
            .args(["-oL", "dpdk-testpmd"])
            .args(eal_arguments(main, &[worker], memory, "testpmd"))
            .args([
                "--vdev",
                device.as_str(),
                "--",
                "-i",
                "--forward-mode=macswap",
            ])
            .args(["--record-core-cycles", "--total-num-mbufs=2048"])
            .arg(format!("--burst={BURST}"))
            .arg(format!("--txpkts={octets}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start dpdk-testpmd: install the package dpdk-dev")?;
        let input = child.stdin.take().context("no way to talk to testpmd")?;
        let output = child.stdout.take().context("no way to hear testpmd")?;
        let mut testpmd = Self {
            child,
            input,
            output: BufReader::new(output),
            start,
        };
        testpmd.line_with("Done")?;
        Ok(testpmd)
    }

    /// Lets it forward for so long, again where it hardly got the processor.
    pub(crate) fn sample(&mut self, duration: Duration) -> Result<Sample> {
        let mut sample = self.forward(duration)?;
        for _ in 1..ATTEMPTS {
            if sample.packets >= FEWEST {
                break;
            }
            sample = self.forward(duration)?;
        }
        Ok(sample)
    }

    fn forward(&mut self, duration: Duration) -> Result<Sample> {
        let before = self.worker_nanoseconds()?;
        self.say(&self.start.clone())?;
        thread::sleep(duration);
        self.say("stop")?;
        let line = self.line_with("CPU cycles/packet=")?;
        self.line_with("Done")?;
        let number = |name: &str| -> Option<u64> {
            let (_, behind) = line.split_once(name)?;
            let end = behind.find(|c: char| !c.is_ascii_digit());
            behind.get(..end.unwrap_or(behind.len()))?.parse().ok()
        };
        let counts = number("total cycles=").zip(number("macswap packets="));
        let (ticks, packets) = counts.with_context(|| format!("testpmd said: {line}"))?;
        if packets == 0 {
            bail!("testpmd forwarded nothing");
        }
        let nanoseconds = self.worker_nanoseconds()?.saturating_sub(before);
        Ok(Sample {
            packets,
            ticks,
            nanoseconds,
            restoring: 0.0,
        })
    }

    fn say(&mut self, words: &str) -> Result<()> {
        writeln!(self.input, "{words}")?;
        self.input.flush()?;
        Ok(())
    }

    /// Reads on until a line has `words` in it.
    fn line_with(&mut self, words: &str) -> Result<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line)? == 0 {
                return Err(self.end());
            }
            if line.contains(words) {
                return Ok(line);
            }
        }
    }

    /// Why it ended by itself.
    fn end(&mut self) -> anyhow::Error {
        let mut said = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            // What it could say before it died is all there is.
            let _ = stderr.read_to_string(&mut said);
        }
        anyhow!("dpdk-testpmd ended by itself; it said:\n{said}")
    }

    /// Nanoseconds its forwarding thread has run so far. It sleeps now, so the figure is exact.
    fn worker_nanoseconds(&self) -> Result<u64> {
        let tasks = format!("/proc/{}/task", self.child.id());
        for task in fs::read_dir(&tasks).context("testpmd is gone")?.flatten() {
            let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if name.contains("worker-1") {
                return first_number(&task.path().join("schedstat"));
            }
        }
        bail!("testpmd has no forwarding thread")
    }
}

fn first_number(path: &Path) -> Result<u64> {
    let text = fs::read_to_string(path)?;
    let first = text.split_whitespace().next();
    first
        .and_then(|first| first.parse().ok())
        .with_context(|| format!("{} is not as expected: {text}", path.display()))
}

impl Drop for Testpmd {
    fn drop(&mut self) {
        // Gone already, perhaps; then there is nothing to do.
        let _ = self.say("quit");
        for _ in 0..TRIES {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(PATIENCE);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
