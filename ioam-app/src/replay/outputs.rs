// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where the packets that leave by each port go: a pcap file, or only a count.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Result, anyhow};
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::port::{PortId, Stage, TxQueue};
use ioam_dp::table::spec::NodeSpec;
use ioam_dp::timestamp::WallTime;

use super::capture::Writer;
use super::gate::{Gate, Measurements};
use super::outcome::{OutputSummary, port_name};

/// One output per port of the node.
#[derive(Debug)]
pub(super) struct Outputs(Vec<Rc<RefCell<PortOutput>>>);

#[derive(Debug, Default)]
struct PortOutput {
    file: Option<(PathBuf, Writer)>,
    packets: u64,
    /// Why writing stopped.
    error: Option<io::Error>,
}

impl PortOutput {
    fn write(&mut self, time: WallTime, frame: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.packets += 1;
        if let Some((_, writer)) = &mut self.file {
            self.error = writer.write(time, frame).err();
        }
    }

    /// The error, if there was one, as a sentence.
    fn check(&mut self) -> Result<()> {
        let (Some(error), Some((path, _))) = (self.error.take(), &self.file) else {
            return Ok(());
        };
        let path = path.display();
        Err(anyhow!(
            "{path} cannot be written ({error}); make room there, or choose another path"
        ))
    }
}

impl Outputs {
    /// Begins the files, for a node of `ports` ports.
    ///
    /// # Errors
    /// One cannot be created.
    pub(super) fn create(ports: usize, files: &[(PortId, &Path)]) -> Result<Self> {
        let mut outputs: Vec<PortOutput> = Vec::new();
        outputs.resize_with(ports, PortOutput::default);
        for (port, path) in files {
            let writer = Writer::create(path).map_err(|error| {
                anyhow!(
                    "{} cannot be created ({error}); check the path",
                    path.display()
                )
            })?;
            if let Some(output) = outputs.get_mut(port.index()) {
                output.file = Some((path.to_path_buf(), writer));
            }
        }
        let shared = |output| Rc::new(RefCell::new(output));
        Ok(Self(outputs.into_iter().map(shared).collect()))
    }

    /// The transmit queues, by port.
    pub(super) fn queues(
        &self,
        gate: &Rc<Gate>,
        measurements: Measurements,
    ) -> impl Iterator<Item = FileTx> {
        self.0.iter().map(move |output| FileTx {
            output: Rc::clone(output),
            gate: Rc::clone(gate),
            depth: measurements.queue_depth,
        })
    }

    /// Whether everything could be written so far.
    ///
    /// # Errors
    /// Something could not.
    pub(super) fn check(&self) -> Result<()> {
        self.0
            .iter()
            .try_for_each(|output| output.borrow_mut().check())
    }

    /// Completes the files.
    ///
    /// # Errors
    /// One cannot be written.
    pub(super) fn finish(&self) -> Result<()> {
        for output in &self.0 {
            let mut output = output.borrow_mut();
            if let Some((_, writer)) = &mut output.file {
                output.error = writer.finish().err();
            }
        }
        self.check()
    }

    /// What was written, by port.
    pub(super) fn summaries(&self, spec: &NodeSpec) -> Vec<OutputSummary> {
        let outputs = (0..=u8::MAX).map(PortId).zip(&self.0);
        let summary = |(port, output): (PortId, &Rc<RefCell<PortOutput>>)| {
            let output = output.borrow();
            let file = output.file.as_ref();
            OutputSummary {
                port: port_name(spec, port),
                file: file.map(|(path, _)| path.display().to_string()),
                packets: output.packets,
            }
        };
        outputs.map(summary).collect()
    }
}

/// A port's transmit queue: it takes everything, and packets keep their time of capture.
#[derive(Debug)]
pub(super) struct FileTx {
    output: Rc<RefCell<PortOutput>>,
    gate: Rc<Gate>,
    depth: Option<u32>,
}

impl TxQueue for FileTx {
    type Packet = HeapPacket;

    fn send(&mut self, stage: &mut Stage<HeapPacket>) {
        let time = self.gate.captured().unwrap_or_default();
        let mut output = self.output.borrow_mut();
        for packet in stage.drain(..) {
            output.write(time, packet.bytes());
        }
    }

    fn depth(&self) -> Option<u32> {
        self.depth
    }
}
