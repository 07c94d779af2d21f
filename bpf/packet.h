/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rest of the datapath knows of a packet, and sums over one. */
#ifndef SLUICE_PACKET_H
#define SLUICE_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include "hook.h"
#include "records.h"
#include "sctp.h"

#define ETH_LEN ((__u32)sizeof(struct ethhdr))
/* Where the frame's type stands. The header is packed: by its members the compiler would read and write it bytewise. */
#define ETH_TYPE ((__u32)__builtin_offsetof(struct ethhdr, h_proto))
#define IP_DF 0x4000
#define IP_MF 0x2000
#define IP_OFFSET 0x1fff

/* Leaves the packet to whoever comes next at this hook, then to the stack. */
#define VERDICT_PASS TC_ACT_UNSPEC
/* Ends our part of the path and hands the packet, rewritten, to the stack. */
#define VERDICT_STACK TC_ACT_OK
#define VERDICT_DROP TC_ACT_SHOT
/*
 * Not verdicts. The packet gets a connection to its pick, or goes there without one; has a connection; goes the way of the flow that it quotes; its sender is to get an ICMP
 * error, which packet.answer names: sent by whoever stands lowest on the stack, of which a chain of calls has 512 bytes.
 */
#define PICKED 100
#define RELATED 101
#define ANSWER 102
#define SINGLE 104
#define CONNECTED 105
#define TOLD 106 /* the packet's flow is known */
#define GONE 107 /* the connection ends, and its packet begins another one */
#define TUNNELLED 103 /* an ICMP error that quotes what may be a tunnel of ours */

struct packet {
	struct flow flow;
	__u32 l4; /* offset of the transport header from the frame's start */
	__u32 ip_len; /* bytes of the IP packet; of a GSO packet: of all its segments */
	__u32 segment; /* bytes of one IP packet on the wire: what an MTU is judged by */
	__be32 id; /* of the datagram that a fragment belongs to */
	__be16 frag; /* flags and offset, as IPv4 has them */
	__u8 ttl; /* or hop limit */
	__u8 tos; /* or traffic class */
	__u8 syn, fin, rst;
	union {
		__u8 ack;
		__u8 chunk; /* SCTP: enum sctp_event; INIT is also syn, and a first ABORT rst */
	};
	__u8 later_fragment; /* no transport header in this packet */
	__u8 related; /* an ICMP error on its way along the flow that it quotes */
	__u16 answer; /* with ANSWER: the ICMP error's type << 8 | code */
	__u32 answer_info; /* and its header's second word, network byte order */
};

/* One's complement sums, in any byte order: see RFC 1071 section 2. */
always_inline __u32 csum_add32(__u32 a, __u32 b)
{
	__u64 sum = (__u64)a + b;

	return (__u32)sum + (__u32)(sum >> 32);
}

always_inline __u32 csum_sub32(__u32 new, __u32 old)
{
	return csum_add32(new, ~old);
}

always_inline __u16 csum_fold32(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* The checksum that a header has after one of its 32-bit words changed (RFC 1624, equation 3). */
always_inline __u16 csum_replace32(__u16 check, __be32 old, __be32 new)
{
	__u32 diff = csum_sub32(new, old);
	__u32 sum = (__u16)~check + (diff & 0xffff) + (diff >> 16);
	return ~csum_fold32(sum);
}

always_inline __u16 csum_replace16(__u16 check, __be16 old, __be16 new)
{
	return ~csum_fold32((__u16)~check + (__u16)~old + (__u32)new);
}

/* IPv4: a hop less, and the header's checksum, whose word of TTL and protocol becomes smaller by 0x100. */
always_inline void ipv4_age(struct iphdr *ip, __u8 ttl)
{
	ip->check = ~csum_fold32((__u16)~ip->check + (__u16)~bpf_htons(0x100));
	ip->ttl = ttl - 1;
}

/* What an IPv4 header tells, but for the packet's length. The caller has it within bounds, and knows that it is one. */
always_inline void packet_head4(struct packet *p, const struct iphdr *ip)
{
	__builtin_memset(&p->flow, 0, sizeof(p->flow));
	p->flow.saddr[0] = ip->saddr;
	p->flow.daddr[0] = ip->daddr;
	p->flow.protocol = ip->protocol;
	p->flow.family = SLUICE_FAMILY_INET;
	p->frag = ip->frag_off;
	p->id = ip->id;
	p->ttl = ip->ttl;
	p->tos = ip->tos;
}

/*
 * The transport header's offset, at most 14 + 60. The compiler knows that bound, the verifier has lost it in a spill:
 * the empty assembly keeps the compiler from dropping the mask.
 */
always_inline __u32 packet_l4(const struct packet *p)
{
	__u32 l4 = p->l4;

	asm volatile("" : "+r"(l4));
	return l4 & 0x7f;
}

#endif
