// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the program `ioam` takes, read from its source: its package needs DPDK, and these tests none.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Subcommands and flags.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) commands: BTreeSet<String>,
    pub(crate) flags: BTreeSet<String>,
}

impl Program {
    pub(crate) fn of_this_repository() -> Self {
        let mut program = Self::default();
        program.flags.extend(["help", "version"].map(str::to_owned));
        program.commands.insert("help".to_owned());
        program.read_folder(&super::root().join("ioam-app/src"));
        assert!(
            program.commands.len() > 3 && program.flags.len() > 10,
            "{program:?}"
        );
        program
    }

    fn read_folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder)
            .expect("the source can be read")
            .flatten()
        {
            if entry.path().is_dir() {
                self.read_folder(&entry.path());
            } else if let Ok(source) = fs::read_to_string(entry.path()) {
                self.read(&source);
            }
        }
    }

    /// Adds the flags of `#[arg(long …)]` and the variants of a `Subcommand`.
    pub(crate) fn read(&mut self, source: &str) {
        for part in source.split("#[arg(").skip(1) {
            let Some((attribute, rest)) = part.split_once(")]") else {
                continue;
            };
            let long = attribute
                .split(',')
                .map(str::trim)
                .find(|word| word.starts_with("long"));
            let own = long.map(|word| {
                word.split_once("= \"")
                    .map(|(_, name)| name.trim_end_matches('"'))
            });
            let field = rest
                .trim_start()
                .trim_start_matches("pub ")
                .split(':')
                .next();
            match own {
                Some(Some(name)) => drop(self.flags.insert(name.to_owned())),
                Some(None) => drop(
                    self.flags
                        .insert(field.unwrap_or_default().replace('_', "-")),
                ),
                None => {}
            }
        }
        let Some((_, behind)) = source.split_once("Subcommand)]") else {
            return;
        };
        let body = behind.lines().skip_while(|line| !line.contains("enum "));
        for line in body.skip(1).take_while(|line| *line != "}") {
            let variant = line
                .strip_prefix("    ")
                .filter(|line| line.starts_with(char::is_uppercase));
            let name = variant.map(|line| line.split(|c: char| !c.is_alphanumeric()).next());
            if let Some(Some(name)) = name {
                self.commands.insert(name.to_lowercase());
            }
        }
    }
}
