/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rest of the datapath knows of a packet. Only this file and route.h touch the hook's context, so that the
 * same source can stand behind another hook.
 */
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
#include <bpf/bpf_helpers.h>
#include "records.h"
#include "sctp.h"

#define always_inline static inline __attribute__((always_inline))
/*
 * A global function: the verifier walks it once by itself, for any arguments, instead of once for every path that leads
 * to it. Its pointer arguments may be NULL as far as the verifier knows.
 */
#define verified_apart __attribute__((noinline))

#define ETH_LEN ((__u32)sizeof(struct ethhdr))
#define IP_DF 0x4000
#define IP_MF 0x2000
#define IP_OFFSET 0x1fff
/* The longest headers that a packet of ours starts with: Ethernet, IPv4 with options, ports and checksums. */
#define PULL_LEN (ETH_LEN + 60 + sizeof(struct tcphdr))

typedef struct __sk_buff hook_ctx;

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

/*
 * One load with a constant offset. Left to itself the compiler keeps the field's address in a register, and the
 * verifier refuses loads through a context pointer that was added to.
 */
#define CTX_LOAD(ctx, field)                                                                                           \
	({                                                                                                             \
		long value_;                                                                                           \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                                                                  \
			     : "=r"(value_)                                                                            \
			     : "r"(ctx), "i"(__builtin_offsetof(struct __sk_buff, field)));                            \
		value_;                                                                                                \
	})

always_inline void *packet_start(hook_ctx *ctx)
{
	return (void *)CTX_LOAD(ctx, data);
}

always_inline void *packet_end(hook_ctx *ctx)
{
	return (void *)CTX_LOAD(ctx, data_end);
}

/* Bytes of the frame; of a GSO packet, of all its segments. */
always_inline __u32 packet_len(hook_ctx *ctx)
{
	return CTX_LOAD(ctx, len);
}

/* Frames for another host pass by a promiscuous device; frames with an offloaded VLAN tag are met again on that VLAN's device. */
always_inline int packet_is_foreign(hook_ctx *ctx)
{
	return ctx->pkt_type != 0 /* PACKET_HOST */ || ctx->vlan_present;
}

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

/*
 * Reads what an SCTP packet is about: its first chunk, or an ABORT behind a COOKIE ECHO or COOKIE ACK. A packet without a
 * whole chunk header is about nothing, as DATA is.
 */
verified_apart int packet_read_chunk(hook_ctx *ctx, struct packet *p)
{
	struct sctp_chunk chunk;
	__u32 at;

	if (!p)
		return 0;
	at = p->l4 + sizeof(struct sctp_header);
	if (bpf_skb_load_bytes(ctx, at, &chunk, sizeof(chunk)))
		return 0;
	if (chunk.type < SCTP_CHUNKS)
		p->chunk = sctp_events[chunk.type];
	p->syn = p->chunk == SCTP_INIT;
	p->rst = p->chunk == SCTP_ABORT;
	if (p->chunk == SCTP_COOKIE_ECHO || p->chunk == SCTP_COOKIE_ACK) {
		at += (bpf_ntohs(chunk.length) + 3) & ~3;
		if (!bpf_skb_load_bytes(ctx, at, &chunk, sizeof(chunk)) && chunk.type < SCTP_CHUNKS &&
		    sctp_events[chunk.type] == SCTP_ABORT)
			p->chunk = SCTP_ABORT;
	}
	return 1;
}

/* Reads an IPv4 packet's headers. False: not a packet that IPVS would look at. */
always_inline int packet_parse4(hook_ctx *ctx, struct packet *p)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	struct iphdr *ip = data + ETH_LEN;
	struct tcphdr *tcp;
	__u32 ihl, gso;

	if ((void *)ip + sizeof(*ip) > end || (void *)ip + ip->ihl * 4 + sizeof(*tcp) > end) {
		__u32 want = packet_len(ctx) < PULL_LEN ? packet_len(ctx) : PULL_LEN;

		if (bpf_skb_pull_data(ctx, want))
			return 0;
		data = packet_start(ctx);
		end = packet_end(ctx);
		ip = data + ETH_LEN;
		if ((void *)ip + sizeof(*ip) > end)
			return 0;
	}
	ihl = ip->ihl * 4;
	if (ip->version != 4 || ihl < sizeof(*ip))
		return 0;
	__builtin_memset(&p->flow, 0, sizeof(p->flow));
	p->flow.saddr[0] = ip->saddr;
	p->flow.daddr[0] = ip->daddr;
	p->flow.protocol = ip->protocol;
	p->flow.family = SLUICE_FAMILY_INET;
	p->l4 = ETH_LEN + ihl;
	p->frag = ip->frag_off;
	p->id = ip->id;
	p->ttl = ip->ttl;
	p->tos = ip->tos;
	p->syn = p->fin = p->ack = p->rst = 0;
	p->related = 0;
	p->later_fragment = (ip->frag_off & bpf_htons(IP_OFFSET)) != 0;
	/* A padded frame is longer than its packet; a packet beyond 64 KiB says 0. */
	gso = CTX_LOAD(ctx, gso_size);
	p->ip_len = bpf_ntohs(ip->tot_len);
	if (p->ip_len == 0 && gso)
		p->ip_len = packet_len(ctx) - ETH_LEN;
	/* cut short on its way: the stack drops and counts it */
	if (p->ip_len > packet_len(ctx) - ETH_LEN || p->ip_len < ihl)
		return 0;
	p->segment = p->ip_len;
	if (p->later_fragment)
		return 1;
	if (p->flow.protocol == IPPROTO_TCP) {
		tcp = data + p->l4;
		if ((void *)(tcp + 1) > end || p->ip_len < ihl + sizeof(*tcp))
			return 0;
		p->flow.sport = tcp->source;
		p->flow.dport = tcp->dest;
		p->syn = tcp->syn;
		p->fin = tcp->fin;
		p->ack = tcp->ack;
		p->rst = tcp->rst;
		if (gso)
			p->segment = gso + ihl + tcp->doff * 4;
	} else if (p->flow.protocol == IPPROTO_UDP) {
		struct udphdr *udp = data + p->l4;

		if ((void *)(udp + 1) > end || p->ip_len < ihl + sizeof(*udp))
			return 0;
		p->flow.sport = udp->source;
		p->flow.dport = udp->dest;
		if (gso)
			p->segment = gso + ihl + sizeof(*udp);
	} else if (p->flow.protocol == IPPROTO_SCTP) {
		struct sctp_header *sctp = data + p->l4;

		if ((void *)(sctp + 1) > end || p->ip_len < ihl + sizeof(*sctp))
			return 0;
		p->flow.sport = sctp->source;
		p->flow.dport = sctp->dest;
		packet_read_chunk(ctx, p);
		/* a packet of several for the wire does not tell their sizes: each is as large as its sender's route allows */
		if (gso)
			p->segment = 0;
	}
	return 1;
}

#endif
