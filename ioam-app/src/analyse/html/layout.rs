// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where nodes go in a picture of paths: in columns along the way, ordered so that few links cross.

use std::collections::BTreeSet;

/// A link between two nodes, by their numbers; heavier ones are drawn first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) weight: u64,
}

/// Columns and rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// By node: its column, and its place from the middle of that, in rows.
    pub(super) places: Vec<(usize, f64)>,
    /// By edge: the places it passes on its way over columns in between.
    pub(super) bends: Vec<Vec<(usize, f64)>>,
    /// Columns.
    pub(super) columns: usize,
}

/// A node of a column, or a place that a long link passes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Node(usize),
    Bend(usize, usize),
}

/// Lays out `nodes` nodes.
pub(super) fn layout(nodes: usize, edges: &[Edge]) -> Layout {
    let onward = onward(nodes, edges);
    let columns_of = columns(nodes, &onward, edges);
    let count = columns_of.iter().max().map_or(0, |last| last + 1);
    let mut columns: Vec<Vec<Item>> = vec![Vec::new(); count];
    for (node, column) in columns_of.iter().enumerate() {
        if let Some(items) = columns.get_mut(*column) {
            items.push(Item::Node(node));
        }
    }
    let of = |node: usize| columns_of.get(node).copied().unwrap_or(0);
    for (number, edge) in edges.iter().enumerate() {
        for column in of(edge.from) + 1..of(edge.to) {
            if let Some(items) = columns.get_mut(column) {
                items.push(Item::Bend(number, column));
            }
        }
    }
    order(&mut columns, edges, &columns_of);
    place(nodes, edges.len(), &columns)
}

/// The edges without those that would close a circle.
fn onward(nodes: usize, edges: &[Edge]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..edges.len()).collect();
    order.sort_by_key(|number| std::cmp::Reverse(edges.get(*number).map(|edge| edge.weight)));
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    let mut kept = Vec::new();
    for number in order {
        let Some(edge) = edges.get(number) else {
            continue;
        };
        if edge.from == edge.to || reaches(&next, edge.to, edge.from) {
            continue;
        }
        if let Some(next) = next.get_mut(edge.from) {
            next.push(edge.to);
            kept.push(number);
        }
    }
    kept
}

fn reaches(next: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(node) = waiting.pop() {
        if node == to {
            return true;
        }
        if seen.insert(node) {
            waiting.extend(next.get(node).into_iter().flatten());
        }
    }
    false
}

