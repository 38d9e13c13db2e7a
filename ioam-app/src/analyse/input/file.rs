// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A file or standard input as events: of IPFIX messages or of lines of JSON, as its first octet tells.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, stdin};
use std::path::Path;

use anyhow::{Context, Result};

use super::InputReport;
use crate::analyse::event::Event;
use crate::analyse::ipfix::{HEADER, Session, Settings, VERSION};
use crate::analyse::ndjson;

/// Most octets of a line; records have a few kilobytes.
const LONGEST_LINE: u64 = 1 << 20;

#[derive(Debug)]
enum Format {
    Lines,
    Messages(Box<Session>),
}

/// Events of one file, in its order.
pub(super) struct Source {
    reader: Box<dyn BufRead>,
    format: Format,
    settings: Settings,
    report: InputReport,
    events: VecDeque<Event>,
    /// Octets read so far.
    pub(super) octets: u64,
    line: u64,
    ended: bool,
}

impl Source {
    /// Opens it; `-` is standard input.
    pub(super) fn open(path: &Path, settings: Settings) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Self::new(
                "standard input".to_owned(),
                Box::new(BufReader::new(stdin())),
                settings,
            );
        }
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("{name}: cannot be opened"))?;
        Self::new(
            name,
            Box::new(BufReader::with_capacity(1 << 16, file)),
            settings,
        )
    }

    fn new(name: String, mut reader: Box<dyn BufRead>, settings: Settings) -> Result<Self> {
        let first = loop {
            match reader.fill_buf() {
                Ok(octets) => break octets.first().copied(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("{name}: cannot be read"));
                }
            }
        };
        // The version of IPFIX is 10 in two octets; no line of JSON begins so.
        let (format, name_of_format) = match first {
            Some(0) => {
                let session = Session::new(settings, false);
                (Format::Messages(Box::new(session)), "ipfix")
            }
            Some(_) => (Format::Lines, "ndjson"),
            None => (Format::Lines, "empty"),
        };
        Ok(Self {
            reader,
            format,
            settings,
            report: InputReport {
                name,
                format: name_of_format,
                ..InputReport::default()
            },
            events: VecDeque::new(),
            octets: 0,
            line: 0,
            ended: false,
        })
    }

    pub(super) fn finish(mut self) -> InputReport {
        if let Format::Messages(session) = &self.format {
            self.report.ipfix = Some(session.counts());
        }
        self.report
    }

    /// Reads on until there is an event, or the end.
    fn fill(&mut self) {
        let read = match &mut self.format {
            Format::Lines => self.line(),
            Format::Messages(_) => self.message(),
        };
        if let Err(why) = read {
            self.ended = true;
            let why = format!("octet {}: {why}", self.octets);
            self.report.complain(why);
        }
    }

    fn line(&mut self) -> Result<(), String> {
        let mut octets = Vec::new();
        let mut limited = (&mut self.reader).take(LONGEST_LINE);
        let read = limited.read_until(b'\n', &mut octets);
        let read = read.map_err(|error| format!("cannot be read: {error}"))?;
        self.octets += read as u64;
        self.line += 1;
        let Some(last) = octets.last().copied() else {
            self.ended = true;
            return Ok(());
        };
        let number = self.line;
        if last != b'\n' && octets.len() as u64 >= LONGEST_LINE {
            self.report
                .complain(format!("line {number}: is too long for a record"));
            return self.skip_line();
        }
        if octets.trim_ascii().is_empty() {
            return Ok(());
        }
        match ndjson::event(&octets, self.settings.tai_offset) {
            Ok(event) => self.events.push_back(event),
            Err(_) if last != b'\n' => {
                let why = format!("line {number}: is cut; was it still being written?");
                self.report.complain(why);
            }
            Err(why) => {
                let why = printable(&why);
                self.report
                    .complain(format!("line {number}: is no record: {why}"));
            }
        }
        Ok(())
    }

    fn skip_line(&mut self) -> Result<(), String> {
        let skipped = self.reader.skip_until(b'\n');
        let skipped = skipped.map_err(|error| format!("cannot be read: {error}"))?;
        self.octets += skipped as u64;
        Ok(())
    }

    fn message(&mut self) -> Result<(), String> {
        let mut octets = Vec::new();
        if self.append(HEADER, &mut octets)? == 0 {
            self.ended = true;
            if let Format::Messages(session) = &mut self.format {
                let mut events = Vec::new();
                session.finish(&mut events);
                self.events.extend(events);
            }
            return Ok(());
        }
        let length = match octets[..] {
            [_, _, _, _, ..] if octets.len() < HEADER => {
                return Err("the file ends inside a message".to_owned());
            }
            [v0, v1, l0, l1, ..] if u16::from_be_bytes([v0, v1]) == VERSION => {
                usize::from(u16::from_be_bytes([l0, l1]))
            }
            _ => return Err("no IPFIX message begins here; the rest is left out".to_owned()),
        };
        let more = length
            .checked_sub(HEADER)
            .ok_or("a message shorter than its header; the rest is left out")?;
        if self.append(more, &mut octets)? < more {
            return Err("the file ends inside a message".to_owned());
        }
        let start = self.octets;
        self.octets += octets.len() as u64;
        let Format::Messages(session) = &mut self.format else {
            return Ok(());
        };
        let mut events = Vec::new();
        let read = session.message(&octets, &mut events);
        self.events.extend(events);
        if let Err(bad) = read {
            let at = start + bad.at as u64;
            self.report.complain(format!("octet {at}: {}", bad.what));
        }
        Ok(())
    }

    /// Appends up to `count` octets; how many there were.
    fn append(&mut self, count: usize, octets: &mut Vec<u8>) -> Result<usize, String> {
        let mut limited = (&mut self.reader).take(count as u64);
        let read = limited.read_to_end(octets);
        read.map_err(|error| format!("cannot be read: {error}"))
    }
}

