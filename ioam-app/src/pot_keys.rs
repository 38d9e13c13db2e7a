// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam pot-keys`: deals fresh keys for proofs of transit, one file a node.

use std::fmt::Write as _;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use ioam_config::scalar::FromText;
use ioam_config::text::Number;
use ioam_dp::option_type::proof_of_transit::{DEFAULT_PRIME, KeySet, MINIMUM_BITS, Share, deal};

use crate::{entropy, say};

/// How many nodes, and where their files go.
#[derive(Clone, Debug, Args)]
pub struct PotKeysArguments {
    /// Nodes every packet has to pass, the one that encapsulates and the one that verifies included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=1024))]
    pub nodes: u16,
    /// The folder for node-1.yaml, node-2.yaml and so on; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// The prime all arithmetic is modulo [default: one of 61 bits or more]
    #[arg(long, value_name = "P", value_parser = number)]
    pub prime: Option<u64>,
}

fn number(text: &str) -> Result<u64, String> {
    let number = Number::<u64, 0, { u64::MAX }>::from_text(text);
    number
        .map(|number| number.0)
        .map_err(|complaint| complaint.help)
}

/// Deals, writes the files and names them.
///
/// # Errors
/// One sentence: the prime is none, a file is there already, or cannot be written.
pub fn pot_keys(arguments: &PotKeysArguments) -> Result<ExitCode> {
    let prime = arguments.prime.unwrap_or(DEFAULT_PRIME);
    let dealt = Dealt::fresh(prime, arguments.nodes)?;
    let paths: Vec<PathBuf> = (1..=arguments.nodes)
        .map(|node| arguments.dir.join(format!("node-{node}.yaml")))
        .collect();
    if let Some(path) = paths.iter().find(|path| path.symlink_metadata().is_ok()) {
        bail!(
            "{}: is there already and is not overwritten, since nodes may be using these keys; \
             choose another --dir, or remove the files",
            path.display()
        );
    }
    folder(&arguments.dir)?;
    for (node, path) in paths.iter().enumerate() {
        write(path, &dealt.text(node))?;
    }
    let last = paths.last().map(|path| path.display().to_string());
    say::out(format_args!(
        "{} files in {}; {} has the secret and is for the node that verifies, the last on the way\n\
         copy each to its node, keep its mode 0600, and name it under `namespaces:` as `pot-keys:`",
        paths.len(),
        arguments.dir.display(),
        last.unwrap_or_default()
    ));
    Ok(ExitCode::SUCCESS)
}

fn folder(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("--dir {}: cannot be made; check the path", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let open = || -> std::io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(path)
    };
    let written = open().and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{}: cannot be written", path.display()))
}

/// What every node gets, and the secret of the last.
struct Dealt {
    shares: Vec<Share>,
    secret: u64,
}

impl Dealt {
    fn fresh(prime: u64, nodes: u16) -> Result<Self> {
        let points = points(prime, nodes)?;
        let coefficients = || -> Result<Vec<u64>> {
            let each = points.iter().skip(1);
            each.map(|_| entropy::below(prime)).collect()
        };
        let secret = entropy::below(prime)?;
        let shares = deal(prime, secret, &coefficients()?, &coefficients()?, &points)?;
        // What a node would refuse is not written to begin with.
        for share in &shares {
            KeySet::new(share, Some(secret), MINIMUM_BITS)?;
        }
        Ok(Self { shares, secret })
    }

    /// The file of the node at this place.
    fn text(&self, place: usize) -> String {
        let Some(share) = self.shares.get(place) else {
            return String::new();
        };
        let (node, nodes) = (place + 1, self.shares.len());
        let mut text = format!(
            "# Node {node} of {nodes}: its keys for proofs of transit. Whoever reads them can forge its part.\n\
             even:\n  prime: {:#x}\n  point: {:#x}\n  share: {:#x}\n  public: {:#x}\n  lagrange: {:#x}\n",
            share.prime, share.x, share.share, share.poly_2, share.lpc
        );
        if node == nodes {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  secret: {:#x}", self.secret);
        }
        text
    }
}

/// Different points of the field, none of them zero.
fn points(prime: u64, nodes: u16) -> Result<Vec<u64>> {
    if prime.leading_zeros() > u64::BITS - MINIMUM_BITS {
        bail!(
            "--prime {prime}: has fewer than {MINIMUM_BITS} bits, so that a proof could be guessed; \
             leave it out for {DEFAULT_PRIME:#x}"
        );
    }
    let mut points = Vec::new();
    while points.len() < usize::from(nodes) {
        let point = entropy::below(prime)?;
        if point != 0 && !points.contains(&point) {
            points.push(point);
        }
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use ioam_dp::option_type::proof_of_transit::{self, Keys, Parity, Verdict};
    use ioam_dp::wire::ioam::{NamespaceId, OPTION_HEAD, PotHeader};

    use super::*;

    #[test]
    fn a_packet_that_passes_all_nodes_is_proved_and_one_that_misses_any_is_not() {
        let dealt = Dealt::fresh(DEFAULT_PRIME, 4).unwrap();
        let keys: Vec<Keys> = dealt
            .shares
            .iter()
            .map(|share| {
                let set = KeySet::new(share, Some(dealt.secret), MINIMUM_BITS).unwrap();
                Keys::one(set, Parity::Even)
            })
            .collect();
        let verdict = |missing: Option<usize>| {
            let mut option = proof_of_transit::build(NamespaceId(123)).option;
            let data = &mut option[OPTION_HEAD..];
            let (pkt_id, cumulative) = proof_of_transit::start(0x1234_5678, &keys[0]);
            let (header, _) = PotHeader::split_mut(data).unwrap();
            header.set_pkt_id(pkt_id);
            header.set_cumulative(cumulative);
            for (place, keys) in keys.iter().enumerate() {
                if missing != Some(place) {
                    proof_of_transit::update(data, keys).unwrap();
                }
            }
            proof_of_transit::verify(data, &keys[3]).unwrap()
        };
        assert_eq!(verdict(None), Verdict::Valid);
        assert!((0..4).all(|place| verdict(Some(place)) == Verdict::Invalid));
    }

    #[test]
    fn files_are_for_their_owner_and_only_the_last_has_the_secret() {
        let dir = std::env::temp_dir().join(format!("ioam-pot-keys-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let arguments = PotKeysArguments {
            nodes: 3,
            dir: dir.clone(),
            prime: None,
        };
        pot_keys(&arguments).unwrap();
        for node in 1..=3 {
            let path = dir.join(format!("node-{node}.yaml"));
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains("even:\n  prime: 0x") && !text.contains("odd"));
            assert_eq!(text.contains("secret: 0x"), node == 3, "{text}");
        }
        let again = pot_keys(&arguments).unwrap_err().to_string();
        assert!(
            again.contains("node-1.yaml: is there already") && again.contains("--dir"),
            "{again}"
        );
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_prime_that_is_small_or_none_is_refused() {
        let text = |prime| Dealt::fresh(prime, 2).err().unwrap().to_string();
        assert!(text(53).contains("has fewer than"));
        assert!(text(0x2000_0000_0000_0001).contains("not a prime"));
    }
}
