// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files with keys: what is wrong with one is said where the configuration names it, and nothing
//! that stands in one is ever shown.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use ioam_config::{Loaded, Machine, Place, load};
use proptest::prelude::*;

/// Numbers that no message may have in it.
const KEYS: &str = "even:\n  prime: 2305843009213693951\n  point: 777001\n  share: 777002\n  \
                    public: 777003\n  lagrange: 777004\n  secret: 777005\n";

const FILE: &str = "\
ports: [{name: a, device: net_null0}, {name: b, device: net_null1}]
forwarding: {pairs: [[a, b]]}
namespaces:
  - id: 9
    pot-keys: keys.yaml
";

/// A folder of one test, with a configuration in it.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("key-file-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("node.yaml"), FILE).expect("a file of this test");
    folder
}

fn write(folder: &Path, text: &[u8], mode: u32) {
    let path = folder.join("keys.yaml");
    let _ = fs::remove_file(&path);
    fs::write(&path, text).expect("a file of this test");
    fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a file of this test");
}

fn read(folder: &Path) -> Result<Loaded, Vec<(Place, String)>> {
    let machine = Machine::this(vec![0, 1]);
    load(&folder.join("node.yaml"), &machine).map_err(|errors| {
        let prefix = format!("{}/", folder.display());
        let found = errors.diagnostics.into_iter();
        found
            .map(|one| {
                let text = format!("{} -- {}", one.what, one.help);
                assert!(!one.to_string().contains("77700"), "{one}");
                (one.place, text.replace(&prefix, ""))
            })
            .collect()
    })
}

