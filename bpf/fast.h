/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path: what a packet of a known connection becomes where nothing has to be decided about it. All is asked before
 * the first byte changes, so that whatever is left to TC is as it came.
 */
#ifndef SLUICE_FAST_H
#define SLUICE_FAST_H

#include "ends.h"
#include "outer.h"
#include "progress.h"

/*
 * Does a checksum only hold the pseudo-header's sum, because the sender left the rest to its device? The stack knows what is
 * to be done with such a packet; a frame says nothing of it. (One complete checksum of 65,535 looks the same.)
 */
always_inline int checksum_is_left(__u16 check, __u32 pseudo)
{
	__u16 difference = csum_fold32(csum_sub32(pseudo, check));

	return difference == 0 || difference == 0xffff;
}

/*
 * Reads a transport header; `pseudo` is the sum of its pseudo-header's addresses. False: TC's, as is all that begins or ends
 * a stream.
 */
always_inline int fast_parse_transport(void *l4, void *end, struct packet *p, __u32 pseudo)
{
	__u32 length = p->ip_len - (p->l4 - ETH_LEN);

	pseudo = csum_add32(pseudo, bpf_htons(p->flow.protocol) + bpf_htons(length));
	p->segment = p->ip_len;
	p->syn = p->fin = p->rst = 0;
	p->ack = 1;
	p->later_fragment = p->related = 0;
	if (p->flow.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > end || length < sizeof(*tcp) || tcp->syn || tcp->fin || tcp->rst || !tcp->ack)
			return 0;
		p->flow.sport = tcp->source;
		p->flow.dport = tcp->dest;
		return !checksum_is_left(tcp->check, pseudo);
	}
	if (p->flow.protocol == IPPROTO_UDP) {
		struct udphdr *udp = l4;

		if ((void *)(udp + 1) > end || length < sizeof(*udp))
			return 0;
		p->flow.sport = udp->source;
		p->flow.dport = udp->dest;
		return !udp->check || !checksum_is_left(udp->check, pseudo);
	}
	return 0;
}

/* IPv4: whole, without options, with a hop to spare. */
always_inline int fast_parse4(hook_ctx *ctx, struct packet *p)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	struct iphdr *ip = data + ETH_LEN;

	if ((void *)(ip + 1) > end || *(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(IP_MF | IP_OFFSET) || ip->ttl <= 1)
		return 0;
	packet_head4(p, ip);
	p->l4 = ETH_LEN + sizeof(*ip);
	p->ip_len = bpf_ntohs(ip->tot_len);
	if (p->ip_len > (__u32)(end - data) - ETH_LEN || p->ip_len < sizeof(*ip))
		return 0;
	return fast_parse_transport(ip + 1, end, p, csum_add32(ip->saddr, ip->daddr));
}

/* IPv6: without extension headers, with a hop to spare. */
always_inline int fast_parse6(hook_ctx *ctx, struct packet *p)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	struct ipv6hdr *ip = data + ETH_LEN;

	if ((void *)(ip + 1) > end || ip->version != 6 || ip->hop_limit <= 1)
		return 0;
	packet_head6(p, ip);
	/* a jumbogram says 0: TC's */
	p->ip_len = bpf_ntohs(ip->payload_len) + IP6_LEN;
	if (!ip->payload_len || p->ip_len > (__u32)(end - data) - ETH_LEN)
		return 0;
	return fast_parse_transport(ip + 1, end, p, ip6_sum_addresses((void *)&ip->saddr, (void *)&ip->daddr));
}

always_inline const struct fast_device *fast_device_get(__u32 ifindex)
{
	__u32 slot = ifindex & (FAST_DEVICES - 1);
	const struct fast_device *device = bpf_map_lookup_elem(&fast_devices, &slot);

	return device && device->ifindex == ifindex ? device : NULL;
}

/* Is the frame for this very device? To one that is promiscuous, others' come too. */
always_inline int fast_is_for(hook_ctx *ctx, const struct fast_device *device)
{
	const __u16 *to = packet_start(ctx), *own = (const void *)device->address;

	if ((void *)to + ETH_LEN > packet_end(ctx))
		return 0;
	return !((to[0] ^ own[0]) | (to[1] ^ own[1]) | (to[2] ^ own[2]));
}

