// SPDX-License-Identifier: Apache-2.0 OR MIT
//! DPDK made safe: the only place in the program with unsafe code.
