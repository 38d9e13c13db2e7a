// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Export by IPFIX over TLS: to OpenSSL's server, with good certificates and with bad ones.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod ipfix_support;
mod rig;

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ioam_app::export::ipfix::settings::{Tls, Transport};
use ioam_app::export::ipfix::{Exporter, template};
use ipfix_support::{Reader, collector, exporter, trace, until};
use rig::{Folder, Need, turn};

/// An authority, and certificates of a collector and of a node that it vouches for.
fn certificates(folder: &Folder) {
    let path = |name: &str| folder.file(name).display().to_string();
    let issue = |name: &str, names: &str, authority: Option<&str>| {
        let (key, certificate) = (path(&format!("{name}.key")), path(&format!("{name}.pem")));
        let subject = format!("/CN={name}");
        let names = format!("subjectAltName={names}");
        let mut words = vec![
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            &subject,
            "-keyout",
            &key,
            "-out",
            &certificate,
            "-addext",
            &names,
        ];
        let (ca, ca_key);
        if let Some(authority) = authority {
            (ca, ca_key) = (
                path(&format!("{authority}.pem")),
                path(&format!("{authority}.key")),
            );
            words.extend(["-CA", &ca, "-CAkey", &ca_key]);
            words.extend(["-addext", "basicConstraints=critical,CA:FALSE"]);
        }
        rig::run(&words);
    };
    issue("authority", "DNS:authority", None);
    issue("stranger", "DNS:stranger", None);
    issue(
        "collector",
        "DNS:collector.example,IP:127.0.0.1",
        Some("authority"),
    );
    issue("node", "DNS:node.example", Some("authority"));
}

/// `openssl s_server`, which writes what it gets to a file.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(folder: &Folder, flags: &[&str]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let port = free.port().to_string();
        let path = |name: &str| folder.file(name).display().to_string();
        let child = Command::new("openssl")
            .args(["s_server", "-quiet", "-accept", &port, "-naccept", "100"])
            .args([
                "-cert",
                &path("collector.pem"),
                "-key",
                &path("collector.key"),
            ])
            .args(["-CAfile", &path("authority.pem")])
            .args(flags)
            // Its input stays open: the end of it would end the connection.
            .stdin(Stdio::piped())
            .stdout(File::create(folder.file("got")).unwrap())
            .stderr(File::create(folder.file("said")).unwrap())
            .spawn()
            .unwrap();
        until("the server listens", || TcpStream::connect(free).is_ok());
        Self {
            child,
            address: free,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tls(folder: &Folder, authority: &str, identity: bool, name: Option<&str>) -> Transport {
    Transport::Tls(Tls {
        authorities: folder.file(authority),
        identity: identity.then(|| (folder.file("node.pem"), folder.file("node.key"))),
        server_name: name.map(str::to_owned),
    })
}

#[test]
fn records_arrive_over_tls_from_a_node_that_shows_who_it_is() {
    let Some(_turn) = turn(&[Need::Tool("openssl")]) else {
        return;
    };
    let folder = Folder::new();
    certificates(&folder);
    let server = Server::start(&folder, &["-Verify", "1", "-verify_return_error"]);
    let settings = collector(
        server.address,
        tls(&folder, "authority.pem", true, Some("collector.example")),
    );
    let mut exporter = exporter(&[settings]);
    for _ in 0..300 {
        exporter.take(trace());
    }
    exporter.flush();
    until("all is sent", || exporter.reports()[0].sent == 300);
    let report = exporter.finish().remove(0);
    assert_eq!((report.dropped, report.connections), (0, 1), "{report:?}");
    let mut octets = Vec::new();
    until("it is written", || {
        octets = std::fs::read(folder.file("got")).unwrap();
        octets.len() as u64 == report.octets
    });
    let mut reader = Reader::default();
    let (records, rest) = reader.stream(&octets);
    assert!(rest.is_empty());
    let hops = records
        .iter()
        .filter(|record| record.template == template::HOP.id);
    assert_eq!((hops.count(), reader.gaps), (600, 0));
}

/// Whatever is wrong, records are dropped and counted, and nothing is sent.
fn is_refused(settings: ioam_app::export::ipfix::Collector) {
    let mut exporter = exporter(&[settings]);
    exporter.take(trace());
    exporter.flush();
    until("it fails", || exporter.reports()[0].failures > 0);
    let report = exporter.finish().remove(0);
    assert_eq!((report.sent, report.produced), (0, 2), "{report:?}");
    assert_eq!(report.dropped, 2);
}

#[test]
fn a_collector_that_nobody_vouches_for_or_that_is_another_gets_nothing() {
    let Some(_turn) = turn(&[Need::Tool("openssl")]) else {
        return;
    };
    let folder = Folder::new();
    certificates(&folder);
    let server = Server::start(&folder, &[]);
    is_refused(collector(
        server.address,
        tls(&folder, "stranger.pem", false, None),
    ));
    let other = tls(&folder, "authority.pem", false, Some("other.example"));
    is_refused(collector(server.address, other));
    assert!(std::fs::read(folder.file("got")).unwrap().is_empty());
}

#[test]
fn a_node_that_does_not_show_who_it_is_or_finds_no_tls_sends_nothing() {
    let Some(_turn) = turn(&[Need::Tool("openssl")]) else {
        return;
    };
    let folder = Folder::new();
    certificates(&folder);
    let server = Server::start(&folder, &["-Verify", "1", "-verify_return_error"]);
    is_refused(collector(
        server.address,
        tls(&folder, "authority.pem", false, None),
    ));
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap();
    let talking = std::thread::spawn(move || {
        use std::io::Write as _;
        let (mut connection, _) = plain.accept().unwrap();
        // The node may hang up before it has read all of this.
        let _ = connection.write_all(b"220 this is no TLS\r\n");
        std::thread::sleep(Duration::from_millis(300));
    });
    is_refused(collector(
        address,
        tls(&folder, "authority.pem", false, None),
    ));
    talking.join().unwrap();
}

#[test]
fn files_that_cannot_be_used_are_named_at_once() {
    let folder = Folder::new();
    folder.write("empty.pem", "nothing here\n");
    let address = "127.0.0.1:4740".parse().unwrap();
    for (file, says) in [
        ("absent.pem", "absent.pem"),
        ("empty.pem", "no certificate"),
    ] {
        let settings = collector(address, tls(&folder, file, false, None));
        let error = Exporter::start(&[settings], Duration::from_secs(1), None).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(says) && error.starts_with("collector lab: "),
            "{error}"
        );
    }
}