/* Can what came in by one device go out by another: XDP_TX, XDP_REDIRECT, or 0. */
always_inline int fast_way(const struct fast_device *in, __u32 ifindex)
{
	const struct fast_device *out = in;

	if (ifindex != in->ifindex)
		out = fast_device_get(ifindex);
	else if (in->takes & SLUICE_FAST_DEVICE_BACK)
		return XDP_TX;
	return out && out->takes & in->needs ? XDP_REDIRECT : 0;
}

/* What an address and port pair becomes by NAT, one end or both. */
struct fast_ends {
	union {
		struct {
			__be32 saddr;
			__be32 daddr;
		};
		struct ends6 six;
	};
	__u32 ports;
};

/* Fills in what NAT makes of the packet. False: a local address that is not there. */
always_inline int fast_ends_of(const __u32 family, const struct packet *p, const struct connection *c,
			       const struct server *server, __u32 side, struct fast_ends *ends)
{
	const struct connection6 *wide = (const void *)c;
	const struct local_address *local;

	if (c->method == SLUICE_METHOD_FULLNAT) {
		local = local_get(c->local);
		if (!local)
			return 0;
		ends->ports = side == SLUICE_SIDE_REPLY ? c->vport | (__u32)c->cport << 16 : c->lport | (__u32)c->dport << 16;
		if (family == SLUICE_FAMILY_INET) {
			ends->saddr = side == SLUICE_SIDE_REPLY ? c->vaddr : *(const __be32 *)local->address;
			ends->daddr = side == SLUICE_SIDE_REPLY ? c->caddr : *(const __be32 *)server->address;
		} else if (side == SLUICE_SIDE_REPLY) {
			ends6_of_client(wide, 0, &ends->six);
		} else {
			ends6_of_server(server, local, 0, &ends->six);
		}
		return 1;
	}
	ends->ports = side == SLUICE_SIDE_REPLY ? c->vport | (__u32)p->flow.dport << 16 : p->flow.sport | (__u32)c->dport << 16;
	if (family == SLUICE_FAMILY_INET) {
		ends->saddr = side == SLUICE_SIDE_REPLY ? c->vaddr : p->flow.saddr[0];
		ends->daddr = side == SLUICE_SIDE_REPLY ? p->flow.daddr[0] : *(const __be32 *)server->address;
		return 1;
	}
	__builtin_memcpy(&ends->six.source, side == SLUICE_SIDE_REPLY ? (const void *)wide->vaddr : (const void *)p->flow.saddr,
			 sizeof(ends->six.source));
	__builtin_memcpy(&ends->six.destination,
			 side == SLUICE_SIDE_REPLY ? (const void *)p->flow.daddr : (const void *)server->address,
			 sizeof(ends->six.destination));
	return 1;
}

/* The change that NAT makes to a sum over a packet's addresses. */
always_inline __u32 fast_address_diff(const __u32 family, const struct packet *p, const struct fast_ends *ends)
{
	const __be32 *source = ends->six.source.word, *destination = ends->six.destination.word;
	__u32 sum;

	if (family == SLUICE_FAMILY_INET)
		return csum_add32(csum_sub32(ends->saddr, p->flow.saddr[0]), csum_sub32(ends->daddr, p->flow.daddr[0]));
	sum = 0;
	for (int i = 0; i < 4; i++) {
		sum = csum_add32(sum, csum_sub32(source[i], p->flow.saddr[i]));
		sum = csum_add32(sum, csum_sub32(destination[i], p->flow.daddr[i]));
	}
	return sum;
}

/* A hop less. The caller has the header within bounds. */
always_inline void fast_age(const __u32 family, void *header, const struct packet *p)
{
	if (family == SLUICE_FAMILY_INET) {
		ipv4_age(header, p->ttl);
	} else {
		struct ipv6hdr *ip = header;

		ip->hop_limit = p->ttl - 1;
	}
}

