/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What bindgen reads: DPDK's headers, and the calls that DPDK has only as inline functions. */
#ifndef DPDK_SHIM_H
#define DPDK_SHIM_H

#include <stdio.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_pdump.h>
#include <rte_ring.h>
#include <rte_version.h>

/* Function-like macros, which bindgen cannot evaluate. */
static const uint64_t DPDK_SHIM_RSS_IP_TCP_UDP = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
static const uint64_t DPDK_SHIM_TX_OFFLOAD_MBUF_FAST_FREE = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;

/* Per burst. */
uint16_t dpdk_shim_eth_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **packets,
				uint16_t count);
uint16_t dpdk_shim_eth_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **packets,
				uint16_t count);
int dpdk_shim_eth_tx_descriptor_status(uint16_t port, uint16_t queue, uint16_t offset);
uint64_t dpdk_shim_rdtsc(void);
unsigned int dpdk_shim_ring_count(const struct rte_ring *ring);

/* Frees the packets in a ring of packets. */
void dpdk_shim_ring_drain(struct rte_ring *ring);

/* Buffers in the pool's common store; what the lcores' caches hold is not among them. */
unsigned int dpdk_shim_mempool_backing_count(const struct rte_mempool *pool);

/* Per dropped or created packet. */
struct rte_mbuf *dpdk_shim_pktmbuf_alloc(struct rte_mempool *pool);
void dpdk_shim_pktmbuf_free(struct rte_mbuf *packet);

/* Thread-local variables of DPDK, whose declarations bindgen would read as ordinary statics. */
int dpdk_shim_errno(void);

/* A stream that hands each piece of text written to it to `write`. */
FILE *dpdk_shim_log_stream(void (*write)(const char *text, size_t octets));

#endif
