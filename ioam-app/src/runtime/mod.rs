// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam run`: from a configuration to polling workers, and back to an empty pool.

mod dry_run;
mod launch;
mod manage;
pub mod measure;
mod node;
mod open;
pub mod plan;
mod serve;
mod supervisor;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use ioam_config::{Loaded, Machine};

use crate::args::RunArguments;
use crate::control::Desk;
use crate::export::way;
use crate::say;
pub(crate) use manage::Ended;
pub(crate) use node::{Node, Setup};

use manage::Limits;
use plan::Plan;
pub(crate) use serve::Source;

/// Runs the node until something ends it; the exit code says whether all went well.
///
/// # Errors
///
/// One sentence that names what is missing and what mends it; nothing is left running.
pub fn run(arguments: &RunArguments) -> Result<ExitCode> {
    let loaded = load(&arguments.config, arguments.dry_run)?;
    let plan = Plan::new(&loaded.valid, &format!("ioam-{}", std::process::id()));
    if arguments.dry_run {
        dry_run::print(&plan, arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let limits = Limits::new(arguments)?;
    let setup = Setup {
        loaded: &loaded,
        source: Source::new(&arguments.config)?,
        plan: &plan,
        adjust: &|_| (),
    };
    let mut node = Node::start(setup, way::open(loaded.valid.lines())?)?;
    node.announce();
    let (desk, questions) = Desk::new();
    let _served = open::open(&loaded.valid, &plan, &desk)?;
    supervisor::ready();
    let ended = manage::until_the_end(&mut node, &limits, &questions)?;
    supervisor::stopping();
    node.stop(ended, arguments.json)
}

/// Reads the file for this machine, or for a plan as for another one, where a missing CPU is no
/// error; warnings go to standard error.
pub(crate) fn load(path: &Path, for_plan: bool) -> Result<Loaded> {
    let cpus = allowed_cpus()?;
    let machine = if for_plan {
        Machine::other(cpus)
    } else {
        Machine::this(cpus)
    };
    match ioam_config::load(path, &machine) {
        Ok(loaded) => {
            loaded.warnings.iter().for_each(say::err);
            Ok(loaded)
        }
        Err(errors) => bail!("{errors}"),
    }
}

/// The CPUs this process may use.
///
/// # Errors
///
/// When the system does not say.
pub fn allowed_cpus() -> Result<Vec<usize>> {
    let cores =
        core_affinity::get_core_ids().context("the system does not say which CPUs there are")?;
    Ok(cores.into_iter().map(|core| core.id).collect())
}