/* Writes what NAT makes of the packet. False: it is not all there. */
always_inline int fast_rewrite(hook_ctx *ctx, const __u32 family, const struct packet *p, const struct fast_ends *ends,
			       const struct bpf_fib_lookup *fib)
{
	const __u32 header = family == SLUICE_FAMILY_INET ? sizeof(struct iphdr) : IP6_LEN;
	__u32 diff = fast_address_diff(family, p, ends), *ports;
	const int udp = p->flow.protocol == IPPROTO_UDP;
	struct ethhdr *eth = packet_start(ctx);
	void *l4 = (void *)(eth + 1) + header;
	__u16 *check, sum;

	check = l4 + (udp ? __builtin_offsetof(struct udphdr, check) : __builtin_offsetof(struct tcphdr, check));
	if ((void *)(check + 1) > packet_end(ctx))
		return 0;
	route_write_macs(eth, fib);
	fast_age(family, eth + 1, p);
	if (family == SLUICE_FAMILY_INET) {
		struct iphdr *ip = (void *)(eth + 1);

		ip->saddr = ends->saddr;
		ip->daddr = ends->daddr;
		ip->check = ~csum_fold32(csum_add32((__u16)~ip->check, diff));
	} else {
		struct ipv6hdr *ip = (void *)(eth + 1);

		__builtin_memcpy(&ip->saddr, &ends->six, sizeof(ends->six));
	}
	ports = l4;
	diff = csum_add32(diff, csum_sub32(ends->ports, *ports));
	*ports = ends->ports;
	if (udp && !*check)
		return 1;
	sum = ~csum_fold32(csum_add32((__u16)~*check, diff));
	*check = udp && !sum ? 0xffff : sum;
	return 1;
}

/* Writes what direct routing makes of the packet. False: it is not all there. */
always_inline int fast_hand_on(hook_ctx *ctx, const __u32 family, const struct packet *p, const struct bpf_fib_lookup *fib)
{
	struct ethhdr *eth = packet_start(ctx);

	if ((void *)(eth + 1) + (family == SLUICE_FAMILY_INET ? sizeof(struct iphdr) : IP6_LEN) > packet_end(ctx))
		return 0;
	route_write_macs(eth, fib);
	fast_age(family, eth + 1, p);
	return 1;
}

/* Puts the packet into its tunnel and returns `way`; 0: it has no room in front, and is untouched. */
always_inline int fast_wrap(hook_ctx *ctx, const struct packet *p, const struct outer *o, const struct bpf_fib_lookup *fib,
			    int way)
{
	__u32 length = o->length;
	struct ethhdr *eth;

	/* the compiler knows its few values, the verifier has lost them in a spill */
	asm volatile("" : "+r"(length));
	length &= 0x3f;
	if (bpf_xdp_adjust_head(ctx, -(int)length))
		return 0;
	eth = packet_start(ctx);
	if ((void *)(eth + 1) > packet_end(ctx) || !tunnel_age(ctx, p, ETH_LEN + length) ||
	    !tunnel_write(ctx, o, p->ip_len, 0)) {
		tally(SLUICE_DROP_MALFORMED);
		return XDP_DROP;
	}
	route_write_macs(eth, fib);
	return way;
}

/* The packet in its tunnel to a server; see fast_send. */
always_inline int fast_tunnel(hook_ctx *ctx, const __u32 family, const struct packet *p, const struct server *server,
			      const int outside, const __u32 type, const struct fast_device *in, __u32 *ifindex)
{
	struct bpf_fib_lookup fib;
	struct outer o;
	int way;
	long rc;

	outer_describe(&o, p, server, family == SLUICE_FAMILY_INET6, outside, type, 0);
	rc = outer_route(ctx, &o, &fib, p);
	if (rc != BPF_FIB_LKUP_RET_SUCCESS)
		return 0;
	way = fast_way(in, fib.ifindex);
	*ifindex = fib.ifindex;
	return way && tunnel_source(&o, &fib, rc, server_options_get(server)) ? fast_wrap(ctx, p, &o, &fib, way) : 0;
}

/*
 * Makes of a packet of a known connection what is sent on. Returns XDP_TX, or XDP_REDIRECT with the device in *ifindex; 0:
 * it is TC's, and untouched.
 */
