// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The data plane of an IOAM node (RFC 9197, RFC 9486), pure: no DPDK, file, socket, thread or clock.
//!
//! A packet's way, in the order of the modules:
//!
//! 1. [`worker`] receives a burst from a [`port`] and hands it to the [`pipeline`];
//! 2. [`carrier`] locates the IOAM option in each frame, reading bytes through [`wire`];
//! 3. [`classify`] and the [`table`]s say which profile wants the packet;
//! 4. [`action`] encapsulates, transits or decapsulates, with [`option_type`] building, updating and
//!    collecting the option; a removed option leaves as a [`record`];
//! 5. [`forward`] says where the packet goes, and the worker sends it.
//!
//! Time comes in as a value ([`timestamp`]), packets come in as a [`packet::PacketBuf`], and every
//! packet not forwarded and every option not processed has a name in [`stats`].

#![forbid(unsafe_code)]

pub mod accounting;
pub mod action;
pub mod carrier;
pub mod classify;
mod express;
pub mod flow_state;
pub mod forward;
pub mod moment;
pub mod option_type;
pub mod outbox;
pub mod packet;
pub mod pipeline;
pub mod port;
pub mod rate_limit;
pub mod record;
pub mod stats;
pub mod table;
pub mod tap;
pub mod timestamp;
pub mod wire;
pub mod worker;
