/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP connections whose bytes the director changes: the PROXY protocol's header before the client's first byte, or the
 * client's address in a TCP option. Sequence numbers, acknowledgements and SACK blocks are translated for the rest of the
 * connection.
 *
 * The header never stands in a packet of the client's data: it is a segment of its own, made of the client's first
 * acknowledgement, and made again (beside the packet) of whatever the client repeats from its first byte on, until the
 * server has acknowledged it. So no packet grows, segments of a GSO packet stay as they are, and what is lost comes again
 * by the client's own retransmission.
 */
#ifndef SLUICE_STREAM_H
#define SLUICE_STREAM_H

#include "life.h"

#define TCP_SEQ ((__u32)__builtin_offsetof(struct tcphdr, seq))
#define TCP_ACK_SEQ ((__u32)__builtin_offsetof(struct tcphdr, ack_seq))
#define TCP_CHECK ((__u32)__builtin_offsetof(struct tcphdr, check))
#define TCP_DOFF 12
#define TCP_FLAGS 13
#define TCP_FLAG_ACK 0x10
#define TCP_FLAG_PSH_ACK 0x18
#define TCP_HEADER_MAX 60
_Static_assert(TCP_HEADER_MAX + FTP_LINE <= 192, "fits");
#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_SACK 5
#define TCP_OPTIONS_READ 12 /* at most, of one packet */

#define PROXY_HEADER_LEN 28
/* Most bytes that are summed anew: a TCP header and what is put behind it. */
#define REBUILT_MAX 192 /* 60 + FTP_LINE, rounded up */
#define SUM_STEP 16

/* What the caller does with a client's packet, from stream_translate. */
#define STREAM_PLAIN 0
#define STREAM_INTRODUCE 1 /* it becomes the one that tells the client's address */
#define STREAM_BESIDE 2 /* it goes as it is, and a copy becomes that one */
#define STREAM_BEHIND 3 /* the other way round: a copy comes in again, and it becomes that one, which has to go first */
#define STREAM_TRIM 4 /* a SYN with data: without it */

always_inline struct stream *stream_get(__u32 ref, const struct connection *c)
{
	__u32 key = ref;
	struct stream *stream = bpf_map_lookup_elem(&streams, &key);

	return stream && stream->generation == c->generation ? stream : NULL;
}

/* A sequence number on its way along its direction. */
always_inline __u32 adjust_forward(const struct adjustment *a, __u32 seq)
{
	return a->settled || (__s32)(seq - a->at) > 0 ? seq + a->after : seq + a->before;
}

/* What the receiver says of sequence numbers, on its way back. */
always_inline __u32 adjust_back(const struct adjustment *a, __u32 seq)
{
	__u32 back = seq - a->after;

	if (a->settled)
		return back;
	if ((__s32)(seq - (a->at + a->before)) <= 0)
		return seq - a->before;
	/* within what was put in: the sender's next byte is the one behind it */
	return (__s32)(back - (a->at + 1)) < 0 ? a->at + 1 : back;
}

/* As a 16-bit sum sees a word that stands at an odd place. */
always_inline __u32 odd_word(__u32 word, __u32 at)
{
	return at & 1 ? (word & 0xff00ff00) >> 8 | (word & 0x00ff00ff) << 8 : word;
}

/* Replaces a word of the TCP header at `at` from the header's start. */
always_inline int tcp_replace(hook_ctx *ctx, __u32 l4, __u32 at, __be32 old, __be32 new)
{
	if (old == new)
		return 1;
	return !bpf_skb_store_bytes(ctx, l4 + at, &new, sizeof(new), 0) &&
	       !bpf_l4_csum_replace(ctx, l4 + TCP_CHECK, odd_word(old, at), odd_word(new, at), 4);
}

