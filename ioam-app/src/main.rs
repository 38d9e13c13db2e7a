// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The program `ioam`.

use std::process::ExitCode;

use clap::Parser;
use ioam_app::args::{Arguments, Command};
use ioam_app::{
    analyse, bind, check, demo, doctor, explain, import_linux, manual, pot_keys, probe, reload,
    replay, runtime, say, show, top, trace,
};

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).init();
    let answer = match Arguments::parse().command {
        Command::Run(arguments) => runtime::run(&arguments),
        Command::Check { files, json } => check::check(&files, json),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Analyse(arguments) => analyse::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::PotKeys(arguments) => pot_keys::pot_keys(&arguments),
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
        Command::Bind(arguments) => bind::bind(&arguments),
        Command::Unbind(arguments) => bind::unbind(&arguments),
        Command::ImportLinux(arguments) => import_linux::import_linux(&arguments),
        Command::Show(arguments) => show::show(&arguments),
        Command::Top(arguments) => top::top(&arguments),
        Command::Reload(arguments) => reload::reload(&arguments),
        Command::Trace(arguments) => trace::trace(&arguments),
        Command::Schema => Ok(check::schema()),
        Command::Man { folder } => manual::pages(&folder),
        Command::Completion { shell } => Ok(manual::completion(shell)),
    };
    answer.unwrap_or_else(|error| {
        say::err(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
