// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pages drawn from figures that are written out, and the keys.

use std::time::Instant;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};
use serde_json::{Value, json};

use super::keys::{Page, View, Wish};
use super::model::Model;
use super::tones::Tones;
use super::*;

/// A node after so many seconds, each like the one before.
fn answer(seconds: u64) -> Value {
    let text = include_str!("../../tests/top/node.json");
    let mut answer: Value = serde_json::from_str(text).unwrap();
    grow(&mut answer, seconds);
    answer["uptime_nanoseconds"] = (seconds * 1_000_000_000).into();
    answer["node"]["uptime_nanoseconds"] = (seconds * 1_000_000_000).into();
    answer
}

/// Counts in the file are those of a second.
fn grow(value: &mut Value, seconds: u64) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::Object(counts) if key == "counts" => {
                        for count in counts.values_mut() {
                            *count = (count.as_u64().unwrap() * seconds).into();
                        }
                    }
                    other => grow(other, seconds),
                }
            }
        }
        Value::Array(rows) => rows.iter_mut().for_each(|row| grow(row, seconds)),
        _ => {}
    }
}

fn model() -> Model {
    let mut model = Model::new(answer(3600));
    for second in 1..=20 {
        model.take(answer(3600 + second), false);
    }
    model
}

fn view() -> View {
    View::new(Duration::from_secs(1))
}

fn key(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn terminal(
    model: &Model,
    view: &mut View,
    tones: Tones,
    size: (u16, u16),
) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal
        .draw(|frame| picture::draw(frame, model, view, tones, Instant::now()))
        .unwrap();
    terminal
}

fn drawn(model: &Model, view: &mut View, size: (u16, u16)) -> Vec<String> {
    let terminal = terminal(model, view, Tones::plain(), size);
    let cells = terminal.backend().buffer().content().chunks(size.0.into());
    let rows = cells.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>());
    rows.map(|row| row.trim_end().to_owned()).collect()
}

/// `IOAM_BLESS=1` writes what is drawn; look at it before it is committed.
fn golden(name: &str, lines: &[String]) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/top");
    let path = folder.join(name);
    let text = lines.join("\n") + "\n";
    if std::env::var_os("IOAM_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == expected,
        "{} differs; if it should, run again with IOAM_BLESS=1\n{text}",
        path.display()
    );
}

#[test]
fn every_page_is_drawn_as_it_should_be_small_and_large() {
    let model = model();
    for size in [(80, 24), (120, 40)] {
        for (place, page) in Page::ALL.iter().enumerate() {
            let mut view = view();
            view.page = place;
            let lines = drawn(&model, &mut view, size);
            golden(&format!("{}-{}.txt", page.name(), size.0), &lines);
        }
    }
    let mut view = view();
    view.press(&key(KeyCode::Char('?')));
    golden("help-80.txt", &drawn(&model, &mut view, (80, 24)));
}

#[test]
fn what_does_not_fit_can_be_scrolled_to_and_no_further() {
    let mut answer = answer(1);
    let paths = answer["paths"]["latest"].as_array_mut().unwrap();
    let one = paths[0].clone();
    paths.clear();
    for host in 0..30 {
        let mut path = one.clone();
        path["source"] = format!("2001:db8:1::{host}").into();
        paths.push(path);
    }
    let (model, mut view) = (Model::new(answer), view());
    view.press(&key(KeyCode::Char('6')));
    let lines = drawn(&model, &mut view, (80, 24));
    assert!(lines[23].ends_with("14 more lines below"), "{lines:#?}");
    for (code, hidden) in [(KeyCode::Down, "13 more"), (KeyCode::PageDown, "3 more")] {
        view.press(&key(code));
        let lines = drawn(&model, &mut view, (80, 24));
        assert!(lines[23].contains(hidden), "{lines:#?}");
    }
    view.press(&key(KeyCode::End));
    let lines = drawn(&model, &mut view, (80, 24));
    assert!(lines[19].contains("::29"), "{lines:#?}");
    assert_eq!(view.scrolled, 14);
}

#[test]
fn a_small_terminal_is_told_what_is_needed() {
    let lines = drawn(&model(), &mut view(), (60, 20));
    assert!(
        lines[0].contains("needs 80 columns and 24 lines"),
        "{lines:#?}"
    );
    assert!(lines[1].contains("60 and 20"), "{lines:#?}");
    drawn(&model(), &mut view(), (1, 1));
}

