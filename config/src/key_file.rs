// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The file with a node's keys for proofs of transit. It is a secret: only its owner may read it,
//! and nothing that stands in it is ever shown: messages leave it out, and none of this has `Debug`.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ioam_dp::option_type::proof_of_transit::{
    DEFAULT_PRIME, KeyError, KeySet, MINIMUM_BITS, Share,
};
use ioam_dp::table::spec::{PotKeysSpec, ProofOfTransitSpec};
use serde::Deserialize;
use serde_saphyr::Error;

use crate::report::{Complaint, Place, Problems};
use crate::scalar::{Located, Scalar, get};
use crate::suggest;
use crate::syntax;
use crate::text::{Parity, SecretNumber};

/// Largest file read, in octets: far beyond any real one.
const LARGEST: u64 = 1 << 16;

/// The keys of a file, at its top.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeyFile {
    active: Option<Scalar<Parity>>,
    even: Option<Located<Set>>,
    odd: Option<Located<Set>>,
}

/// One set.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Set {
    prime: Scalar<SecretNumber>,
    point: Scalar<SecretNumber>,
    share: Scalar<SecretNumber>,
    public: Scalar<SecretNumber>,
    lagrange: Scalar<SecretNumber>,
    secret: Option<Scalar<SecretNumber>>,
}

/// Why a file has no keys that can be used, and where in it.
struct Flaw {
    place: Place,
    complaint: Complaint,
}

impl Flaw {
    fn new(place: Place, what: impl Into<String>, help: impl Into<String>) -> Self {
        let complaint = Complaint::new(what, help);
        Self { place, complaint }
    }
}

/// The keys in `path`. What is wrong is an error at `at`, where the configuration names the file.
pub(crate) fn load(path: &Path, at: Place, problems: &mut Problems) -> Option<ProofOfTransitSpec> {
    let found = text(path).and_then(|text| keys(&text));
    let flaws = match found {
        Ok(keys) => return Some(keys),
        Err(flaws) => flaws,
    };
    for Flaw { place, complaint } in flaws {
        let name = path.display();
        let what = match place.line {
            0 => format!("{name}: {}", complaint.what),
            line => format!("{name}:{line}:{}: {}", place.column, complaint.what),
        };
        problems.error(at, what, complaint.help);
    }
    None
}

/// What stands in the file, when nobody but its owner can have read it.
fn text(path: &Path) -> Result<String, Vec<Flaw>> {
    let whole = |what: String, help: String| vec![Flaw::new(Place::default(), what, help)];
    let unreadable = |error: std::io::Error| {
        let help = "give the path of a key file, seen from this file, that this user may read";
        whole(format!("cannot read this file: {error}"), help.to_owned())
    };
    let is_file = std::fs::metadata(path).map_err(unreadable)?.is_file();
    if !is_file {
        let what = "this is no file".to_owned();
        return Err(whole(what, "give the path of a key file".to_owned()));
    }
    let file = File::open(path).map_err(unreadable)?;
    // Of the file that was opened, which another may have taken the place of by now.
    let mode = file.metadata().map_err(unreadable)?.mode();
    if mode & 0o077 != 0 {
        let what = format!("others may read these keys (mode {:04o})", mode & 0o7777);
        return Err(whole(what, format!("run: chmod 600 {}", path.display())));
    }
    let mut octets = Vec::new();
    let mut limited = file.take(LARGEST + 1);
    limited.read_to_end(&mut octets).map_err(unreadable)?;
    if octets.len() as u64 > LARGEST {
        let what = "this file is larger than 64 KiB".to_owned();
        return Err(whole(what, "give a key file".to_owned()));
    }
    String::from_utf8(octets).map_err(|_| {
        let what = "this is no UTF-8 text".to_owned();
        whole(what, "give a key file".to_owned())
    })
}

fn keys(text: &str) -> Result<ProofOfTransitSpec, Vec<Flaw>> {
    let file: KeyFile = syntax::document(text).map_err(|error| vec![shape(&error)])?;
    let mut flaws = Vec::new();
    let active = active(&file, &mut flaws);
    let sets: Vec<_> = [&file.even, &file.odd]
        .into_iter()
        .flatten()
        .filter_map(|set| keys_of(&set.value, &mut flaws))
        .collect();
    if flaws.is_empty() {
        Ok(ProofOfTransitSpec { sets, active })
    } else {
        Err(flaws)
    }
}

