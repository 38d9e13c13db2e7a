// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The life of a DPDK process: start, two joined ports, traffic both ways, a worker, and an end
//! without a lost buffer. One test, because DPDK starts once in a process.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use ioam_app::dpdk::{
    DpdkError, Eal, Mbuf, Mempool, PoolGauge, Port, PortConfig, RxHandle, TxHandle, launch,
    ring_pair,
};
use ioam_dp::packet::PacketBuf as _;
use ioam_dp::port::{Buffers as _, Burst, RxQueue as _, STAGE, Stage, TxQueue as _};

/// Packets that fit the ring between two ports.
const RING: usize = 127;

fn packet(pool: &Mempool, number: usize) -> Mbuf {
    let mut packet = Mbuf::alloc(pool).unwrap();
    packet
        .append(60)
        .unwrap()
        .copy_from_slice(&[u8::try_from(number % 256).unwrap(); 60]);
    packet
}

fn open(eal: &Eal, id: u16, pool: &Mempool) -> Port {
    let mut port = Port::open_id(eal, id, &PortConfig::new("ignored"), pool).unwrap();
    assert!(
        port.take_rx(0).is_none(),
        "a queue of a port that is not started"
    );
    port.start().unwrap();
    port
}

/// Sends more than fits, and checks that what fits arrives in order and the rest is kept.
fn cross(pool: &Mempool, from: &mut TxHandle, to: &mut RxHandle) {
    let mut stage: Stage<Mbuf> = (0..STAGE).map(|number| packet(pool, number)).collect();
    from.send(&mut stage);
    assert_eq!(stage.len(), STAGE - RING);
    assert_eq!(from.depth(), Some(u32::try_from(RING).unwrap()));
    let mut expected = 0;
    while !(stage.is_empty() && expected == STAGE) {
        let mut burst = Burst::new();
        burst.push(packet(pool, 255));
        to.receive(&mut burst);
        assert!(burst.len() <= 1 + 32, "more than the configured burst");
        assert!(burst.len() > 1, "packet {expected} of {STAGE} was lost");
        assert_eq!(
            burst.remove(0).bytes(),
            [255; 60],
            "what was in the burst stays in front"
        );
        for packet in burst {
            assert_eq!(packet.bytes(), [u8::try_from(expected % 256).unwrap(); 60]);
            assert!(packet.is_contiguous());
            expected += 1;
        }
        from.send(&mut stage);
    }
    assert_eq!(from.depth(), Some(0));
}

fn traffic(eal: &Eal) {
    let pool = support::pool(eal, "rings", 1023);
    let gauge = PoolGauge::new(eal, &[pool.clone(), pool.clone()]);
    assert_eq!(gauge.octets_in_use(), Some(0));
    let (first, second) = ring_pair(eal, "pair", 128).unwrap();
    let (mut first, mut second) = (open(eal, first, &pool), open(eal, second, &pool));
    assert_eq!(first.driver(), "net_ring");
    assert!(first.link().unwrap().is_up);

    let (mut first_rx, mut first_tx) = (first.take_rx(0).unwrap(), first.take_tx(0).unwrap());
    let (mut second_rx, mut second_tx) = (second.take_rx(0).unwrap(), second.take_tx(0).unwrap());
    assert!(first.take_rx(0).is_none(), "two handles of one queue");
    assert!(first.take_rx(1).is_none(), "a queue that does not exist");
    cross(&pool, &mut first_tx, &mut second_rx);
    cross(&pool, &mut second_tx, &mut first_rx);
    assert_eq!(pool.in_use(), 0);
    assert_eq!(first.statistics().unwrap().tx_packets, STAGE as u64);
    assert_eq!(first.statistics().unwrap().rx_packets, STAGE as u64);

    // Three packets stay in the ring when the ports close.
    let mut stage: Stage<Mbuf> = (0..3).map(|number| packet(&pool, number)).collect();
    first_tx.send(&mut stage);
    assert_eq!(pool.in_use(), 3);
    // The buffers, their 128 octets of header each, and at least headroom and frame.
    assert!(gauge.octets_in_use() >= Some(3 * (128 + 384 + 2048)));

    let refused = first.stop().unwrap_err();
    assert_eq!(
        refused,
        DpdkError::InUse {
            subject: "the port net_ring_pair_a".to_owned()
        }
    );
    drop((first_rx, first_tx));
    first.stop().unwrap();
    first.start().unwrap();
    assert!(first.take_tx(0).is_some(), "a queue that was given back");
    first.close().unwrap();
    drop((second_rx, second_tx));
    second.stop().unwrap();
    second.close().unwrap();
    assert_eq!(pool.in_use(), 0);
}

fn worker(eal: &Eal) {
    let pool = support::pool(eal, "worker", 255);
    let lcores = eal.worker_lcores();
    assert_eq!((eal.main_lcore(), lcores.as_slice()), (0, &[1][..]));

    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let (inner, answer) = (pool.clone(), std::sync::mpsc::channel());
    let job = launch(eal, 1, move || {
        receiver.recv().unwrap();
        answer.0.send(packet(&inner, 7)).unwrap();
    });
    let busy = launch(eal, 1, || {}).unwrap_err();
    assert_eq!(
        busy.to_string(),
        "lcore 1 cannot take a job: it is busy with another job"
    );
    sender.send(()).unwrap();
    job.unwrap().join().unwrap();
    assert_eq!(pool.in_use(), 1);
    assert_eq!(answer.1.recv().unwrap().bytes(), [7; 60]);
    assert_eq!(pool.in_use(), 0);

    for lcore in [0, 2, u32::MAX] {
        assert!(
            matches!(launch(eal, lcore, || {}), Err(DpdkError::Lcore { .. })),
            "{lcore}"
        );
    }
    let panicking = launch(eal, 1, || panic!("on purpose")).unwrap();
    assert_eq!(panicking.join(), Err(DpdkError::Panicked { lcore: 1 }));
    launch(eal, 1, || {}).unwrap().join().unwrap();
}

fn single_pool(eal: &Eal) {
    let pool = support::pool(eal, "single", 255);
    let config = PortConfig {
        single_pool: true,
        ..PortConfig::new("net_null0")
    };
    let port = Port::open(eal, &config, &pool).unwrap();
    let second = Mempool::new(eal, "second", 255, 128, 2048, -1).unwrap_err();
    assert_eq!(
        second,
        DpdkError::SecondPool {
            pool: "second".to_owned()
        }
    );
    port.close().unwrap();
    let other = support::pool(eal, "other", 255);
    let config = PortConfig {
        device: "net_null1".to_owned(),
        ..config
    };
    assert!(matches!(
        Port::open(eal, &config, &other),
        Err(DpdkError::SecondPool { .. })
    ));
}

#[test]
fn a_process_starts_moves_packets_and_ends_without_a_lost_buffer() {
    let eal = support::start("rings");
    let again = Eal::init(&support::arguments("again")).unwrap_err();
    assert_eq!(again, DpdkError::AlreadyStarted);

    traffic(&eal);
    worker(&eal);
    single_pool(&eal);

    let other = eal.clone();
    assert_eq!(
        eal.close(),
        Err(DpdkError::InUse {
            subject: "DPDK".to_owned()
        })
    );
    other.close().unwrap();
}
