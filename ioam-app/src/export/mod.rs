// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The way of a record out of the node: a ring from each worker, one line of JSON, a file.
//!
//! A worker hands records to its [`RingSink`] and never waits. A management thread owns the
//! [`Drain`]: it empties the rings, turns each record into a [`line`](ndjson::line) and gives that to
//! an [`Output`]. Where nobody reads fast enough, records are lost and counted, never packets.

mod drain;
pub mod ndjson;
mod output;
pub(crate) mod rfc3339;
mod ring;

pub use drain::Drain;
pub(crate) use drain::write_records;
pub use output::{Output, OutputCounts};
pub(crate) use rfc3339::text as rfc3339_text;
pub use ring::{Record, RingSink, ring};