/// The parity of packets that an encapsulating node sends.
fn active(file: &KeyFile, flaws: &mut Vec<Flaw>) -> u8 {
    let active = get(&file.active, &mut Problems::default());
    let place = file.active.as_ref().map(|key| key.place);
    match (&file.even, &file.odd, place) {
        (None, None, _) => {
            let help = "write `even:` and under it prime, point, share, public and lagrange";
            flaws.push(Flaw::new(Place::default(), "there are no keys", help));
        }
        (Some(_), Some(_), None) => {
            let what = "of two sets, one makes new proofs";
            let help = "add `active: even` or `active: odd`";
            flaws.push(Flaw::new(Place::default(), what, help));
        }
        (Some(_), None, Some(place)) | (None, Some(_), Some(place)) => {
            let what = "`active` means nothing with one set";
            flaws.push(Flaw::new(place, what, "remove `active`"));
        }
        (Some(_), Some(_), Some(place)) if active.is_none() => {
            let what = "this is neither `even` nor `odd`";
            flaws.push(Flaw::new(place, what, "name the set that makes new proofs"));
        }
        (Some(_), Some(_), Some(_)) => {}
        (None, Some(_), None) => return 1,
        (Some(_), None, None) => return 0,
    }
    u8::from(active == Some(Parity::Odd))
}

fn keys_of(set: &Set, flaws: &mut Vec<Flaw>) -> Option<PotKeysSpec> {
    let mut problems = Problems::default();
    let mut number = |key: &Scalar<SecretNumber>| key.get(&mut problems).map(|number| number.0);
    let numbers = [
        &set.prime,
        &set.point,
        &set.share,
        &set.public,
        &set.lagrange,
    ]
    .map(&mut number);
    let secret = set.secret.as_ref().map(number);
    flaws.extend(problems.into_complaints().map(Flaw::from));
    let [
        Some(prime),
        Some(point),
        Some(share),
        Some(public),
        Some(lagrange),
    ] = numbers
    else {
        return None;
    };
    let keys = PotKeysSpec {
        prime,
        point,
        share,
        public,
        lagrange,
        secret: match secret {
            Some(None) => return None,
            Some(secret) => secret,
            None => None,
        },
    };
    let judged = Share {
        prime,
        x: point,
        share,
        poly_2: public,
        lpc: lagrange,
    };
    match KeySet::new(&judged, keys.secret, MINIMUM_BITS) {
        Ok(_) => Some(keys),
        Err(error) => {
            flaws.push(no_keys(set, &error));
            None
        }
    }
}

/// The words of this file for what the scheme finds wrong.
fn no_keys(set: &Set, error: &KeyError) -> Flaw {
    let place_of = |field: &str| match field {
        "x" => ("point", set.point.place),
        "lpc" => ("lagrange", set.lagrange.place),
        "share" => ("share", set.share.place),
        "poly-2" => ("public", set.public.place),
        "secret" => {
            let place = set.secret.as_ref().map(|key| key.place);
            ("secret", place.unwrap_or(set.prime.place))
        }
        _ => ("prime", set.prime.place),
    };
    let prime = format!("take another, such as {DEFAULT_PRIME} (2^61 - 1), and new keys with it");
    let dealt = "write what the dealer of the keys gave to this node";
    match error {
        KeyError::NotPrime => Flaw::new(set.prime.place, "`prime` is no prime number", prime),
        KeyError::SmallPrime { minimum, .. } => {
            let what = format!("`prime` has fewer than {minimum} bits: proofs could be guessed");
            Flaw::new(set.prime.place, what, prime)
        }
        KeyError::NotBelowPrime(field) => {
            let (key, place) = place_of(field);
            Flaw::new(place, format!("`{key}` is not below the prime"), dealt)
        }
        KeyError::Zero(field) => {
            let (key, place) = place_of(field);
            Flaw::new(place, format!("`{key}` is zero"), dealt)
        }
        KeyError::TooFewNodes | KeyError::SamePoint | KeyError::Degree { .. } => {
            Flaw::new(set.prime.place, "these are no keys", dealt)
        }
    }
}

/// What the YAML reader says, without its words: they may hold what stands in the file.
fn shape(error: &Error) -> Flaw {
    let place = error.location().map(Place::from).unwrap_or_default();
    let inner = match error.without_snippet() {
        Error::AliasError { error, .. } => error,
        error => error,
    };
    match inner {
        Error::SerdeUnknownField {
            field, expected, ..
        } => {
            let near = suggest::nearest(field, expected.iter().copied());
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "the keys here are {}",
                    suggest::list(expected.iter().copied())
                ),
            };
            Flaw::new(place, "there is no such key", help)
        }
        Error::SerdeMissingField { field, .. } => {
            let what = format!("the key `{field}` is missing here");
            Flaw::new(place, what, format!("add `{field}:`"))
        }
        Error::DuplicateMappingKey { .. } => {
            Flaw::new(place, "a key is given twice", "remove one of the two")
        }
        _ => {
            let help = "write `even:` and under it `prime:`, `point:`, `share:`, `public:` and \
                        `lagrange:`, each with a number, indented alike";
            Flaw::new(place, "this is no key file", help)
        }
    }
}

impl From<(Place, Complaint)> for Flaw {
    fn from((place, complaint): (Place, Complaint)) -> Self {
        Self { place, complaint }
    }
}
