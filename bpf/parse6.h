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
	__u32 gso, l4;

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
	__builtin_memset(&p->flow, 0, sizeof(p->flow));
	__builtin_memcpy(p->flow.saddr, &ip->saddr, sizeof(p->flow.saddr));
	__builtin_memcpy(p->flow.daddr, &ip->daddr, sizeof(p->flow.daddr));
	p->flow.protocol = ip->nexthdr;
	p->flow.family = SLUICE_FAMILY_INET6;
	p->l4 = ETH_LEN + IP6_LEN;
	p->frag = 0;
	p->id = 0;
	p->ttl = ip->hop_limit;
	p->tos = ip6_class(ip);
	p->syn = p->fin = p->ack = p->rst = 0;
	p->related = 0;
	p->later_fragment = 0;
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
	gso = CTX_LOAD(ctx, gso_size);
	l4 = packet6_l4(p);
	if (p->flow.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = data + l4;

		if ((void *)(tcp + 1) > end || ETH_LEN + p->ip_len < l4 + sizeof(*tcp))
			return 0;
		p->flow.sport = tcp->source;
		p->flow.dport = tcp->dest;
		p->syn = tcp->syn;
		p->fin = tcp->fin;
		p->ack = tcp->ack;
		p->rst = tcp->rst;
		if (gso)
			p->segment = gso + l4 - ETH_LEN + tcp->doff * 4;
	} else if (p->flow.protocol == IPPROTO_UDP) {
		struct udphdr *udp = data + l4;

		if ((void *)(udp + 1) > end || ETH_LEN + p->ip_len < l4 + sizeof(*udp))
			return 0;
		p->flow.sport = udp->source;
		p->flow.dport = udp->dest;
		if (gso)
			p->segment = gso + l4 - ETH_LEN + sizeof(*udp);
	} else if (p->flow.protocol == IPPROTO_SCTP) {
		struct sctp_header *sctp = data + l4;

		if ((void *)(sctp + 1) > end || ETH_LEN + p->ip_len < l4 + sizeof(*sctp))
			return 0;
		p->flow.sport = sctp->source;
		p->flow.dport = sctp->dest;
		packet_read_chunk(ctx, p);
		if (gso)
			p->segment = 0;
	}
	return 1;
}

#endif
