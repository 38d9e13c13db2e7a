// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What was measured of rule sets, as a table and for programs.

use serde_json::{Value, json};

use crate::report::{self, Spread};

/// What was measured with one set of rules and so many flows.
pub(crate) struct Figure<'a> {
    pub kind: &'static str,
    pub what: &'static str,
    pub rules: u64,
    pub flows: u64,
    /// Milliseconds to compile the set alone, and a whole node with it.
    pub build: [f64; 2],
    /// Octets of the set, and those for each worker.
    pub octets: [usize; 2],
    /// Hash tables, and rules a packet may have to be compared with.
    pub tables: [usize; 2],
    /// Ticks a packet, round by round.
    pub lookup: &'a [f64],
    /// The same without the worker's memory.
    pub find: &'a [f64],
    pub walk: &'a [f64],
    /// In the whole pipeline: flows of all rules, and of the last one.
    pub pipeline: [&'a [f64]; 2],
    /// The same with one rule.
    pub one_rule: [&'a [f64]; 2],
    pub allocations: usize,
}

impl Figure<'_> {
    /// How many times as much as with one rule, in the same round.
    fn ratios(&self) -> [Spread; 2] {
        [0, 1].map(|place| {
            let rounds = self.pipeline[place].iter().zip(self.one_rule[place]);
            Spread::of(rounds.map(|(many, one)| many / one))
        })
    }

    pub(crate) fn json(&self) -> Value {
        let spread = |samples: &[f64]| Spread::of(samples.iter().copied()).json();
        let [all, last] = self.ratios();
        json!({
            "bench": "rules", "case": self.kind, "rules": self.rules, "flows": self.flows,
            "rounds": self.lookup.len(),
            "build_milliseconds": report::rounded(self.build[0]),
            "node_build_milliseconds": report::rounded(self.build[1]),
            "octets": self.octets[0], "octets_a_worker": self.octets[1],
            "tables": self.tables[0], "rules_compared_at_worst": self.tables[1],
            "lookup_ticks": spread(self.lookup),
            "tables_only_ticks": spread(self.find), "walk_ticks": spread(self.walk),
            "pipeline_ticks_all_rules": spread(self.pipeline[0]),
            "pipeline_ticks_last_rule": spread(self.pipeline[1]),
            "pipeline_all_rules_to_one": all.json(), "pipeline_last_rule_to_one": last.json(),
            "allocations": self.allocations,
        })
    }

    /// What does not depend on flows.
    fn set(&self) -> String {
        let kib = self.octets[0].div_ceil(1024);
        format!(
            "{:>6} {:>9.2} {:>6.0} {kib:>6} {:>6} {:>5}",
            self.rules, self.build[0], self.build[1], self.tables[0], self.tables[1]
        )
    }

    fn measured(&self) -> String {
        let median = |samples: &[f64]| Spread::of(samples.iter().copied()).median;
        let [all, last] = self.ratios();
        format!(
            "{:>8} {:>21} {:>21} {:>8.0} {:>7.0} {:>5.2} {:>7.0} {:>5.2}",
            self.flows,
            Spread::of(self.lookup.iter().copied()).text(),
            Spread::of(self.find.iter().copied()).text(),
            median(self.walk),
            median(self.pipeline[0]),
            all.median,
            median(self.pipeline[1]),
            last.median,
        )
    }
}

const HEAD: [&str; 2] = [
    "        compile   node                            ticks a packet                                      pipeline, flows of",
    " rules       ms     ms    KiB tables worst    flows                lookup           tables only     walk  all rules (x)   last one (x)",
];

/// Prints the figures by kind.
pub(crate) fn print(figures: &[Figure<'_>]) {
    let mut before: Option<&Figure<'_>> = None;
    for figure in figures {
        if before.is_none_or(|before| before.kind != figure.kind) {
            println!(
                "\n{}: {}\n{}\n{}",
                figure.kind, figure.what, HEAD[0], HEAD[1]
            );
        }
        let again = before.is_some_and(|b| (b.kind, b.rules) == (figure.kind, figure.rules));
        let set = if again { String::new() } else { figure.set() };
        println!("{set:43} {}", figure.measured());
        before = Some(figure);
    }
    println!(
        "\nworst: rules that one packet may have to be compared with; tables only: without the memory of\n\
         the last packets; walk: asking rule after rule; x: times the pipeline with one rule, in the same round"
    );
}
