// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Capture files, as far as tests need them: classic pcap, Ethernet.

use std::path::Path;

/// Writes frames, a millisecond apart from `seconds` on.
pub(crate) fn write<F: AsRef<[u8]>>(path: &Path, seconds: u32, frames: &[F]) {
    let mut file = Vec::new();
    let words: [u32; 6] = [0xA1B2_C3D4, 0x0004_0002, 0, 0, 65535, 1];
    words
        .iter()
        .for_each(|word| file.extend(word.to_le_bytes()));
    for (place, frame) in (0u32..).zip(frames) {
        let frame = frame.as_ref();
        let length = u32::try_from(frame.len()).unwrap();
        for word in [seconds + place / 1000, place % 1000 * 1000, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    std::fs::write(path, file).unwrap();
}

/// The frames of a file that was written on this machine.
pub(crate) fn read(path: &Path) -> Vec<Vec<u8>> {
    let file = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert!(
        [0xA1B2_C3D4, 0xA1B2_3C4D].contains(&word(0)),
        "{} is no pcap",
        path.display()
    );
    let (mut at, mut frames) = (24, Vec::new());
    while at < file.len() {
        let length = usize::try_from(word(at + 8)).unwrap();
        frames.push(file[at + 16..at + 16 + length].to_vec());
        at += 16 + length;
    }
    frames
}
