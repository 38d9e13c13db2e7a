// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The way of a record out of the node: a ring from each worker, then one line of JSON in a file,
//! a socket or a pipe, and IPFIX to collectors.
//!
//! A worker hands records to its [`RingSink`] and never waits. A management thread owns the
//! [`Drain`]: it empties the rings, turns each record into a [`line`](ndjson::line) for an [`Output`],
//! and gives it to the [`Exporter`](ipfix::Exporter). Where nobody reads fast enough, records are
//! lost and counted, never packets.

mod drain;
pub mod ipfix;
pub mod ndjson;
mod output;
pub(crate) mod rfc3339;
mod ring;
mod watch;
pub mod way;

pub(crate) use drain::write_records;
pub use drain::{Drain, Exported};
pub use output::{Output, OutputCounts};
pub(crate) use rfc3339::text as rfc3339_text;
pub use ring::{Record, RingSink, RingSource, ring};
pub use watch::{SharedWatch, Watch};