/// The messages about a file of this text, all of them at `pot-keys`.
fn messages(folder: &Path, text: &str) -> Vec<String> {
    write(folder, text.as_bytes(), 0o600);
    let found = read(folder).expect_err("a flaw");
    let at = |place: &Place| (place.line, place.column) == (5, 15);
    assert!(found.iter().all(|(place, _)| at(place)), "{found:?}");
    found.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn only_its_owner_may_read_it() {
    let folder = folder("modes");
    for mode in [0o600, 0o400] {
        write(&folder, KEYS.as_bytes(), mode);
        let loaded = read(&folder).unwrap();
        let [warning] = &loaded.warnings[..] else {
            panic!("{:?}", loaded.warnings)
        };
        let what = "this node has the secret of namespace 9 and takes no proof out";
        assert_eq!(warning.what, what);
    }
    for mode in [0o644, 0o640, 0o604, 0o620, 0o601] {
        write(&folder, KEYS.as_bytes(), mode);
        let found = read(&folder).unwrap_err();
        let [(place, text)] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!((place.line, place.column), (5, 15));
        let expected = format!(
            "keys.yaml: others may read these keys (mode {mode:04o}) -- run: chmod 600 keys.yaml"
        );
        assert_eq!(*text, expected);
    }
    // It is the file behind a link that counts.
    fs::rename(folder.join("keys.yaml"), folder.join("real.yaml")).unwrap();
    symlink("real.yaml", folder.join("keys.yaml")).unwrap();
    assert!(read(&folder).is_err());
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = folder("none");
    let text = |found: Result<Loaded, Vec<(Place, String)>>| found.unwrap_err()[0].1.clone();
    let help = "give the path of a key file, seen from this file, that this user may read";
    let missing = "keys.yaml: cannot read this file: No such file or directory (os error 2)";
    assert_eq!(text(read(&folder)), format!("{missing} -- {help}"));
    fs::create_dir(folder.join("keys.yaml")).unwrap();
    let no_file = "keys.yaml: this is no file -- give the path of a key file";
    assert_eq!(text(read(&folder)), no_file);
    fs::remove_dir(folder.join("keys.yaml")).unwrap();
    symlink("/dev/zero", folder.join("keys.yaml")).unwrap();
    assert_eq!(text(read(&folder)), no_file);
    write(&folder, &b"#".repeat(70_000), 0o600);
    let large = "keys.yaml: this file is larger than 64 KiB -- give a key file";
    assert_eq!(text(read(&folder)), large);
    write(&folder, b"even: \xff777001", 0o600);
    let octets = "keys.yaml: this is no UTF-8 text -- give a key file";
    assert_eq!(text(read(&folder)), octets);
}

#[test]
fn keys_that_are_none_are_located() {
    let folder = folder("mistakes");
    for (from, to, expected) in [
        (
            "share:",
            "shaer:",
            "4:3: there is no such key -- did you mean `share`?".to_owned(),
        ),
        (
            "share: 777002",
            "share 777002: 1",
            "4:3: there is no such key -- the keys here are `prime`, `point`, `share`, `public`, \
             `lagrange`, `secret`"
                .to_owned(),
        ),
        (
            "  share: 777002\n",
            "",
            "6:3: the key `share` is missing here -- add `share:`".to_owned(),
        ),
        (
            "share: 777002",
            "point: 777002",
            "4:3: a key is given twice -- remove one of the two".to_owned(),
        ),
    ] {
        let found = messages(&folder, &KEYS.replace(from, to));
        assert_eq!(found, [format!("keys.yaml:{expected}")], "{to}");
    }
}

#[test]
fn numbers_that_are_none_are_located_and_not_shown() {
    let folder = folder("numbers");
    let dealt = "write what the dealer of the keys gave to this node";
    let prime = "take another, such as 2305843009213693951 (2^61 - 1), and new keys with it";
    let numbers = "write a number in decimal or `0x` hex";
    for (from, to, expected) in [
        (
            "777002",
            "777002x",
            format!("4:10: this is no number of 64 bits -- {numbers}"),
        ),
        (
            "777005",
            "-777005",
            format!("7:11: this is no number of 64 bits -- {numbers}"),
        ),
        (
            "777002",
            "36893488147419103231",
            format!("4:10: this is no number of 64 bits -- {numbers}"),
        ),
        (
            "777002",
            "2305843009213693951",
            format!("4:10: `share` is not below the prime -- {dealt}"),
        ),
        (
            "777003",
            "2305843009213693952",
            format!("5:11: `public` is not below the prime -- {dealt}"),
        ),
        (
            "777005",
            "2305843009213693951",
            format!("7:11: `secret` is not below the prime -- {dealt}"),
        ),
        ("777001", "0", format!("3:10: `point` is zero -- {dealt}")),
        (
            "777004",
            "0",
            format!("6:13: `lagrange` is zero -- {dealt}"),
        ),
        (
            "2305843009213693951",
            "2305843009213693953",
            format!("2:10: `prime` is no prime number -- {prime}"),
        ),
        (
            "2305843009213693951",
            "777013",
            format!("2:10: `prime` has fewer than 61 bits: proofs could be guessed -- {prime}"),
        ),
    ] {
        let found = messages(&folder, &KEYS.replace(from, to));
        assert_eq!(found, [format!("keys.yaml:{expected}")], "{to}");
    }
    assert_eq!(
        messages(&folder, &KEYS.replace("77700", "x77700")).len(),
        5,
        "all bad numbers at once"
    );
}

#[test]
fn sets_are_told_apart() {
    let folder = folder("sets");
    let odd = KEYS.replace("even", "odd");
    for (text, expected) in [
        (
            String::new(),
            "keys.yaml: there are no keys -- write `even:` and under it prime, point, share, \
             public and lagrange",
        ),
        (
            format!("{KEYS}{odd}"),
            "keys.yaml: of two sets, one makes new proofs -- add `active: even` or `active: odd`",
        ),
        (
            format!("active: 777001\n{KEYS}{odd}"),
            "keys.yaml:1:9: this is neither `even` nor `odd` -- name the set that makes new proofs",
        ),
        (
            format!("active: even\n{KEYS}"),
            "keys.yaml:1:9: `active` means nothing with one set -- remove `active`",
        ),
        (
            "777001".to_owned(),
            "keys.yaml:1:1: this is no key file -- write `even:` and under it `prime:`, `point:`, \
             `share:`, `public:` and `lagrange:`, each with a number, indented alike",
        ),
    ] {
        assert_eq!(messages(&folder, &text), [expected]);
    }
}

#[test]
fn who_verifies_needs_the_secret() {
    let folder = folder("secret");
    let profile = "profiles:\n  - name: p\n    pot-profile:\n      use-namespace: 9\n      \
                   node-action: decapsulate\n";
    let ports = FILE.replace("net_null0", "net_null0, ioam: true");
    fs::write(folder.join("node.yaml"), format!("{ports}{profile}")).unwrap();
    write(&folder, KEYS.as_bytes(), 0o600);
    assert_eq!(read(&folder).unwrap().warnings.len(), 1, "of the node id");
    let without = KEYS.replace("  secret: 777005\n", "");
    let odd = KEYS.replace("even", "odd");
    for keys in [&without, &format!("active: odd\n{without}{odd}")] {
        write(&folder, keys.as_bytes(), 0o600);
        let found = read(&folder).unwrap_err();
        let expected = "a proof in namespace 9 cannot be verified without secret -- add `secret:` \
                        to every set of its key file";
        let place = |line, column| Place {
            line,
            column,
            length: 1,
        };
        assert!(
            found.contains(&(place(9, 22), expected.to_owned())),
            "{found:?}"
        );
    }
}

#[test]
fn keys_are_in_no_debug_text() {
    let folder = folder("debug");
    write(&folder, KEYS.as_bytes(), 0o600);
    let loaded = read(&folder).unwrap();
    let spec = loaded.valid.node_spec(&[]);
    let texts = [format!("{loaded:?}"), format!("{spec:#?}")];
    assert!(texts.iter().all(|text| !text.contains("77700")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_file_with_other_octets_shows_no_key(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<char>(), 0u8..3), 1..6),
    ) {
        let mut text: Vec<char> = KEYS.chars().collect();
        for (at, character, kind) in edits {
            let at = at.index(text.len());
            match kind {
                0 => text[at] = character,
                1 => text.insert(at, character),
                _ => { text.truncate(at.max(1)); }
            }
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("key-file-fuzz");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("node.yaml"), FILE).unwrap();
        write(&folder, text.into_iter().collect::<String>().as_bytes(), 0o600);
        let _ = read(&folder);
    }
}
