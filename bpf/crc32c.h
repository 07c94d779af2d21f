/* SPDX-License-Identifier: GPL-2.0-only */
/* SCTP's checksum (RFC 9260 appendix A) under a change of its first word. */
#ifndef SLUICE_CRC32C_H
#define SLUICE_CRC32C_H

#include "packet.h"

#define CRC32C 0x82f63b78 /* the polynomial, its highest power in the lowest bit */

/* x to the power of 8 * 2^k, modulo the polynomial: what 2^k bytes of zeros multiply a remainder by. */
#define CRC32C_POWERS 17
static const __u32 crc32c_zeros[CRC32C_POWERS] = {
	0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18, 0x510ac59a,
	0xb82be955, 0xb8fdb1e7, 0x88e56f72, 0x74c360a4, 0xe4172b16, 0x0d65762a,
	0x35d73a62, 0x28461564, 0xbf455269, 0xe2ea32dc, 0xfe7740e6,
};

/*
 * By what a packet's CRC32c changes when the first word of its `length` bytes changes by `difference` (exclusive or). A CRC
 * is linear, so the rest of the packet need not be read; and one that was wrong stays wrong.
 */
always_inline __u32 crc32c_difference(__u32 difference, __u32 length)
{
#pragma clang loop unroll(disable)
	for (__u32 k = 0; k < CRC32C_POWERS; k++) {
		__u32 b = crc32c_zeros[k], product = 0;

		if (!(length >> k & 1))
			continue;
		/* times b, without branches: the verifier walks it once */
#pragma clang loop unroll(disable)
		for (int i = 0; i < 32; i++) {
			product ^= b & (0 - (difference >> 31));
			difference <<= 1;
			b = b >> 1 ^ (CRC32C & (0 - (b & 1)));
		}
		difference = product;
	}
	return difference;
}

/*
 * Writes an SCTP packet's ports (the source in the lower half). Its checksum knows no addresses, and takes up the change of
 * the ports without being read anew; one of 0 is left to the device, or is none (RFC 9653). False: the packet is not here
 * as a whole.
 */
verified_apart int sctp_rewrite(hook_ctx *ctx, const struct packet *p, __u32 ports)
{
	struct sctp_header header;
	__u32 l4, difference;

	if (!p)
		return 0;
	l4 = p->l4;
	if (bpf_skb_load_bytes(ctx, l4, &header, sizeof(header)))
		return 0;
	difference = (header.source | (__u32)header.dest << 16) ^ ports;
	if (!difference)
		return 1;
	if (p->frag & bpf_htons(IP_MF))
		return 0;
	header.source = ports & 0xffff;
	header.dest = ports >> 16;
	if (header.checksum)
		header.checksum ^= crc32c_difference(difference, p->ip_len - (l4 - ETH_LEN));
	return !bpf_skb_store_bytes(ctx, l4, &header, sizeof(header), 0);
}

#endif
