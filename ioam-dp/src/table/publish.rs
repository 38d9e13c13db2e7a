// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Hands new tables to running workers: a swap they notice at a burst boundary with one load.
//!
//! The publisher keeps every old snapshot until it alone holds it, so that freeing always happens
//! on its thread and never on a worker's.

use std::sync::Arc;

use arc_swap::{ArcSwap, Cache};

use super::Tables;

/// The management side: owns the current tables and the ones workers may still be reading.
#[derive(Debug)]
pub struct Publisher {
    current: Arc<ArcSwap<Tables>>,
    retired: Vec<Arc<Tables>>,
}

impl Publisher {
    /// Starts with `tables`.
    #[must_use]
    pub fn new(tables: Tables) -> Self {
        Self {
            current: Arc::new(ArcSwap::from_pointee(tables)),
            retired: Vec::new(),
        }
    }

    /// A worker's view; make one per worker.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader(Cache::new(Arc::clone(&self.current)))
    }

    /// The tables workers see from their next burst on.
    #[must_use]
    pub fn current(&self) -> Arc<Tables> {
        self.current.load_full()
    }

    /// Replaces the tables, which go on with the sequences of the old ones. These stay until
    /// [`reclaim`](Self::reclaim) finds them unused.
    pub fn publish(&mut self, mut tables: Tables) {
        tables.continue_from(&self.current.load());
        self.retired.push(self.current.swap(Arc::new(tables)));
    }

    /// Frees what no worker reads any more; returns how many old tables are still in use.
    pub fn reclaim(&mut self) -> usize {
        self.retired.retain(|tables| Arc::strong_count(tables) > 1);
        self.retired.len()
    }
}

/// A worker's view of the current tables.
#[derive(Clone, Debug)]
pub struct Reader(Cache<Arc<ArcSwap<Tables>>, Arc<Tables>>);

impl Reader {
    /// The current tables; one relaxed load when they have not changed.
    pub fn tables(&mut self) -> &Arc<Tables> {
        self.0.load()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::spec::NodeSpec;

    fn tables(node_id: u32) -> Tables {
        Tables::compile(&NodeSpec {
            node_id: Some(node_id),
            ..NodeSpec::default()
        })
        .unwrap()
    }

    #[test]
    fn old_tables_are_freed_by_the_publisher_once_every_reader_moved_on() {
        let mut publisher = Publisher::new(tables(1));
        let (mut slow, mut quick) = (publisher.reader(), publisher.reader());
        assert_eq!(slow.tables().identity.node_id, 1);
        publisher.publish(tables(2));
        assert_eq!(quick.tables().identity.node_id, 2);
        assert_eq!(publisher.reclaim(), 1);
        assert_eq!(slow.tables().identity.node_id, 2);
        assert_eq!(publisher.reclaim(), 0);
    }
}