#[test]
fn keys_do_what_the_help_says() {
    let mut view = view();
    for (code, page) in [
        (KeyCode::Tab, 1),
        (KeyCode::BackTab, 0),
        (KeyCode::Left, 5),
        (KeyCode::Right, 0),
        (KeyCode::Char('4'), 3),
        (KeyCode::Char('9'), 3),
    ] {
        assert_eq!(view.press(&key(code)), Wish::Draw);
        assert_eq!(view.page, page, "{code:?}");
    }
    assert_eq!(view.order(), Some("place"));
    view.press(&key(KeyCode::Char('s')));
    assert_eq!(view.order(), Some("p50"));
    view.press(&key(KeyCode::Char('p')));
    assert!(view.is_paused);
    let two = Wish::Interval(Duration::from_secs(2));
    assert_eq!(view.press(&key(KeyCode::Char('+'))), two);
    for _ in 0..20 {
        view.press(&key(KeyCode::Char('-')));
    }
    assert_eq!(view.interval, Duration::from_millis(100));
    view.press(&key(KeyCode::Char('?')));
    assert_eq!(view.press(&key(KeyCode::Esc)), Wish::Draw);
    assert_eq!(view.press(&key(KeyCode::Esc)), Wish::Quit);
    let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(view.press(&Event::Key(control)), Wish::Quit);
}

#[test]
fn a_node_that_goes_is_missed_and_one_that_comes_anew_has_no_rates_yet() {
    let (mut model, mut view) = (model(), view());
    model.lose("the node went away".to_owned(), Instant::now());
    let lines = drawn(&model, &mut view, (80, 24));
    assert!(lines[0].contains("no answer for 0 s"), "{lines:#?}");
    assert!(lines[22].starts_with("the node went away"), "{lines:#?}");
    let mut anew = answer(1);
    anew["node"]["pid"] = 9.into();
    model.take(anew, false);
    assert!(model.gone.is_none());
    assert_eq!(model.all["ports"][0]["per_second"]["received"], Value::Null);
    assert_eq!(model.history("port core").len(), 20);
    // What is held still stays, and is the beginning of the next window.
    let mut later = answer(3);
    later["node"]["pid"] = 9.into();
    model.take(later.clone(), true);
    assert_eq!(model.all["ports"][0]["per_second"]["received"], Value::Null);
    later["uptime_nanoseconds"] = 4_000_000_000_u64.into();
    model.take(later, false);
    assert_eq!(model.all["window_seconds"], 1.0);
}

#[test]
fn answers_without_anything_in_them_are_drawn_too() {
    for odd in [
        json!({}),
        json!([]),
        json!({"ports": [7], "workers": [[]], "paths": 3}),
    ] {
        let mut model = Model::new(odd.clone());
        model.take(odd, false);
        for place in 0..Page::ALL.len() {
            let mut view = view();
            view.page = place;
            drawn(&model, &mut view, (80, 24));
        }
    }
}

#[test]
fn without_colour_there_is_none() {
    let model = model();
    let colours = |tones| {
        let terminal = terminal(&model, &mut view(), tones, (80, 24));
        let cells = terminal.backend().buffer().content().to_vec();
        assert!(cells.iter().all(|cell| cell.bg == Color::Reset));
        let coloured = cells.iter().filter(|cell| cell.fg != Color::Reset);
        coloured.count()
    };
    assert_eq!(colours(Tones::plain()), 0);
    assert!(colours(Tones::coloured_text()) > 0);
}

/// Whether a line has these words in this order; which columns fit depends on what is in them.
fn has_words(line: &str, words: &str) -> bool {
    let mut there = line.split(' ');
    words
        .split(' ')
        .all(|word| there.any(|other| other == word))
}

/// The screens in the documents have the headings that the pages have now.
#[test]
fn the_documents_show_these_pages() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screens.md");
    let text = std::fs::read_to_string(path).unwrap();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let model = model();
    for (place, page) in Page::ALL.iter().enumerate() {
        let begin = format!("<!-- screen: top {} -->", page.name());
        let block = text.split(&begin).nth(1);
        let block = block.unwrap_or_else(|| panic!("no `{begin}`: run `make screens`"));
        let block = block.split("<!-- end -->").next().unwrap();
        let shown: Vec<String> = block.lines().map(words).collect();
        let mut view = view();
        view.page = place;
        let terminal = terminal(&model, &mut view, Tones::plain(), (120, 40));
        let rows = terminal.backend().buffer().content().chunks(120);
        // Headings are bold, but for the first line, which says which node it is.
        let headings = rows.skip(2).filter(|row| {
            let first = row.iter().find(|cell| cell.symbol() != " ");
            first.is_some_and(|cell| cell.modifier.contains(Modifier::BOLD))
        });
        for heading in headings {
            // Of a line that goes on otherwise only the beginning.
            let bold = heading
                .iter()
                .take_while(|cell| cell.symbol() == " " || cell.modifier.contains(Modifier::BOLD));
            let line: String = bold.map(|cell| cell.symbol()).collect();
            let line = words(&line);
            assert!(
                shown.iter().any(|other| has_words(other, &line)),
                "`{line}` is not on the screen of {}: run `make screens`",
                page.name()
            );
        }
    }
}
