/* SPDX-License-Identifier: GPL-2.0-only */
/* Whom a server is picked for: what schedulers may know of a packet, and the hash functions over it. */
#ifndef SLUICE_SCHED_PICK_H
#define SLUICE_SCHED_PICK_H

#include "../packet.h"

struct pick_for {
	__be32 saddr[4]; /* the client's; IPv4 in the first word, zeros behind it */
	__be32 daddr[4]; /* what the client asked for */
	__be16 sport;
	__be16 dport;
	__u8 protocol;
	__u8 family;
};

/* An address as one number: IPv6's four words one over the other. */
always_inline __u32 fold_address(const __be32 address[4])
{
	return bpf_ntohl(address[0] ^ address[1] ^ address[2] ^ address[3]);
}

/* A client's port, for the schedulers that tell its connections apart. */
always_inline __u32 pick_port(const struct pick_for *who)
{
	switch (who->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		return bpf_ntohs(who->sport);
	}
	return 0;
}

/* Multiplicative hashing: the upper bits of the product with 2^32 divided by the golden ratio's square. */
#define GOLDEN_RATIO_32 0x61c88647u

always_inline __u32 hash_upper(__u32 value, __u32 bits)
{
	return value * GOLDEN_RATIO_32 >> (32 - bits);
}

#define ROTATE_LEFT(value, bits) ((value) << (bits) | (value) >> (64 - (bits)))

#define SIP_ROUND(v)                                                                                                   \
	do {                                                                                                           \
		v[0] += v[1];                                                                                          \
		v[2] += v[3];                                                                                          \
		v[1] = ROTATE_LEFT(v[1], 13) ^ v[0];                                                                   \
		v[3] = ROTATE_LEFT(v[3], 16) ^ v[2];                                                                   \
		v[0] = ROTATE_LEFT(v[0], 32) + v[3];                                                                   \
		v[2] += v[1];                                                                                          \
		v[1] = ROTATE_LEFT(v[1], 17) ^ v[2];                                                                   \
		v[3] = ROTATE_LEFT(v[3], 21) ^ v[0];                                                                   \
		v[2] = ROTATE_LEFT(v[2], 32);                                                                          \
	} while (0)

/* SipHash-1-3 (Aumasson and Bernstein) of a message of one 32-bit word, both halves of the key the same; its lower half. */
always_inline __u32 siphash_word(__u32 word, __u64 key)
{
	__u64 v[4] = { key ^ 0x736f6d6570736575, key ^ 0x646f72616e646f6d, key ^ 0x6c7967656e657261,
		       key ^ 0x7465646279746573 };
	__u64 last = 4ULL << 56 | word;

	v[3] ^= last;
	SIP_ROUND(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	SIP_ROUND(v);
	SIP_ROUND(v);
	SIP_ROUND(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