/* SACK blocks of a packet that answers `a`'s direction. */
verified_apart int stream_translate_sack(hook_ctx *ctx, __u32 ref, __u32 side, __u32 l4, __u32 length)
{
	struct connection *c = connection_get(ref);
	struct stream *stream = c ? stream_get(ref, c) : NULL;
	const struct adjustment *a;
	__u32 at = sizeof(struct tcphdr);
	__u8 option[2];
	__be32 edge;

	if (!stream)
		return 0;
	a = side ? &stream->adjust[0] : &stream->adjust[1];
	for (int i = 0; i < TCP_OPTIONS_READ; i++) {
		if (at + sizeof(option) > length || bpf_skb_load_bytes(ctx, l4 + at, option, sizeof(option)))
			break;
		if (option[0] == TCP_OPTION_END)
			break;
		if (option[0] == TCP_OPTION_NOP) {
			at++;
			continue;
		}
		if (option[1] < sizeof(option))
			break;
		if (option[0] == TCP_OPTION_SACK) {
			for (__u32 k = 0; k < 8; k++) {
				__u32 place = at + 2 + k * 4;

				if (2 + k * 4 + 4 > option[1] || place + 4 > length)
					break;
				if (bpf_skb_load_bytes(ctx, l4 + place, &edge, sizeof(edge)))
					return 0;
				if (!tcp_replace(ctx, l4, place, edge, bpf_htonl(adjust_back(a, bpf_ntohl(edge)))))
					return 0;
			}
			break;
		}
		at += option[1];
	}
	return 1;
}

/*
 * Translates the numbers of a packet of a stream, and keeps account of them. Returns what is to be done besides, or -1:
 * it cannot be done.
 */
verified_apart int stream_translate(hook_ctx *ctx, const struct packet *p, __u32 ref, __u32 side)
{
	struct connection *c = connection_get(ref);
	struct stream *stream;
	struct tcphdr tcp;
	struct adjustment *there, *back;
	__u32 l4, seq, ack, payload, header, todo = STREAM_PLAIN;

	if (!p || !c || p->later_fragment)
		return STREAM_PLAIN;
	stream = stream_get(ref, c);
	if (!stream)
		return STREAM_PLAIN;
	there = side ? &stream->adjust[1] : &stream->adjust[0];
	back = side ? &stream->adjust[0] : &stream->adjust[1];
	l4 = packet_l4(p);
	if (bpf_skb_load_bytes(ctx, l4, &tcp, sizeof(tcp)))
		return -1;
	header = tcp.doff * 4;
	payload = p->ip_len + ETH_LEN - l4 - header;
	if (header < sizeof(tcp) || payload > 0xffff + 0x80000)
		return -1;
	seq = bpf_ntohl(tcp.seq);
	ack = bpf_ntohl(tcp.ack_seq);
	if (side == SLUICE_SIDE_REQUEST && stream->client_address) {
		__u32 end = seq + payload;

		if (tcp.syn) {
			/* the numbers begin here, or anew */
			there->at = seq;
			there->before = there->after = 0;
			there->settled = 0;
			if (stream->client_address == SLUICE_CLIENT_ADDRESS_PROXY)
				there->after = PROXY_HEADER_LEN;
			stream->sent = 0;
			stream->high = seq + 1;
			return payload && stream->client_address == SLUICE_CLIENT_ADDRESS_PROXY ? STREAM_TRIM : STREAM_PLAIN;
		}
		/*
		 * As long as the server has not said that it has it: with all that is not the first sending of some bytes,
		 * which follow what the client's acknowledgement carried.
		 */
		if (tcp.ack && !there->settled && (__s32)(seq - (there->at + 1)) <= 0 &&
		    (!stream->sent || !payload || (__s32)(end - stream->high) <= 0)) {
			if (!payload && !tcp.fin && !tcp.rst) {
				todo = STREAM_INTRODUCE;
			} else if (stream->client_address == SLUICE_CLIENT_ADDRESS_PROXY) {
				todo = STREAM_BESIDE;
			} else if (stream->echoed == seq) {
				stream->echoed = there->at; /* no packet of data has this number */
			} else {
				/* the option must come with what completes the server's handshake */
				stream->echoed = seq;
				return STREAM_BEHIND;
			}
		}
		if ((__s32)(end - stream->high) > 0)
			stream->high = end;
	}
	if (side == SLUICE_SIDE_REPLY && tcp.ack && !tcp.syn && !back->settled && stream->client_address &&
	    (__s32)(ack - (back->at + 1 + back->after)) >= 0)
		back->settled = 1;
	if (!tcp_replace(ctx, l4, TCP_SEQ, tcp.seq, bpf_htonl(adjust_forward(there, seq))))
		return -1;
	if (tcp.ack && (back->before || back->after)) {
		if (!tcp_replace(ctx, l4, TCP_ACK_SEQ, tcp.ack_seq, bpf_htonl(adjust_back(back, ack))))
			return -1;
		if (header > sizeof(tcp) && !stream_translate_sack(ctx, ref, side, l4, header))
			return -1;
	}
	return todo;
}

