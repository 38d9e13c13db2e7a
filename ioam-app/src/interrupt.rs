// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Signals that ask a command to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// SIGINT and SIGTERM, and with them the end of a terminal where one is drawn on.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Watches for SIGINT and SIGTERM. A second one ends the process at once: the way out when
    /// stopping hangs.
    pub(crate) fn watch() -> Result<Self> {
        let come = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_shutdown(signal, 1, Arc::clone(&come))
                .context("cannot watch for SIGINT and SIGTERM")?;
        }
        register(&[SIGINT, SIGTERM], come)
    }

    /// Watches for a command that draws on a terminal, which goes with SIGHUP, and which has to be
    /// given back: however often a signal comes, the command ends itself.
    pub(crate) fn watch_with_terminal() -> Result<Self> {
        register(&[SIGINT, SIGTERM, SIGHUP], Arc::default())
    }

    /// Whether one has come.
    pub(crate) fn has_come(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

fn register(signals: &[i32], come: Arc<AtomicBool>) -> Result<Interrupt> {
    for signal in signals {
        flag::register(*signal, Arc::clone(&come)).context("cannot watch for signals")?;
    }
    Ok(Interrupt(come))
}
