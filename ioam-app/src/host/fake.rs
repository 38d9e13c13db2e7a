// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A machine in a temporary folder, for tests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Commands, Host};

/// Files below a folder of its own, and what commands answer.
pub(crate) struct Machine {
    pub(crate) root: PathBuf,
    answers: RefCell<BTreeMap<String, Result<String, String>>>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ioam-machine-{}-{number}", std::process::id());
        let root = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        Self {
            root,
            answers: RefCell::default(),
        }
    }

    pub(crate) fn host(&self) -> Host<'_> {
        Host::new(&self.root, self)
    }

    fn place(&self, path: &str) -> PathBuf {
        let place = self.root.join(path.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }

    /// Writes a file and the folders it is in.
    pub(crate) fn file(&self, path: &str, text: &str) -> &Self {
        fs::write(self.place(path), text).unwrap();
        self
    }

    pub(crate) fn folder(&self, path: &str) -> &Self {
        fs::create_dir_all(self.place(path)).unwrap();
        self
    }

    pub(crate) fn link(&self, path: &str, target: &str) -> &Self {
        let place = self.place(path);
        let _ = fs::remove_file(&place);
        symlink(Path::new(target), place).unwrap();
        self
    }

    pub(crate) fn remove(&self, path: &str) -> &Self {
        let place = self.place(path);
        if fs::remove_file(&place).is_err() {
            let _ = fs::remove_dir_all(place);
        }
        self
    }

    /// What a command line prints.
    pub(crate) fn answer(&self, command: &str, text: &str) -> &Self {
        let mut answers = self.answers.borrow_mut();
        answers.insert(command.to_owned(), Ok(text.to_owned()));
        self
    }

    /// A command line that fails.
    pub(crate) fn fail(&self, command: &str, text: &str) -> &Self {
        let mut answers = self.answers.borrow_mut();
        answers.insert(command.to_owned(), Err(text.to_owned()));
        self
    }

    /// A card with an interface, in an IOMMU group of its own number.
    pub(crate) fn card(&self, address: &str, id: (&str, &str), driver: &str, interface: &str) {
        let folder = format!("/sys/bus/pci/devices/{address}");
        self.file(&format!("{folder}/vendor"), &format!("{}\n", id.0))
            .file(&format!("{folder}/device"), &format!("{}\n", id.1))
            .file(&format!("{folder}/class"), "0x020000\n")
            .file(&format!("{folder}/numa_node"), "0\n")
            .file(&format!("{folder}/driver_override"), "(null)\n");
        if !driver.is_empty() {
            let to = format!("../../../bus/pci/drivers/{driver}");
            self.link(&format!("{folder}/driver"), &to)
                .file(&format!("/sys/bus/pci/drivers/{driver}/unbind"), "");
        }
        if !interface.is_empty() {
            self.folder(&format!("{folder}/net/{interface}"))
                .file(&format!("/sys/class/net/{interface}/mtu"), "1500\n");
        }
        self.group(address, address);
    }

    pub(crate) fn group(&self, address: &str, group: &str) {
        let folder = format!("/sys/bus/pci/devices/{address}/iommu_group");
        self.link(&folder, &format!("../../../kernel/iommu_groups/{group}"))
            .folder(&format!(
                "/sys/kernel/iommu_groups/{group}/devices/{address}"
            ));
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Commands for Machine {
    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<String> {
        let line = [&[program], arguments].concat().join(" ");
        match self.answers.borrow().get(&line) {
            Some(Ok(text)) => Ok(text.clone()),
            Some(Err(text)) => Err(io::Error::other(text.clone())),
            None => Err(io::Error::new(io::ErrorKind::NotFound, line)),
        }
    }
}