always_inline int fast_send(hook_ctx *ctx, const __u32 family, const struct packet *p, const struct connection *c,
			    const struct server *server, __u32 side, const struct fast_device *in, __u32 *ifindex)
{
	const struct server_options *options = server_options_get(server);
	const int four = family == SLUICE_FAMILY_INET;
	const __be32 *target = (const void *)server->address;
	struct bpf_fib_lookup fib;
	struct fast_ends ends;
	int way, from;
	long rc;

	/* its packets are for the stack here */
	if (options->local)
		return 0;
	switch (c->method) {
	case SLUICE_METHOD_TUNNEL:
		/* GUE's source port is a hash that the stack makes; checksums of tunnels are made at TC */
		if (options->tunnel == SLUICE_TUNNEL_GUE || options->tunnel_flags)
			return 0;
		/* the most common one by itself: what the other asks is known here */
		if (four && server->family == SLUICE_FAMILY_INET && options->tunnel == SLUICE_TUNNEL_IPIP)
			return fast_tunnel(ctx, family, p, server, 0, SLUICE_TUNNEL_IPIP, in, ifindex);
		return fast_tunnel(ctx, family, p, server, server->family == SLUICE_FAMILY_INET6, options->tunnel, in, ifindex);
	case SLUICE_METHOD_ROUTE:
		rc = four ? route4(ctx, &fib, 0, *target, p->tos, p->segment, 0) :
			    route6(ctx, &fib, NULL, target, p->tos, p->segment, 0);
		break;
	case SLUICE_METHOD_MASQ:
	case SLUICE_METHOD_FULLNAT:
		if (!fast_ends_of(family, p, c, server, side, &ends))
			return 0;
		from = side == SLUICE_SIDE_REPLY || c->method == SLUICE_METHOD_FULLNAT;
		rc = four ? route4(ctx, &fib, from ? ends.saddr : 0, ends.daddr, p->tos, p->segment, 0) :
			    route6(ctx, &fib, from ? ends.six.source.word : NULL, ends.six.destination.word, p->tos, p->segment,
				   0);
		break;
	default:
		return 0;
	}
	/* an unknown neighbour, a packet too big, a client on the director, no route: TC has an answer to each */
	if (rc != BPF_FIB_LKUP_RET_SUCCESS)
		return 0;
	way = fast_way(in, fib.ifindex);
	if (!way)
		return 0;
	*ifindex = fib.ifindex;
	if (c->method == SLUICE_METHOD_ROUTE)
		return fast_hand_on(ctx, family, p, &fib) ? way : 0;
	return fast_rewrite(ctx, family, p, &ends, &fib) ? way : 0;
}

/* Forwards a packet of a known connection and does what it does to the connection: as at TC, but for what is left to TC. */
always_inline int fast_forward(hook_ctx *ctx, const __u32 family, const struct packet *p, struct connection *c, __u32 ref,
			       __u32 side, const struct fast_device *in, __u32 *ifindex)
{
	const int reply = side == SLUICE_SIDE_REPLY, tcp = p->flow.protocol == IPPROTO_TCP;
	__u32 status = *(volatile __u32 *)&c->status, state = SLUICE_STATE_UDP;
	struct server *server = server_get(c->server);
	int way;

	if (!server || server->slot_state != SLUICE_SLOT_LIVE || status & SLUICE_STATUS_STREAM || (!reply && backup_rests()))
		return 0;
	/* to the director itself */
	if (reply && !connection_rewrites(c))
		return 0;
	if (tcp) {
		state = status & SLUICE_STATUS_STATE_MASK;
		if (connection_status_after(status, p, reply ? FROM_SERVER : FROM_CLIENT) != status)
			return 0;
	}
	way = fast_send(ctx, family, p, c, server, side, in, ifindex);
	if (!way)
		return 0;
	if (reply) {
		count_out(server, c->server, p->ip_len);
	} else {
		count_in(server, c->server, p->ip_len);
		c->in_packets++;
	}
	connection_touch(c, ref, server, state);
	if (tcp ? state == SLUICE_STATE_ESTABLISHED : reply)
		connection_assure_template(c);
	return way;
}

#endif
