// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Bytes to fields and back. No policy: what a field means for the packet is decided elsewhere.
//!
//! Views are zerocopy structs over the frame's own octets. Getting one checks the length once; no
//! accessor can panic afterwards.

pub mod checksum;
pub mod ethernet;
pub mod icmpv6;
pub mod ioam;
pub mod ipv6;
pub mod ipv6_ext;
