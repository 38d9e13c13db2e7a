// SPDX-License-Identifier: Apache-2.0 OR MIT
//! DPDK's environment: started once in a process, cleaned up after its last user.

use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::{DpdkError, last_errno, text_of};
use super::log_stream::{Silence, attempt, collect};
use super::preflight;
use super::ring::RingPair;

/// A handle of DPDK's environment, cheap to clone.
#[derive(Clone, Debug)]
pub struct Eal {
    inner: Arc<Inner>,
}

/// What the process has of DPDK, besides DPDK itself.
#[derive(Debug)]
struct Inner {
    books: Mutex<Books>,
    /// Whether other processes may attach and capture.
    captured: bool,
}

/// What must be known across pools and ports.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Names of the pools that exist.
    pub(super) pools: Vec<String>,
    /// Buffers of pools that were dropped with buffers outside.
    pub(super) leaked: u64,
    /// Ports that were promised that there is one pool.
    pub(super) single_pool_ports: usize,
    /// DPDK's numbers of the ports that are open.
    pub(super) open_ports: Vec<u16>,
    /// Ports joined by rings.
    pub(super) rings: Vec<RingPair>,
}

/// Set by the first [`Eal::init`] that gets as far as `rte_eal_init`.
static STARTED: AtomicBool = AtomicBool::new(false);

impl Eal {
    /// Starts DPDK with the arguments of `rte_eal_init`, without the program's name.
    ///
    /// The calling thread becomes the main lcore and is pinned to its CPU; threads it creates
    /// later inherit that. Standard output and error are silent meanwhile.
    ///
    /// # Errors
    /// When DPDK was started before in this process, when the machine lacks what the arguments
    /// need, and when DPDK refuses.
    pub fn init(arguments: &[String]) -> Result<Self, DpdkError> {
        preflight::check_arguments(arguments)?;
        let mut words = vec![c"ioam".to_owned()];
        for argument in arguments {
            let word = CString::new(argument.as_str()).map_err(|_| DpdkError::Start {
                reason: "an argument contains a NUL character".to_owned(),
            })?;
            words.push(word);
        }
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(DpdkError::AlreadyStarted);
        }
        let count = i32::try_from(words.len()).unwrap_or(i32::MAX);
        // DPDK keeps pointers into its arguments: they are never freed.
        let mut pointers: Vec<_> = words.into_iter().map(CString::into_raw).collect();
        pointers.push(std::ptr::null_mut());
        let pointers = pointers.leak();
        let (answer, said) = collect(|| {
            let _silence = Silence::begin();
            // SAFETY: `pointers` are `count` NUL-terminated strings and a NULL, writable and
            // never freed; STARTED makes this the only call in the process.
            unsafe { dpdk_sys::rte_eal_init(count, pointers.as_mut_ptr()) }
        });
        if answer < 0 {
            let reason = said.unwrap_or_else(|| text_of(last_errno()));
            return Err(DpdkError::Start { reason });
        }
        Ok(Self {
            inner: Arc::new(Inner {
                books: Mutex::default(),
                captured: shares_memory(arguments) && offer_capture(),
            }),
        })
    }

    /// Cleans DPDK up, now and with the reason when that is not possible. Dropping the last handle
    /// does the same and logs the reason.
    ///
    /// # Errors
    /// When pools, ports, queues or jobs still exist, and when packet buffers were lost.
    pub fn close(self) -> Result<(), DpdkError> {
        let Some(inner) = Arc::into_inner(self.inner) else {
            return Err(DpdkError::InUse {
                subject: "DPDK".to_owned(),
            });
        };
        let answer = inner.cleanup();
        // Its drop must not do it again.
        std::mem::forget(inner);
        answer
    }

    /// The main lcore, which [`Eal::init`]'s caller became.
    #[must_use]
    pub fn main_lcore(&self) -> u32 {
        // SAFETY: DPDK is started as long as `self` exists.
        unsafe { dpdk_sys::rte_get_main_lcore() }
    }

    /// The other lcores, which take jobs by [`launch`](super::launch), in rising order.
    #[must_use]
    pub fn worker_lcores(&self) -> Vec<u32> {
        let main = self.main_lcore();
        self.lcores().filter(|lcore| *lcore != main).collect()
    }

    /// All lcores, in rising order.
    pub(super) fn lcores(&self) -> impl Iterator<Item = u32> + use<> {
        (0..dpdk_sys::RTE_MAX_LCORE).filter(|lcore| {
            // SAFETY: takes any number and answers whether it is an enabled lcore.
            unsafe { dpdk_sys::rte_lcore_is_enabled(*lcore) != 0 }
        })
    }

    /// Reads or writes the books.
    pub(super) fn books<T>(&self, work: impl FnOnce(&mut Books) -> T) -> T {
        work(
            &mut self
                .inner
                .books
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// Whether a second process can see this one's memory: not what is in memory alone.
fn shares_memory(arguments: &[String]) -> bool {
    let hides = |argument: &String| {
        ["--in-memory", "--no-huge", "--no-shconf"].contains(&argument.as_str())
    };
    !arguments.iter().any(hides)
}

/// Lets `dpdk-dumpcap` ask for copies of packets. A node that cannot be captured is still a node.
fn offer_capture() -> bool {
    let answer = attempt("captures", "rte_pdump_init", || {
        // SAFETY: DPDK is started, and this is called once in the process.
        unsafe { dpdk_sys::rte_pdump_init() }
    });
    answer
        .inspect_err(|error| log::warn!("dpdk-dumpcap cannot be used: {error}"))
        .is_ok()
}

impl Inner {
    fn cleanup(&self) -> Result<(), DpdkError> {
        let buffers = self
            .books
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .leaked;
        if buffers > 0 {
            return Err(DpdkError::Leaked { buffers });
        }
        if self.captured {
            // SAFETY: it was initialised, once, and DPDK still runs; callbacks it put into queues
            // went with the ports.
            let _ = collect(|| unsafe { dpdk_sys::rte_pdump_uninit() });
        }
        let answer = attempt("DPDK", "rte_eal_cleanup", || {
            // SAFETY: no pool, port, queue or job exists, since each holds a handle of `self`, and
            // no packet buffer is outside its pool, since none was leaked.
            unsafe { dpdk_sys::rte_eal_cleanup() }
        });
        answer.map(|_| ())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = self.cleanup() {
            log::error!("{error}");
        }
    }
}
