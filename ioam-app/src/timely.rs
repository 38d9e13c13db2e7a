// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Streams with a deadline for all that is read or written together, for servers whose clients may
//! hang, trickle, or never read.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A stream whose every wait can be bounded.
pub(crate) trait Timely: Read + Write {
    /// How long the next read may wait; never 0.
    fn bound_read(&self, longest: Duration) -> Result<()>;
    /// How long the next write may wait; never 0.
    fn bound_write(&self, longest: Duration) -> Result<()>;
}

impl Timely for UnixStream {
    fn bound_read(&self, longest: Duration) -> Result<()> {
        self.set_read_timeout(Some(longest))
    }

    fn bound_write(&self, longest: Duration) -> Result<()> {
        self.set_write_timeout(Some(longest))
    }
}

impl Timely for TcpStream {
    fn bound_read(&self, longest: Duration) -> Result<()> {
        self.set_read_timeout(Some(longest))
    }

    fn bound_write(&self, longest: Duration) -> Result<()> {
        self.set_write_timeout(Some(longest))
    }
}

/// Adds to `octets` what comes next; `None` when nothing comes before `deadline`, or ever again.
pub(crate) fn read_more(
    stream: &mut impl Timely,
    octets: &mut Vec<u8>,
    deadline: Instant,
) -> Option<()> {
    let mut more = [0; 1024];
    loop {
        stream.bound_read(left(deadline)?).ok()?;
        match stream.read(&mut more) {
            Ok(0) => return None,
            Ok(count) => {
                octets.extend_from_slice(more.get(..count)?);
                return Some(());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// Writes everything; `None` when it is not taken before `deadline`.
pub(crate) fn write_whole(
    stream: &mut impl Timely,
    octets: &[u8],
    deadline: Instant,
) -> Option<()> {
    let mut rest = octets;
    while !rest.is_empty() {
        stream.bound_write(left(deadline)?).ok()?;
        match stream.write(rest) {
            Ok(0) => return None,
            Ok(count) => rest = rest.get(count..)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(())
}

/// The time until `deadline`; never 0, which would mean for ever.
fn left(deadline: Instant) -> Option<Duration> {
    let left = deadline.checked_duration_since(Instant::now())?;
    (!left.is_zero()).then_some(left)
}
