// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the user reads when a device is not as the configuration says.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::sync::LazyLock;

use ioam_app::dpdk::{Device, DpdkError, Eal, Mempool, Port, PortConfig, frame_room};

static EAL: LazyLock<Eal> = LazyLock::new(|| support::start("errors"));
static POOL: LazyLock<Mempool> = LazyLock::new(|| support::pool(&EAL, "errors", 255));

fn refusal(config: &PortConfig) -> String {
    Port::open(&EAL, config, &POOL).unwrap_err().to_string()
}

fn refusal_of(device: &str) -> String {
    refusal(&PortConfig::new(device))
}

#[track_caller]
fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    assert!(!text.contains('\n'), "more than a sentence: {text}");
}

#[test]
fn a_null_device_opens_without_being_named_to_dpdk_at_its_start() {
    let config = PortConfig {
        rx_queues: 2,
        tx_queues: 2,
        ..PortConfig::new("net_null7,size=64")
    };
    let mut port = Port::open(&EAL, &config, &POOL).unwrap();
    assert_says(&refusal(&config), &["the port net_null7 is still in use"]);
    port.start().unwrap();
    assert_eq!((port.device(), port.driver()), ("net_null7", "net_null"));
    assert!(port.take_rx(1).is_some());
    assert!(port.mac_address().is_ok());
    assert_eq!(port.statistics().unwrap().rx_packets, 0);
    port.close().unwrap();
    assert_says(
        &refusal(&config),
        &[
            "cannot open the device `net_null7,size=64`",
            "closed before",
        ],
    );
}

#[test]
fn an_unknown_driver_is_answered_with_those_there_are() {
    for device in ["net_nonsense0", "hello world", "", "eth0"] {
        assert_says(
            &refusal_of(device),
            &[&format!("`{device}`"), "net_af_packet0,iface="],
        );
    }
}

#[test]
fn a_missing_pci_device_is_named_with_the_list_to_look_at() {
    let text = refusal_of("ffff:ff:1f.7");
    assert_says(
        &text,
        &[
            "no PCI device ffff:ff:1f.7",
            "`dpdk-devbind.py --status-dev net`",
        ],
    );
    let arguments = ["--no-huge", "-a", "ffff:ff:1f.7"].map(str::to_owned);
    assert_eq!(Eal::init(&arguments).unwrap_err().to_string(), text);
}

#[test]
fn a_missing_interface_is_named() {
    let text = refusal_of("net_af_packet0,iface=nonesuch");
    assert_says(
        &text,
        &[
            "no network interface nonesuch",
            "`net_af_packet0,iface=nonesuch`",
            "ip link",
        ],
    );
}

#[test]
fn a_driver_that_refuses_is_quoted() {
    let text = refusal_of("net_null1,nonsense=1");
    assert_says(
        &text,
        &["cannot open the device `net_null1,nonsense=1`", "net_null1"],
    );
}

#[test]
fn an_mtu_that_af_packet_would_cut_is_refused_with_the_words_that_carry_it() {
    let config = PortConfig {
        mtu: 2000,
        ..PortConfig::new("net_af_packet0,iface=lo")
    };
    let remedy = "`framesz=4096,blocksz=65536,framecnt=1024`";
    assert_says(
        &refusal(&config),
        &["net_af_packet0", "at most 1964, not 2000", remedy],
    );
    let config = PortConfig {
        mtu: 9000,
        ..config
    };
    assert_says(
        &refusal(&config),
        &["`framesz=16384,blocksz=65536,framecnt=512`"],
    );
}

#[test]
fn an_mtu_above_1500_is_too_much_for_a_tap() {
    let config = PortConfig {
        mtu: 1501,
        ..PortConfig::new("net_tap0")
    };
    assert_says(
        &refusal(&config),
        &["net_tap0", "at most 1500, not 1501", "net_af_packet"],
    );
}

#[test]
fn an_mtu_below_the_least_is_refused() {
    let config = PortConfig {
        mtu: 20,
        ..PortConfig::new("net_null2")
    };
    assert_says(&refusal(&config), &["net_null2", "not 20", "raise `mtu`"]);
}

#[test]
fn more_queues_than_there_are_are_refused() {
    let config = PortConfig {
        rx_queues: 2000,
        ..PortConfig::new("net_null3")
    };
    let text = refusal(&config);
    assert_says(
        &text,
        &[
            "net_null3",
            "at most 1024 receive queues, not 2000",
            "set `queues: 1024`",
        ],
    );
}

#[test]
fn buffers_that_do_not_hold_the_frame_are_refused() {
    let config = PortConfig {
        mtu: 9000,
        ..PortConfig::new("net_null4")
    };
    let needed = frame_room(&Device::new("net_null4"), 9000);
    match Port::open(&EAL, &config, &POOL).unwrap_err() {
        DpdkError::BufferTooSmall {
            needed: wanted,
            room,
            ..
        } => {
            assert_eq!((wanted, room), (needed, 2048 + 384 - 128));
        }
        other => panic!("{other}"),
    }
    let large = Mempool::new(&EAL, "large", 63, 384, needed, -1).unwrap();
    assert!(Port::open(&EAL, &config, &large).is_ok());
}

#[test]
fn an_unknown_port_number_is_refused() {
    let text = Port::open_id(&EAL, 31, &PortConfig::new(""), &POOL)
        .unwrap_err()
        .to_string();
    assert_says(&text, &["port 31: rte_eth_dev_get_name_by_port failed"]);
}