/// The column of each node: behind all that lead to it.
fn columns(nodes: usize, onward: &[usize], edges: &[Edge]) -> Vec<usize> {
    let mut columns = vec![0_usize; nodes];
    // As no circle is left, that many rounds are enough.
    for _ in 0..nodes {
        let mut changed = false;
        for edge in onward.iter().filter_map(|number| edges.get(*number)) {
            let least = columns.get(edge.from).map_or(0, |column| column + 1);
            if let Some(column) = columns.get_mut(edge.to).filter(|column| **column < least) {
                *column = least;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    columns
}

/// Puts each item near the middle of its neighbours, column by column, to and fro.
#[allow(clippy::cast_precision_loss, reason = "for a picture")]
fn order(columns: &mut [Vec<Item>], edges: &[Edge], columns_of: &[usize]) {
    for round in 0..8 {
        let forth = round % 2 == 0;
        let mut numbers: Vec<usize> = (0..columns.len()).collect();
        if !forth {
            numbers.reverse();
        }
        for number in numbers {
            let beside = match forth {
                true => number.checked_sub(1),
                false => Some(number + 1),
            };
            let Some(neighbours) = beside.and_then(|beside| columns.get(beside)).cloned() else {
                continue;
            };
            let place = |item: Item| neighbours.iter().position(|other| *other == item);
            let middle = |item: &Item| {
                let places = beside_of(*item, edges, columns_of, forth);
                let places: Vec<f64> = places
                    .into_iter()
                    .filter_map(place)
                    .map(|place| place as f64 - neighbours.len() as f64 / 2.0)
                    .collect();
                (!places.is_empty()).then(|| places.iter().sum::<f64>() / places.len() as f64)
            };
            if let Some(items) = columns.get_mut(number) {
                let half = items.len() as f64 / 2.0;
                let own = items.clone();
                let keys: Vec<f64> = own
                    .iter()
                    .enumerate()
                    .map(|(at, item)| middle(item).unwrap_or(at as f64 - half))
                    .collect();
                let mut sorted: Vec<(f64, Item)> = keys.into_iter().zip(own).collect();
                sorted.sort_by(|(one, _), (other, _)| one.total_cmp(other));
                *items = sorted.into_iter().map(|(_, item)| item).collect();
            }
        }
    }
}

/// What an item is linked to in the column before, or behind.
fn beside_of(item: Item, edges: &[Edge], columns_of: &[usize], before: bool) -> Vec<Item> {
    let of = |node: usize| columns_of.get(node).copied().unwrap_or(0);
    let along = |number: usize, edge: &Edge, column: usize| match column {
        column if column == of(edge.from) => Item::Node(edge.from),
        column if column == of(edge.to) => Item::Node(edge.to),
        column => Item::Bend(number, column),
    };
    let mut items = Vec::new();
    for (number, edge) in edges.iter().enumerate() {
        let column = match item {
            Item::Node(node) if before && edge.to == node => of(node).checked_sub(1),
            Item::Node(node) if !before && edge.from == node => Some(of(node) + 1),
            Item::Bend(own, column) if own == number => match before {
                true => column.checked_sub(1),
                false => Some(column + 1),
            },
            _ => None,
        };
        if let Some(column) = column.filter(|column| (of(edge.from)..=of(edge.to)).contains(column))
        {
            items.push(along(number, edge, column));
        }
    }
    items
}

#[allow(clippy::cast_precision_loss, reason = "for a picture")]
fn place(nodes: usize, edges: usize, columns: &[Vec<Item>]) -> Layout {
    let mut layout = Layout {
        places: vec![(0, 0.0); nodes],
        bends: vec![Vec::new(); edges],
        columns: columns.len(),
    };
    for (column, items) in columns.iter().enumerate() {
        let middle = (items.len() as f64 - 1.0) / 2.0;
        for (row, item) in items.iter().enumerate() {
            let place = (column, row as f64 - middle);
            match *item {
                Item::Node(node) => {
                    if let Some(own) = layout.places.get_mut(node) {
                        *own = place;
                    }
                }
                Item::Bend(edge, _) => {
                    if let Some(bends) = layout.bends.get_mut(edge) {
                        bends.push(place);
                    }
                }
            }
        }
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(usize, usize)]) -> Vec<Edge> {
        let edge = |(from, to): &(usize, usize)| Edge {
            from: *from,
            to: *to,
            weight: 1,
        };
        pairs.iter().map(edge).collect()
    }

    #[test]
    fn a_chain_is_a_line_and_a_fork_has_two_rows() {
        let chain = layout(3, &edges(&[(0, 1), (1, 2)]));
        assert_eq!(chain.places, [(0, 0.0), (1, 0.0), (2, 0.0)]);
        let fork = layout(4, &edges(&[(0, 1), (0, 2), (1, 3), (2, 3)]));
        assert_eq!(fork.columns, 3);
        assert_eq!(fork.places[1], (1, -0.5));
        assert_eq!(fork.places[2], (1, 0.5));
    }

    #[test]
    fn a_long_link_goes_around_and_a_circle_is_cut() {
        let long = layout(3, &edges(&[(0, 1), (1, 2), (0, 2)]));
        assert_eq!(long.bends[2].len(), 1);
        assert!((long.places[1].1 - long.bends[2][0].1).abs() >= 1.0);
        let circle = layout(2, &edges(&[(0, 1), (1, 0), (1, 1)]));
        assert_eq!(circle.columns, 2);
    }

    #[test]
    fn links_do_not_cross_where_they_need_not() {
        // 0 → 2 → 5 and 1 → 3 → 4, named so that the first order crosses.
        let layout = layout(6, &edges(&[(0, 3), (1, 2), (2, 4), (3, 5)]));
        let row = |node: usize| layout.places[node].1;
        assert_eq!(row(0) < row(1), row(3) < row(2));
        assert_eq!(row(3) < row(2), row(5) < row(4));
    }
}