/* The sequence number in a quoted packet of a stream, as the error's receiver knows it. */
always_inline int stream_translate_quote(hook_ctx *ctx, const struct connection *c, __u32 ref, __u32 icmp_check_at,
					 __u32 l4, int from_client)
{
	struct stream *stream = stream_get(ref, c);
	__be32 old, new;

	if (!stream || bpf_skb_load_bytes(ctx, l4 + TCP_SEQ, &old, sizeof(old)))
		return 1;
	new = bpf_htonl(adjust_back(from_client ? &stream->adjust[1] : &stream->adjust[0], bpf_ntohl(old)));
	if (old == new)
		return 1;
	return !bpf_skb_store_bytes(ctx, l4 + TCP_SEQ, &new, sizeof(new), 0) &&
	       !bpf_l4_csum_replace(ctx, icmp_check_at, old, new, 4);
}

/* Is the TCP checksum left to the device? Changing a word shows it: the helper then leaves the field alone. */
always_inline int checksum_is_partial(hook_ctx *ctx, __u32 l4)
{
	__u16 before = 0, after = 0;

	bpf_skb_load_bytes(ctx, l4 + TCP_CHECK, &before, sizeof(before));
	if (bpf_l4_csum_replace(ctx, l4 + TCP_CHECK, 0, 1, 4))
		return 0;
	bpf_skb_load_bytes(ctx, l4 + TCP_CHECK, &after, sizeof(after));
	return before == after;
}

/* Sums `total` bytes from `at` on. */
always_inline __u32 sum_bytes(hook_ctx *ctx, __u32 at, __u32 total, __u32 sum)
{
	for (__u32 done = 0; done < REBUILT_MAX; done += SUM_STEP) {
		__u32 buffer[SUM_STEP / 4] = {}, left = total - done;

		if (done >= total)
			break;
		if (left > SUM_STEP)
			left = SUM_STEP;
		/* 6.1 wants to see that it is not 0 */
		asm volatile("" : "+r"(left));
		left = ((left - 1) & (SUM_STEP - 1)) + 1;
		if (bpf_skb_load_bytes(ctx, at + done, buffer, left))
			break;
		sum = bpf_csum_diff(NULL, 0, buffer, sizeof(buffer), sum);
	}
	return sum;
}

/* Makes lengths and checksum of a TCP packet right that has `total` bytes of TCP now. */
verified_apart int tcp_finish(hook_ctx *ctx, __u32 l4, __u32 total, __u32 partial)
{
	struct iphdr *ip;
	__be16 tot_len, check;
	__u32 sum;

	l4 &= 0x7f;
	if (total > REBUILT_MAX || bpf_skb_pull_data(ctx, l4 + total))
		return 0;
	ip = packet_start(ctx) + ETH_LEN;
	if ((void *)(ip + 1) > packet_end(ctx))
		return 0;
	tot_len = bpf_htons(l4 - ETH_LEN + total);
	ip->check = csum_replace16(ip->check, ip->tot_len, tot_len);
	ip->tot_len = tot_len;
	sum = (ip->saddr & 0xffff) + (ip->saddr >> 16) + (ip->daddr & 0xffff) + (ip->daddr >> 16) + bpf_htons(IPPROTO_TCP) +
	      bpf_htons(total);
	check = 0;
	if (bpf_skb_store_bytes(ctx, l4 + TCP_CHECK, &check, sizeof(check), 0))
		return 0;
	check = partial ? csum_fold32(sum) : ~csum_fold32(sum_bytes(ctx, l4, total, sum));
	return !bpf_skb_store_bytes(ctx, l4 + TCP_CHECK, &check, sizeof(check), 0);
}

