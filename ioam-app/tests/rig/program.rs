// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The program over capture files: the same frames through real mbufs, or through `ioam replay`.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{Folder, pcap};

/// Which half of the program forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// `ioam run` on `net_pcap` ports: DPDK, its mbufs, a worker lcore.
    Run,
    /// `ioam replay`: files without DPDK.
    Replay,
}

/// What a node made of a capture.
pub(crate) struct Passed {
    /// What left by `west`.
    pub(crate) frames: Vec<Vec<u8>>,
    /// Records of decapsulated traces.
    pub(crate) records: Vec<Value>,
    /// The final statistics.
    pub(crate) stats: Value,
}

/// The program, to be given arguments.
pub(crate) fn ioam() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ioam"))
}

/// Runs it to its end.
pub(crate) fn finish(command: &mut Command) -> (Output, String, String) {
    let output = command.output().unwrap();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

/// Lets `frames` arrive at port `east` of a node with the ports `east` and `west`. In `config` the
/// devices are written `EAST` and `WEST`, and the record file `RECORDS`.
pub(crate) fn pass<F: AsRef<[u8]>>(engine: Engine, config: &str, frames: &[F]) -> Passed {
    let folder = Folder::new();
    let [input, output, records] =
        ["in.pcap", "out.pcap", "records.ndjson"].map(|name| folder.file(name));
    pcap::write(&input, 1_723_560_226, frames);
    let devices = [
        ("EAST", format!("net_pcap0,rx_pcap={}", input.display())),
        ("WEST", format!("net_pcap1,tx_pcap={}", output.display())),
        ("RECORDS", records.display().to_string()),
    ];
    let text = devices
        .iter()
        .fold(config.to_owned(), |text, (from, to)| text.replace(from, to));
    let file = folder.write("node.yaml", &text);
    let mut command = ioam();
    match engine {
        Engine::Run => {
            command
                .args(["run", "--json", "--until-idle", "300", "--config"])
                .arg(&file);
        }
        Engine::Replay => {
            let place = |port: &str, path: &Path| format!("{port}={}", path.display());
            command.args(["replay", "--json", "--config"]).arg(&file);
            command.args([
                "--in",
                &place("east", &input),
                "--out",
                &place("west", &output),
            ]);
            command.arg("--records").arg(&records);
        }
    }
    let (ended, out, err) = finish(&mut command);
    assert!(
        ended.status.success(),
        "{engine:?}: {}\n{err}\n{text}",
        ended.status
    );
    Passed {
        frames: pcap::read(&output),
        records: lines(&records),
        stats: serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{err}")),
    }
}

/// The objects of a file with one in each line; none where there is no file.
pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