impl Iterator for Source {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                self.report.records += 1;
                return Some(event);
            }
            if self.ended {
                return None;
            }
            self.fill();
        }
    }
}

/// Without what could move a terminal's cursor: a reader's message may quote the file.
fn printable(text: &str) -> String {
    let printable = text.chars().filter(|letter| !letter.is_control());
    printable.take(200).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(octets: &[u8]) -> (usize, InputReport) {
        let reader = Box::new(Cursor::new(octets.to_vec()));
        let mut source = Source::new("x".to_owned(), reader, Settings::default()).unwrap();
        let count = source.by_ref().count();
        (count, source.finish())
    }

    const RECORD: &str = r#"{"namespace":1,"option_type":"proof-of-transit"}"#;

    #[test]
    fn bad_lines_are_told_by_their_number_and_the_others_are_read() {
        let text = format!("{RECORD}\n\nno json \u{1b}[2J\n{RECORD}\n{{\"namesp");
        let (count, report) = read(text.as_bytes());
        assert_eq!((count, report.records, report.bad), (2, 2, 2));
        assert!(report.complaints[0].starts_with("line 3: is no record"));
        assert!(report.complaints[1].starts_with("line 5: is cut"));
        assert!(!report.complaints[0].contains('\u{1b}'));
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let mut text = vec![b'['; usize::try_from(LONGEST_LINE * 3).unwrap()];
        text.extend_from_slice(format!("\n{RECORD}\n").as_bytes());
        let (count, report) = read(&text);
        assert_eq!((count, report.bad), (1, 1));
        assert_eq!(report.complaints, ["line 1: is too long for a record"]);
    }

    #[test]
    fn a_cut_or_foreign_file_is_told_by_its_octet() {
        let message = [0, 10, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7];
        let mut octets = message.repeat(2);
        octets.extend_from_slice(&message[..9]);
        let (_, report) = read(&octets);
        assert_eq!(report.ipfix.unwrap().messages, 2);
        assert_eq!(
            report.complaints,
            ["octet 32: the file ends inside a message"]
        );
        let mut octets = message.to_vec();
        octets.extend_from_slice(&[1; 20]);
        let (_, report) = read(&octets);
        assert!(report.complaints[0].starts_with("octet 16: no IPFIX message"));
        let (count, report) = read(b"");
        assert_eq!((count, report.format, report.bad), (0, "empty", 0));
    }
}