/* What stands behind the TCP header of a rebuilt packet. */
#define TAIL_NONE 0
#define TAIL_TOA 1
#define TAIL_PROXY 2

#define PROXY_VERSION_2_PROXY 0x21
#define PROXY_TCP4 0x11
#define TOA_KIND 254
#define TOA_LEN 8

/*
 * Cuts a TCP packet, whose addresses are rewritten already, down to its header, puts a tail behind it, and makes lengths
 * and checksum right: with TAIL_PROXY it becomes the segment that tells the server of its client, with TAIL_TOA a bare
 * acknowledgement with the option that does.
 */
always_inline int stream_rebuild(hook_ctx *ctx, __u32 ref, __u32 l4, __u32 kind)
{
	struct connection *c = connection_get(ref);
	struct stream *stream = c ? stream_get(ref, c) : NULL;
	__u32 header, length = 0, partial;
	__u8 tail[PROXY_HEADER_LEN] = {}, byte;
	__be32 seq;

	l4 &= 0x7f;
	if (!stream || bpf_skb_load_bytes(ctx, l4 + TCP_DOFF, &byte, 1))
		return 0;
	header = (byte >> 4) * 4;
	if (header < sizeof(struct tcphdr) || header > TCP_HEADER_MAX)
		return 0;
	partial = checksum_is_partial(ctx, l4);
	if (bpf_skb_change_tail(ctx, l4 + header, 0))
		return 0;
	if (kind == TAIL_PROXY) {
		*(__u32 *)(tail + 0) = bpf_htonl(0x0d0a0d0a);
		*(__u32 *)(tail + 4) = bpf_htonl(0x000d0a51);
		*(__u32 *)(tail + 8) = bpf_htonl(0x5549540a);
		*(__u32 *)(tail + 12) = bpf_htonl(PROXY_VERSION_2_PROXY << 24 | PROXY_TCP4 << 16 | 12);
		*(__u32 *)(tail + 16) = c->caddr;
		*(__u32 *)(tail + 20) = c->vaddr;
		*(__u32 *)(tail + 24) = c->cport | (__u32)c->vport << 16;
		length = PROXY_HEADER_LEN;
		if (bpf_skb_change_tail(ctx, l4 + header + PROXY_HEADER_LEN, 0) ||
		    bpf_skb_store_bytes(ctx, l4 + header, tail, PROXY_HEADER_LEN, 0))
			return 0;
		seq = bpf_htonl(stream->adjust[0].at + 1);
		if (bpf_skb_store_bytes(ctx, l4 + TCP_SEQ, &seq, sizeof(seq), 0))
			return 0;
		byte = TCP_FLAG_PSH_ACK;
		stream->sent = 1;
	} else if (kind == TAIL_TOA && header + TOA_LEN <= TCP_HEADER_MAX) {
		*(__u32 *)(tail + 0) = bpf_htonl(TOA_KIND << 24 | TOA_LEN << 16) | (__u32)c->cport << 16;
		*(__u32 *)(tail + 4) = c->caddr;
		length = TOA_LEN;
		if (bpf_skb_change_tail(ctx, l4 + header + TOA_LEN, 0) ||
		    bpf_skb_store_bytes(ctx, l4 + header, tail, TOA_LEN, 0))
			return 0;
		byte = (byte & 0x0f) | (header + TOA_LEN) / 4 << 4;
		if (bpf_skb_store_bytes(ctx, l4 + TCP_DOFF, &byte, 1, 0))
			return 0;
		byte = TCP_FLAG_ACK;
		stream->sent = 1;
	}
	if (length && bpf_skb_store_bytes(ctx, l4 + TCP_FLAGS, &byte, 1, 0))
		return 0;
	return tcp_finish(ctx, l4, header + length, partial);
}

#endif
