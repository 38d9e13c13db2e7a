// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a node does with IOAM in a packet: the node actions of RFC 9617, and the `ICMPv6` errors
//! that forwarding may call for.

pub(crate) mod decapsulate;
pub(crate) mod encapsulate;
pub mod icmp_error;
pub(crate) mod transit;

use crate::moment::Moment;
use crate::option_type::OwnDataCache;
use crate::port::PortId;
use crate::stats::WorkerStats;
use crate::table::Tables;
use icmp_error::TokenBucket;

/// What every action on a burst's packets needs.
pub(crate) struct Context<'a, S> {
    pub tables: &'a Tables,
    pub stats: &'a WorkerStats,
    pub moment: &'a Moment,
    pub in_port: PortId,
    pub own_data: &'a mut OwnDataCache,
    pub icmp: &'a mut TokenBucket,
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
