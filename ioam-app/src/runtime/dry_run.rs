// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `--dry-run`: the plan as tables of lcores, ports and queues.

use anyhow::Result;

use super::plan::{Plan, Spread};
use crate::report::Columns;
use crate::say;

/// Prints the plan to standard output.
///
/// # Errors
///
/// When it cannot be written as JSON.
pub(super) fn print(plan: &Plan, json: bool) -> Result<()> {
    if json {
        say::out(serde_json::to_string_pretty(plan)?);
        return Ok(());
    }
    say::out(format_args!("{}\n{}", lcores(plan), ports(plan)));
    say::out(format_args!("pool: {} buffers", plan.buffers));
    say::out(format_args!("EAL:  {}", plan.eal_arguments.join(" ")));
    Ok(())
}

fn lcores(plan: &Plan) -> Columns<5> {
    let mut table = Columns::new(["lcore", "cpu", "does", "receives", "sends"]);
    table.left(5);
    let none = || "-".to_owned();
    let main = plan.main_cpu.to_string();
    table.row([
        "0".to_owned(),
        main,
        "management".to_owned(),
        none(),
        none(),
    ]);
    let queues = |list: &[(u8, u16)]| {
        let name = |port: u8| {
            plan.ports
                .get(usize::from(port))
                .map_or("?", |port| &port.name)
        };
        let texts = list
            .iter()
            .map(|(port, queue)| format!("{}/{queue}", name(*port)));
        texts.collect::<Vec<_>>().join(" ")
    };
    for worker in &plan.workers {
        table.row([
            worker.lcore.to_string(),
            worker.cpu.to_string(),
            "worker".to_owned(),
            queues(&worker.receives),
            queues(&worker.sends),
        ]);
    }
    table
}

fn ports(plan: &Plan) -> Columns<5> {
    let mut table = Columns::new(["port", "device", "rx queues", "tx queues", ""]);
    table.left(2);
    for port in &plan.ports {
        let (rx, tx) = (port.rx_queues.to_string(), port.tx_queues.to_string());
        let spread = match port.spread {
            Spread::OneQueue => String::new(),
            Spread::Symmetric => "flows to queues by a symmetric hash (key 6d5a…)".to_owned(),
        };
        table.row([port.name.clone(), port.device.clone(), rx, tx, spread]);
    }
    table
}
