/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads any packet's headers at TC. */
#ifndef SLUICE_PARSE_H
#define SLUICE_PARSE_H

#include "packet.h"

/* The longest headers that a packet of ours starts with: Ethernet, IPv4 with options, ports and checksums. */
#define PULL_LEN (ETH_LEN + 60 + sizeof(struct tcphdr))

/* Frames for another host pass by a promiscuous device; frames with an offloaded VLAN tag are met again on that VLAN's device. */
always_inline int packet_is_foreign(hook_ctx *ctx)
{
	return ctx->pkt_type != 0 /* PACKET_HOST */ || ctx->vlan_present;
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

/* Until the transport header is read, or the packet is known to be a later fragment. */
always_inline void packet_begin(struct packet *p)
{
	p->syn = p->fin = p->ack = p->rst = 0;
	p->related = 0;
	p->later_fragment = 0;
}

/* Reads the transport header, `l4` bytes into the frame from `data`. False: not a packet that IPVS would look at. */
always_inline int packet_transport(hook_ctx *ctx, struct packet *p, void *data, void *end, __u32 l4, __u32 gso)
{
	const __u32 room = ETH_LEN + p->ip_len;

	if (p->flow.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = data + l4;

		if ((void *)(tcp + 1) > end || room < l4 + sizeof(*tcp))
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

		if ((void *)(udp + 1) > end || room < l4 + sizeof(*udp))
			return 0;
		p->flow.sport = udp->source;
		p->flow.dport = udp->dest;
		if (gso)
			p->segment = gso + l4 - ETH_LEN + sizeof(*udp);
	} else if (p->flow.protocol == IPPROTO_SCTP) {
		struct sctp_header *sctp = data + l4;

		if ((void *)(sctp + 1) > end || room < l4 + sizeof(*sctp))
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

/* Reads an IPv4 packet's headers. False: not a packet that IPVS would look at. */
always_inline int packet_parse4(hook_ctx *ctx, struct packet *p)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	struct iphdr *ip = data + ETH_LEN;
	__u32 ihl, gso;

	if (((void *)ip + sizeof(*ip) > end || (void *)ip + ip->ihl * 4 + sizeof(struct tcphdr) > end) &&
	    CTX_LOAD(ctx, gso_size) != SCTP_PACKETS) {
		__u32 want = packet_len(ctx) < PULL_LEN ? packet_len(ctx) : PULL_LEN;

		if (bpf_skb_pull_data(ctx, want))
			return 0;
		data = packet_start(ctx);
		end = packet_end(ctx);
		ip = data + ETH_LEN;
	}
	if ((void *)ip + sizeof(*ip) > end)
		return 0;
	ihl = ip->ihl * 4;
	if (ip->version != 4 || ihl < sizeof(*ip))
		return 0;
	packet_head4(p, ip);
	p->l4 = ETH_LEN + ihl;
	packet_begin(p);
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
	return p->later_fragment || packet_transport(ctx, p, data, end, p->l4, gso);
}

#endif
