// SPDX-License-Identifier: Apache-2.0 OR MIT
//! DPDK's log, led into the program's: users see our sentence, and with RUST_LOG=debug also DPDK's words.

use std::ffi::c_char;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use super::error::DpdkError;

/// The target of DPDK's lines in the program's log.
const TARGET: &str = "dpdk";

/// One line of DPDK's log and its level, where smaller is worse.
type Line = (u32, String);

/// `Some` while [`collect`] runs.
static COLLECTED: Mutex<Option<Vec<Line>>> = Mutex::new(None);

/// The true standard error, also while [`Silence`] lasts.
static STANDARD_ERROR: AtomicI32 = AtomicI32::new(libc::STDERR_FILENO);

/// Runs `work` and answers what it answered, with the first line that DPDK logged as an error
/// meanwhile. All lines go to the program's log afterwards, as debugging.
pub(super) fn collect<T>(work: impl FnOnce() -> T) -> (T, Option<String>) {
    // One at a time, so that each hears what was said to itself.
    static GATE: Mutex<()> = Mutex::new(());
    let _gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    install();
    *COLLECTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    let answer = work();
    let lines = COLLECTED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let mut first_error = None;
    for (level, text) in lines.unwrap_or_default() {
        log::debug!(target: TARGET, "{text}");
        if level <= dpdk_sys::RTE_LOG_ERR && first_error.is_none() {
            first_error = Some(text.trim_start_matches("EAL: ").to_owned());
        }
    }
    (answer, first_error)
}

/// Calls DPDK about `subject` and makes an error of a negative answer, in DPDK's own words where it
/// logged some.
pub(super) fn attempt(
    subject: &str,
    call: &'static str,
    work: impl FnOnce() -> i32,
) -> Result<i32, DpdkError> {
    let (code, said) = collect(work);
    if code < 0 {
        Err(DpdkError::of_call(subject, call, code, said))
    } else {
        Ok(code)
    }
}

/// Leads DPDK's log to [`write`]; once a process, and before `rte_eal_init`.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: `write` is a function of the type the shim wants, and lives for ever; the stream
        // is a valid FILE that nobody closes, or NULL, by which DPDK keeps its default.
        unsafe { dpdk_sys::rte_openlog_stream(dpdk_sys::dpdk_shim_log_stream(Some(write))) };
    });
}

/// Takes a piece of log, which is a line because DPDK flushes after each message.
unsafe extern "C" fn write(text: *const c_char, octets: usize) {
    // SAFETY: the stream hands over `octets` readable octets for the length of this call.
    let text = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), octets) };
    let text = String::from_utf8_lossy(text).trim_end().to_owned();
    // SAFETY: reads a thread-local integer; no precondition.
    let level = unsafe { dpdk_sys::rte_log_cur_msg_loglevel() }.unsigned_abs();
    if level <= dpdk_sys::RTE_LOG_CRIT {
        // DPDK aborts after such a line: it must be out before.
        let line = format!("{text}\n");
        // SAFETY: `line` is readable for its length; a closed descriptor only fails.
        unsafe {
            libc::write(
                STANDARD_ERROR.load(Ordering::Relaxed),
                line.as_ptr().cast(),
                line.len(),
            )
        };
        return;
    }
    let mut collected = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(lines) = collected.as_mut() {
        lines.push((level, text));
        return;
    }
    drop(collected);
    let level = match level {
        dpdk_sys::RTE_LOG_ERR => log::Level::Error,
        dpdk_sys::RTE_LOG_WARNING => log::Level::Warn,
        dpdk_sys::RTE_LOG_NOTICE | dpdk_sys::RTE_LOG_INFO => log::Level::Info,
        _ => log::Level::Debug,
    };
    log::log!(target: TARGET, level, "{text}");
}

/// Standard output and error led to nowhere until dropped, because `rte_eal_init` prints its usage
/// and its fatal lines past its own log.
pub(super) struct Silence {
    saved: Vec<(RawFd, OwnedFd)>,
}

impl Silence {
    /// Begins the silence; where that fails, things are merely louder.
    pub(super) fn begin() -> Self {
        let mut silence = Self { saved: Vec::new() };
        let Ok(nowhere) = File::options().write(true).open("/dev/null") else {
            return silence;
        };
        for stream in [libc::STDOUT_FILENO, libc::STDERR_FILENO] {
            // SAFETY: duplicating a descriptor number touches no memory; it fails with -1.
            let copy = unsafe { libc::fcntl(stream, libc::F_DUPFD_CLOEXEC, 3) };
            if copy < 0 {
                continue;
            }
            if stream == libc::STDERR_FILENO {
                STANDARD_ERROR.store(copy, Ordering::Relaxed);
            }
            // SAFETY: `copy` was just made here and belongs to nobody else.
            silence
                .saved
                .push((stream, unsafe { OwnedFd::from_raw_fd(copy) }));
            // SAFETY: both numbers are open descriptors.
            unsafe { libc::dup2(nowhere.as_raw_fd(), stream) };
        }
        silence
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // SAFETY: NULL means every stream of the C library; DPDK's usage may wait in one.
        unsafe { libc::fflush(std::ptr::null_mut()) };
        STANDARD_ERROR.store(libc::STDERR_FILENO, Ordering::Relaxed);
        for (stream, copy) in &self.saved {
            // SAFETY: both numbers are open descriptors.
            unsafe { libc::dup2(copy.as_raw_fd(), *stream) };
        }
    }
}
