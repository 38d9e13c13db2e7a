// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is known of the node: its figures with rates, and how they were before.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use serde_json::Value;

use crate::show::{Look, rated_all};

/// Most values of a history: more than a terminal has columns for.
const HISTORY: usize = 256;

/// The node as far as it is known.
#[derive(Debug)]
pub(super) struct Model {
    /// Every section with rates, as [`rated_all`] makes it.
    pub(super) all: Value,
    /// Values by name, the latest last.
    histories: BTreeMap<String, VecDeque<f64>>,
    last: Look,
    /// Why the node does not answer, and since when.
    pub(super) gone: Option<(String, Instant)>,
}

impl Model {
    /// From the first answer, of which there are no rates yet.
    pub(super) fn new(answer: Value) -> Self {
        let last = Look(answer);
        Self {
            all: rated_all(&last, &last),
            histories: BTreeMap::new(),
            last,
            gone: None,
        }
    }

    /// Takes the next answer; while it is paused only to be the beginning of the next window.
    pub(super) fn take(&mut self, answer: Value, is_paused: bool) {
        let after = Look(answer);
        let is_gap = self.gone.take().is_some() || !self.last.is_before(&after);
        if !is_paused || is_gap {
            let before = if is_gap { &after } else { &self.last };
            self.all = rated_all(before, &after);
            if !is_gap {
                self.remember();
            }
        }
        self.last = after;
    }

    /// Takes that there is no answer.
    pub(super) fn lose(&mut self, why: String, now: Instant) {
        let since = self.gone.as_ref().map_or(now, |(_, since)| *since);
        self.gone = Some((why, since));
    }

    /// The rows of a section.
    pub(super) fn rows(&self, section: &str) -> &[Value] {
        self.all[section].as_array().map_or(&[], Vec::as_slice)
    }

    /// Values so far, the latest last.
    pub(super) fn history(&self, name: &str) -> Vec<f64> {
        let values = self.histories.get(name);
        values.into_iter().flatten().copied().collect()
    }

    fn remember(&mut self) {
        let mut values = Vec::new();
        for port in self.rows("ports") {
            let name = port["name"].as_str().unwrap_or_default();
            let rate = |key: &str| port["per_second"][key].as_f64().unwrap_or(0.0);
            values.push((format!("port {name}"), rate("received") + rate("sent")));
        }
        for worker in self.rows("workers") {
            let busy = worker["busy"].as_f64().unwrap_or(0.0);
            values.push((format!("worker {}", worker["worker"]), busy));
        }
        for reason in self.rows("drops") {
            let name = reason["name"].as_str().unwrap_or_default();
            let rate = reason["per_second"]["packets"].as_f64();
            values.push((format!("drop {name}"), rate.unwrap_or(0.0)));
        }
        for (name, value) in values {
            let history = self.histories.entry(name).or_default();
            if history.len() >= HISTORY {
                history.pop_front();
            }
            history.push_back(value);
        }
    }
}
