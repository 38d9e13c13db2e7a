// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Export to collectors by IPFIX (RFC 7011): over UDP, TCP and TLS, to several at once.
//!
//! The export thread gives records to the [`Exporter`], which hands batches of them to a queue of
//! each collector. A thread of each collector's own encodes them in its [`Session`] and sends them.
//! So a collector that is slow or gone fills its own queue and nothing else; what does not fit is
//! dropped and counted: sent + dropped + waiting = produced.

mod batch;
mod configured;
mod counts;
pub mod element;
mod exporter;
mod field;
pub mod ioam;
mod message;
mod names;
mod path;
mod record;
mod sender;
mod session;
pub mod settings;
mod stop;
pub mod template;
mod transport;
pub mod uliege;

pub use batch::{Batch, Wanted};
pub use counts::{CollectorCounts, CollectorReport, SharedCount};
pub use exporter::{CollectorError, Exporter};
pub use message::{Finished, MOST_OCTETS, Messages};
pub use names::Names;
pub use path::{MOST_PATHS, PathKey, PathReport, Paths};
pub use session::Session;
pub use settings::Collector;
