// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a node does with IOAM in a packet: the node actions of RFC 9617, what RFC 9322 and RFC 9326
//! add to them, and the `ICMPv6` errors that forwarding may call for.

pub(crate) mod account;
pub(crate) mod decapsulate;
pub(crate) mod encapsulate;
pub(crate) mod export;
pub mod icmp_error;
pub(crate) mod loopback;
pub(crate) mod replicate;
pub(crate) mod state;
pub(crate) mod transit;

use crate::moment::Moment;
use crate::port::PortId;
use crate::stats::WorkerStats;
use crate::table::Tables;
use state::State;

/// What every action on a burst's packets needs.
pub(crate) struct Context<'a, S> {
    pub tables: &'a Tables,
    pub stats: &'a WorkerStats,
    pub moment: &'a Moment,
    pub in_port: PortId,
    pub state: &'a mut State,
    pub sink: &'a mut S,
}

/// How a packet leaves, as far as node data tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaving {
    /// The hop limit it leaves with.
    pub hop_limit: u8,
    /// The port it leaves by, where that is known.
    pub port: Option<PortId>,
}
