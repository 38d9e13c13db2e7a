// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds DPDK by pkg-config, compiles the shim and generates the declarations.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};

const MISSING: &str = "DPDK 22.11's development files are missing: install them with `apt-get \
    install libdpdk-dev pkg-config libclang-dev`; `cargo test -p ioam-dp -p ioam-config` works \
    without them.";

/// Linked by name, so that a Rust program carries no needless start-up dependency. Drivers are
/// loaded at run time; `net_ring` alone is linked, because `rte_eth_from_rings` lives in it.
const LIBRARIES: [&str; 7] = [
    "rte_eal",
    "rte_ethdev",
    "rte_mbuf",
    "rte_mempool",
    "rte_ring",
    "rte_pdump",
    "rte_net_ring",
];

const FUNCTIONS: [&str; 47] = [
    "rte_eal_init",
    "rte_eal_cleanup",
    "rte_eal_remote_launch",
    "rte_eal_wait_lcore",
    "rte_get_main_lcore",
    "rte_lcore_is_enabled",
    "rte_strerror",
    "rte_openlog_stream",
    "rte_log_cur_msg_loglevel",
    "rte_dev_probe",
    "rte_pdump_init",
    "rte_pdump_uninit",
    "rte_mempool_avail_count",
    "rte_mempool_free",
    "rte_pktmbuf_pool_create",
    "rte_ring_create",
    "rte_eth_from_rings",
    "rte_eth_dev_adjust_nb_rx_tx_desc",
    "rte_eth_dev_close",
    "rte_eth_dev_configure",
    "rte_eth_dev_get_name_by_port",
    "rte_eth_dev_get_port_by_name",
    "rte_eth_dev_info_get",
    "rte_eth_dev_set_mtu",
    "rte_eth_dev_socket_id",
    "rte_eth_dev_start",
    "rte_eth_dev_stop",
    "rte_eth_link_get",
    "rte_eth_link_get_nowait",
    "rte_eth_macaddr_get",
    "rte_eth_promiscuous_enable",
    "rte_eth_rx_queue_setup",
    "rte_eth_stats_get",
    "rte_eth_tx_queue_setup",
    "rte_eth_xstats_get",
    "rte_eth_xstats_get_names",
    "dpdk_shim_errno",
    "dpdk_shim_eth_rx_burst",
    "dpdk_shim_eth_tx_burst",
    "dpdk_shim_eth_tx_descriptor_status",
    "dpdk_shim_log_stream",
    "dpdk_shim_mempool_backing_count",
    "dpdk_shim_pktmbuf_alloc",
    "dpdk_shim_pktmbuf_free",
    "dpdk_shim_rdtsc",
    "dpdk_shim_ring_count",
    "dpdk_shim_ring_drain",
];

const TYPES: [&str; 14] = [
    "rte_mbuf",
    "rte_mempool",
    "rte_mempool_cache",
    "rte_eth_conf",
    "rte_eth_dev_info",
    "rte_eth_link",
    "rte_eth_rxconf",
    "rte_eth_stats",
    "rte_eth_txconf",
    "rte_eth_xstat",
    "rte_eth_xstat_name",
    "rte_ether_addr",
    "rte_ring",
    "lcore_function_t",
];

const CONSTANTS: [&str; 8] = [
    "DPDK_SHIM_.*",
    "RTE_ETH_NAME_MAX_LEN",
    "RTE_ETH_LINK_(UP|FULL_DUPLEX)",
    "RTE_ETH_MQ_RX_(NONE|RSS)",
    "RTE_ETH_TX_DESC_.*",
    "RTE_LOG_(EMERG|ALERT|CRIT|ERR|WARNING|NOTICE|INFO|DEBUG)",
    "RTE_MAX_LCORE",
    "RTE_PKTMBUF_HEADROOM",
];

fn main() {
    for file in ["build.rs", "src/shim.c", "src/shim.h"] {
        println!("cargo::rerun-if-changed={file}");
    }
    for variable in ["PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    let version = pkg_config(&["--modversion"]).concat();
    let cflags = pkg_config(&["--cflags"]);
    let library_words = pkg_config(&["--libs"]);
    let library_folder = pkg_config(&["--variable=libdir"]).concat();

    println!("cargo::metadata=version={version}");
    println!("cargo::rustc-env=DPDK_VERSION={version}");
    compile_shim(&cflags);
    generate(&cflags);
    for folder in library_words
        .iter()
        .filter_map(|word| word.strip_prefix("-L"))
    {
        println!("cargo::rustc-link-search=native={folder}");
    }
    println!("cargo::rustc-link-search=native={library_folder}");
    for library in LIBRARIES {
        println!("cargo::rustc-link-lib=dylib={library}");
    }
}

/// The words pkg-config answers. Not the `pkg-config` crate, which drops `-include` and `-march`.
fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let output = Command::new("pkg-config")
        .args(arguments)
        .arg("libdpdk")
        .output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        _ => stop(MISSING),
    }
}

fn compile_shim(cflags: &[String]) {
    let mut build = cc::Build::new();
    for word in cflags {
        build.flag(word);
    }
    let compiled = build
        .file("src/shim.c")
        .opt_level(3)
        .warnings(true)
        .try_compile("dpdk_shim");
    if let Err(error) = compiled {
        stop(&format!(
            "The C shim dpdk-sys/src/shim.c does not compile: {error}"
        ));
    }
}

fn generate(cflags: &[String]) {
    let mut builder = bindgen::Builder::default()
        .header("src/shim.h")
        .clang_args(cflags)
        // Nested packed types of DPDK have no Debug that compiles.
        .derive_debug(false)
        .derive_default(false)
        .prepend_enum_name(false)
        // DPDK's comments are doxygen, which rustdoc would misread.
        .generate_comments(false)
        .size_t_is_usize(true);
    for name in FUNCTIONS {
        builder = builder.allowlist_function(name);
    }
    for name in TYPES {
        builder = builder.allowlist_type(name);
    }
    for name in CONSTANTS {
        builder = builder.allowlist_var(name);
    }
    let bindings = match builder.generate() {
        Ok(bindings) => bindings,
        Err(error) => stop(&format!(
            "bindgen cannot read DPDK's headers ({error}): it needs libclang, which `apt-get \
             install libclang-dev clang` brings."
        )),
    };
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    if let Err(error) = bindings.write_to_file(Path::join(&out, "bindings.rs")) {
        stop(&format!(
            "Cannot write {}/bindings.rs: {error}",
            out.display()
        ));
    }
}

fn stop(sentence: &str) -> ! {
    eprintln!("{sentence}");
    exit(1)
}
