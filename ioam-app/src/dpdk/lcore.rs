// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Jobs on DPDK's worker lcores.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::eal::Eal;
use super::error::DpdkError;

/// A closure on its way to an lcore.
type Job = Box<dyn FnOnce() + Send>;

/// What a job that panicked answers.
const PANICKED: c_int = 1;

/// A running job; dropping it waits for its end.
#[derive(Debug)]
pub struct LcoreJob {
    lcore: u32,
    is_joined: bool,
    _eal: Eal,
}

/// Runs `job` on the worker lcore `lcore`.
///
/// # Errors
/// When there is no such lcore, when it is the main one, and when it is busy.
pub fn launch(
    eal: &Eal,
    lcore: u32,
    job: impl FnOnce() + Send + 'static,
) -> Result<LcoreJob, DpdkError> {
    let refuse = |reason| DpdkError::Lcore { lcore, reason };
    if lcore == eal.main_lcore() {
        return Err(refuse("it is the main lcore, which starts the others"));
    }
    if !eal.lcores().any(|known| known == lcore) {
        return Err(refuse("DPDK was not started with it"));
    }
    let job: Box<Job> = Box::new(Box::new(job));
    let argument = Box::into_raw(job);
    // SAFETY: `lcore` is an enabled worker, and `run` takes over the argument, which is a `Job`.
    let answer =
        unsafe { dpdk_sys::rte_eal_remote_launch(Some(run), argument.cast::<c_void>(), lcore) };
    if answer != 0 {
        // SAFETY: DPDK refused, so `run` will not see the argument: it is still ours.
        drop(unsafe { Box::from_raw(argument) });
        return Err(refuse("it is busy with another job"));
    }
    Ok(LcoreJob {
        lcore,
        is_joined: false,
        _eal: eal.clone(),
    })
}

/// What DPDK calls on the lcore.
unsafe extern "C" fn run(argument: *mut c_void) -> c_int {
    // SAFETY: `launch` made the argument from a `Box<Job>` and gave it away.
    let job = unsafe { Box::from_raw(argument.cast::<Job>()) };
    // Whoever waits learns of a panic by the answer; nothing unwinds into DPDK.
    match catch_unwind(AssertUnwindSafe(job)) {
        Ok(()) => 0,
        Err(_) => PANICKED,
    }
}

impl LcoreJob {
    /// The lcore it runs on.
    #[must_use]
    pub fn lcore(&self) -> u32 {
        self.lcore
    }

    /// Waits for the end of the job.
    ///
    /// # Errors
    /// When the job panicked.
    pub fn join(mut self) -> Result<(), DpdkError> {
        if self.wait() == 0 {
            Ok(())
        } else {
            Err(DpdkError::Panicked { lcore: self.lcore })
        }
    }

    fn wait(&mut self) -> c_int {
        self.is_joined = true;
        // SAFETY: `lcore` is an enabled worker; waiting has no other precondition.
        unsafe { dpdk_sys::rte_eal_wait_lcore(self.lcore) }
    }
}

impl Drop for LcoreJob {
    fn drop(&mut self) {
        if !self.is_joined && self.wait() != 0 {
            log::error!("{}", DpdkError::Panicked { lcore: self.lcore });
        }
    }
}
