// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The parts of the program `ioam`, as a library so that tests reach them.

pub mod analyse;
pub mod args;
pub mod bind;
pub mod check;
pub mod control;
pub mod demo;
pub mod doctor;
pub mod dpdk;
pub mod entropy;
pub mod explain;
pub mod export;
pub mod figures;
pub mod host;
pub mod import_linux;
mod interrupt;
pub mod latency;
pub mod manual;
pub mod metrics;
pub mod paths;
pub mod pot_keys;
pub mod probe;
pub mod reload;
pub mod replay;
pub mod report;
pub mod runtime;
pub mod say;
pub mod show;
mod timely;
pub mod top;
pub mod trace;
