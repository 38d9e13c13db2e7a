// SPDX-License-Identifier: Apache-2.0 OR MIT
//! DPDK made safe: the only place in the program with unsafe code.
//!
//! Who keeps what alive: an [`Eal`] is a handle, and every [`Mempool`], [`Port`], queue handle and
//! [`LcoreJob`] holds one, so DPDK is cleaned up after the last of them. An [`Mbuf`] holds nothing,
//! for speed; therefore a pool with buffers outside is never freed, and DPDK with such a pool is
//! never cleaned up.

mod clock;
mod device;
mod eal;
mod error;
mod lcore;
mod log_stream;
mod mbuf;
mod mempool;
mod port;
mod preflight;
mod queue;
mod ring;

pub use clock::{TscClock, TscReference};
pub use device::{Device, frame_room};
pub use eal::Eal;
pub use error::DpdkError;
pub use lcore::{LcoreJob, launch};
pub use mbuf::Mbuf;
pub use mempool::{Mempool, PoolGauge};
pub use port::{LinkStatus, Port, PortConfig, PortStatistics};
pub use queue::{RxHandle, TxHandle};
pub use ring::ring_pair;
