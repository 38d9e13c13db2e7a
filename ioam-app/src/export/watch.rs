// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the export thread shows while it runs.

use std::sync::{Arc, Mutex};

use super::Exported;
use crate::latency::Latency;
use crate::paths::Paths;

/// The figures of the export thread, which alone writes them.
#[derive(Debug, Default)]
pub struct Watch {
    /// Delays in the records.
    pub latency: Latency,
    /// The latest paths in the records.
    pub paths: Paths,
    /// What became of the records.
    pub exported: Exported,
    /// By worker: records that waited in its ring when it was last emptied, and its size.
    pub rings: Vec<(usize, usize)>,
}

/// [`Watch`], for both threads.
pub type SharedWatch = Arc<Mutex<Watch>>;
