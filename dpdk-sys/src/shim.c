/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Makes functions of DPDK's inline functions. */
#define _GNU_SOURCE
#include "shim.h"

uint16_t dpdk_shim_eth_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **packets,
				uint16_t count)
{
	return rte_eth_rx_burst(port, queue, packets, count);
}

uint16_t dpdk_shim_eth_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **packets,
				uint16_t count)
{
	return rte_eth_tx_burst(port, queue, packets, count);
}

int dpdk_shim_eth_tx_descriptor_status(uint16_t port, uint16_t queue, uint16_t offset)
{
	return rte_eth_tx_descriptor_status(port, queue, offset);
}

uint64_t dpdk_shim_rdtsc(void)
{
	return rte_rdtsc();
}

unsigned int dpdk_shim_ring_count(const struct rte_ring *ring)
{
	return rte_ring_count(ring);
}

void dpdk_shim_ring_drain(struct rte_ring *ring)
{
	void *packet;

	while (rte_ring_dequeue(ring, &packet) == 0)
		rte_pktmbuf_free(packet);
}

unsigned int dpdk_shim_mempool_backing_count(const struct rte_mempool *pool)
{
	return rte_mempool_get_ops(pool->ops_index)->get_count(pool);
}

struct rte_mbuf *dpdk_shim_pktmbuf_alloc(struct rte_mempool *pool)
{
	return rte_pktmbuf_alloc(pool);
}

void dpdk_shim_pktmbuf_free(struct rte_mbuf *packet)
{
	rte_pktmbuf_free(packet);
}

int dpdk_shim_errno(void)
{
	return rte_errno;
}

/* One stream a process: DPDK has one log. */
static void (*log_write)(const char *text, size_t octets);

static ssize_t write_log(__rte_unused void *cookie, const char *text, size_t octets)
{
	log_write(text, octets);
	return (ssize_t)octets;
}

FILE *dpdk_shim_log_stream(void (*write)(const char *text, size_t octets))
{
	cookie_io_functions_t functions = { .write = write_log };

	log_write = write;
	return fopencookie(NULL, "w", functions);
}
