// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A folder of captures, configurations of the reference nodes, and the reference packets.

use std::fmt::Write as _;
use std::path::PathBuf;

use ioam_app::replay::capture::{Captured, Reader, Writer};
use ioam_app::replay::{Outcome, PortFile, ReplayArgs, replay};
use ioam_dp::timestamp::WallTime;
use serde_json::Value;

/// The moment the reference packets reach node B.
pub(crate) const TIME: WallTime = WallTime {
    seconds: 1_723_560_226,
    nanoseconds: 123_456_789,
};

/// A folder of its own for one test, with `node.yaml` in it.
pub(crate) struct Bench {
    pub(crate) folder: PathBuf,
}

impl Bench {
    pub(crate) fn new(name: &str, yaml: &str) -> Self {
        let own = format!("replay-{}-{name}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(own);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("node.yaml"), yaml).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Writes a capture of frames at their times.
    pub(crate) fn capture<'a>(
        &self,
        file: &str,
        frames: impl IntoIterator<Item = (WallTime, &'a [u8])>,
    ) {
        let mut writer = Writer::create(&self.path(file)).unwrap();
        for (time, frame) in frames {
            writer.write(time, frame).unwrap();
        }
        writer.finish().unwrap();
    }

    /// Arguments such as `in east=a.pcap`, with files in the folder.
    pub(crate) fn arguments(&self, words: &[&str]) -> ReplayArgs {
        let mut arguments = ReplayArgs {
            config: self.path("node.yaml"),
            ..ReplayArgs::default()
        };
        for word in words {
            let (flag, value) = word.split_once(' ').unwrap();
            let file = || {
                let (port, file) = value.split_once('=').unwrap();
                PortFile {
                    port: port.to_owned(),
                    path: self.path(file),
                }
            };
            match flag {
                "in" => arguments.inputs.push(file()),
                "out" => arguments.outputs.push(file()),
                "records" => arguments.records = Some(self.path(value)),
                _ => panic!("{word}"),
            }
        }
        arguments
    }

    pub(crate) fn replay(&self, words: &[&str]) -> Outcome {
        replay(&self.arguments(words)).unwrap()
    }

    /// The sentence a replay ends with.
    pub(crate) fn error(&self, words: &[&str]) -> String {
        format!("{:#}", replay(&self.arguments(words)).unwrap_err())
    }

    pub(crate) fn octets(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap()
    }

    pub(crate) fn packets(&self, file: &str) -> Vec<Captured> {
        let mut reader = Reader::open(&self.path(file)).unwrap();
        std::iter::from_fn(|| reader.next_packet().unwrap()).collect()
    }

    /// The records in a file, line by line.
    pub(crate) fn records(&self, file: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Bench {
    /// A test that failed leaves its files to be looked at.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// The file of reference packets.
pub(crate) fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/golden/vectors.json")).unwrap()
}

/// The reference packet with this id.
pub(crate) fn vector(id: &str) -> Value {
    let file = vectors();
    let vectors = file["vectors"].as_array().unwrap();
    vectors
        .iter()
        .find(|vector| vector["id"] == id)
        .unwrap()
        .clone()
}

/// The frame under a vector's key.
pub(crate) fn frame(vector: &Value, key: &str) -> Vec<u8> {
    let digits = vector[key].as_str().unwrap();
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(octet).collect()
}

/// A reference node between `east` and `west` that decrements the hop limit, as a vector wants it.
pub(crate) fn yaml(vector: &Value) -> String {
    let file = vectors();
    let node = &file["nodes"][vector["node"].as_str().unwrap()];
    let config = &vector["config"];
    let text = |key: &str| node[key].as_str().unwrap().to_owned();
    let side = if config["side"] == "outside" {
        ", side: edge"
    } else {
        ""
    };
    let mut yaml = format!(
        "node: {{id: {}, id-wide: {}}}\nruntime: {{memory: no-huge, headroom: 512}}\nports:\n",
        text("node_id"),
        text("node_id_wide")
    );
    for (number, name, id, wide, side) in [
        (0, "east", "iif", "iif_wide", side),
        (1, "west", "eif", "eif_wide", ""),
    ] {
        let (id, wide) = (text(id), text(wide));
        writeln!(
            yaml,
            "  - {{name: {name}, device: net_null{number}, ioam: true, mtu: 2000, id: {id}, \
             id-wide: {wide}{side}}}"
        )
        .unwrap();
    }
    yaml += "forwarding: {pairs: [[east, west]], decrement-hop-limit: true}\nnamespaces:\n";
    for id in [0, 123] {
        let (data, wide) = (text("ns_data"), text("ns_data_wide"));
        write!(yaml, "  - {{id: {id}, data: {data}, data-wide: {wide}").unwrap();
        if let Some(schema) = config["schema"].as_object() {
            let (id, data) = (&schema["id"], schema["data"].as_str().unwrap());
            write!(yaml, ", schema: {{id: {id}, data: \"hex:{data}\"}}").unwrap();
        }
        yaml += "}\n";
    }
    yaml + &profile(config)
}

fn profile(config: &Value) -> String {
    let text = |key: &str| config[key].as_str().unwrap();
    let head = "profiles:\n  - name: the-profile\n    preallocated-tracing-profile:\n";
    match config["role"].as_str() {
        Some("encap") => format!(
            "{head}      node-action: encapsulate\n      trace-types: {{use-namespace: 123, \
             trace-type: {}}}\n      max-length: {}\n      tunnel: {{source: \"{}\", destination: \
             \"{}\", hop-limit: 64}}\n",
            text("trace_type"),
            config["size_words"].as_u64().unwrap() * 4,
            text("src"),
            text("dst"),
        ),
        Some("decap") => {
            let inline = config["mode"] == "inline";
            let placement = if inline { "inline" } else { "ip6-in-ip6" };
            format!(
                "{head}      node-action: decapsulate\n      trace-types: {{use-namespace: [0, \
                 123]}}\n      placement: {placement}\n      record-self: false\n"
            )
        }
        _ => String::new(),
    }
}
