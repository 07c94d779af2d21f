/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads any IPv6 packet's headers at TC: what comes before the transport header, and what the datapath knows from there on. */
#ifndef SLUICE_PARSE6_H
#define SLUICE_PARSE6_H

#include "packet6.h"
#include "parse.h"

/* The shortest headers that a packet of ours starts with. */
#define PULL_LEN6 (ETH_LEN + IP6_LEN + sizeof(struct tcphdr))
/* Extension headers that are walked over. */
#define EXTENSIONS_MAX 8

/* A walk over extension headers (RFC 8200 section 4): begins at `at` with the kind `next`, ends at what is none of them. */
struct extensions {
	__u32 at;
	__u32 next;
	__be32 id;
	__be16 frag; /* as IPv4 has it; MF and the offset */
	__u16 spare;
};

/* True if the walk came to its end, or to a fragment that has no transport header. */
verified_apart int extensions_walk(hook_ctx *ctx, struct extensions *e)
{
	struct {
		__u8 next;
		__u8 length;
		__be16 word;
		__be32 id;
	} h;

	if (!e)
		return 0;
	e->frag = 0;
	e->id = 0;
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		if (e->next != NEXT_HOP_BY_HOP && e->next != NEXT_ROUTING && e->next != NEXT_OPTIONS &&
		    e->next != NEXT_FRAGMENT && e->next != NEXT_AUTHENTICATION)
			return 1;
		if (bpf_skb_load_bytes(ctx, e->at, &h, sizeof(h)))
			return 0;
		switch (e->next) {
		case NEXT_FRAGMENT:
			e->frag = bpf_htons(bpf_ntohs(h.word) >> 3 | (bpf_ntohs(h.word) & 1 ? IP_MF : 0));
			e->id = h.id;
			e->at += 8;
			break;
		case NEXT_AUTHENTICATION:
			e->at += (h.length + 2) * 4;
			break;
		case NEXT_ROUTING:
			/* segments left: its way does not end here */
			if (h.word & bpf_htons(0xff))
				return 0;
			/* fallthrough */
		default:
			e->at += (h.length + 1) * 8;
		}
		e->next = h.next;
		if (e->frag & bpf_htons(IP_OFFSET))
			return 1;
	}
	return 0;
}

/* Finds the transport header of a packet behind extension headers. False: not a packet that IPVS would look at. */
verified_apart int packet_extensions6(hook_ctx *ctx, struct packet *p)
{
	struct extensions e = { .at = ETH_LEN + IP6_LEN };
	__u32 want;

	if (!p)
		return 0;
	e.next = p->flow.protocol;
	if (!extensions_walk(ctx, &e) || e.at > L4_MAX6)
		return 0;
	p->l4 = e.at;
	p->flow.protocol = e.next;
	p->frag = e.frag;
	p->id = e.id;
	p->later_fragment = (e.frag & bpf_htons(IP_OFFSET)) != 0;
	want = e.at + sizeof(struct tcphdr);
	return p->later_fragment || CTX_LOAD(ctx, gso_size) == SCTP_PACKETS ||
	       !bpf_skb_pull_data(ctx, packet_len(ctx) < want ? packet_len(ctx) : want);
}

/* Reads an IPv6 packet's headers. False: not a packet that IPVS would look at. */
always_inline int packet_parse6(hook_ctx *ctx, struct packet *p)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	struct ipv6hdr *ip = data + ETH_LEN;

	if ((void *)ip + IP6_LEN + sizeof(struct tcphdr) > end && CTX_LOAD(ctx, gso_size) != SCTP_PACKETS) {
		__u32 want = packet_len(ctx) < PULL_LEN6 ? packet_len(ctx) : PULL_LEN6;

		if (bpf_skb_pull_data(ctx, want))
			return 0;
		data = packet_start(ctx);
		end = packet_end(ctx);
		ip = data + ETH_LEN;
	}
	if ((void *)(ip + 1) > end)
		return 0;
	if (ip->version != 6)
		return 0;
	packet_head6(p, ip);
	packet_begin(p);
	/* A padded frame is longer than its packet; one beyond 64 KiB says 0. */
	p->ip_len = bpf_ntohs(ip->payload_len) ? bpf_ntohs(ip->payload_len) + IP6_LEN : packet_len(ctx) - ETH_LEN;
	if (p->ip_len > packet_len(ctx) - ETH_LEN)
		return 0;
	p->segment = p->ip_len;
	if (p->flow.protocol != IPPROTO_TCP && p->flow.protocol != IPPROTO_UDP) {
		if (!packet_extensions6(ctx, p))
			return 0;
		if (p->later_fragment)
			return 1;
		data = packet_start(ctx);
		end = packet_end(ctx);
	}
	return packet_transport(ctx, p, data, end, packet6_l4(p), CTX_LOAD(ctx, gso_size));
}

#endif
