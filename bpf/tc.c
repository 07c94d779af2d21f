/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door at TC ingress, and the complete path: a packet that came for this host is matched to a connection, or to a
 * virtual service for a new one, and leaves by the connection's forwarding method. All else passes untouched.
 */
#include "arrivals.h"
#include "ftp.h"
#include "fullnat.h"
#include "icmp6_errors.h"
#include "methods.h"
#include "rates.h"
#include "schedulers.h"

/*
 * One source for both families: `family` is known when this is compiled, in sluice_tc twice, so that neither costs the
 * other an instruction.
 */

/* Fills in the ports of fragments: the first one carries them, the later ones find them by the datagram's id. */
verified_apart int fragment_ports4(struct packet *p)
{
	struct fragment_ports *known, ports;
	struct fragment_key key;

	if (!p)
		return 0;
	key = (struct fragment_key){ p->flow.saddr[0], p->flow.daddr[0], p->id, p->flow.protocol, 0 };
	ports = (struct fragment_ports){ p->flow.sport, p->flow.dport };
	if (!p->later_fragment) {
		bpf_map_update_elem(&fragments4, &key, &ports, BPF_ANY);
		return 1;
	}
	known = bpf_map_lookup_elem(&fragments4, &key);
	if (!known)
		return 0;
	p->flow.sport = known->sport;
	p->flow.dport = known->dport;
	return 1;
}

/* Of IPv6 only the first fragment tells the protocol. */
verified_apart int fragment_ports6(struct packet *p)
{
	struct fragment6_ports *known, ports;
	struct fragment6_key key;

	if (!p)
		return 0;
	ports = (struct fragment6_ports){ p->flow.sport, p->flow.dport, p->flow.protocol, {} };
	__builtin_memcpy(key.saddr, p->flow.saddr, sizeof(key.saddr));
	__builtin_memcpy(key.daddr, p->flow.daddr, sizeof(key.daddr));
	key.id = p->id;
	if (!p->later_fragment) {
		bpf_map_update_elem(&fragments6, &key, &ports, BPF_ANY);
		return 1;
	}
	known = bpf_map_lookup_elem(&fragments6, &key);
	if (!known)
		return 0;
	p->flow.sport = known->sport;
	p->flow.dport = known->dport;
	p->flow.protocol = known->protocol;
	return 1;
}

always_inline __u32 service_find(const struct packet *p)
{
	struct service_key key = {};
	__u32 *slot;

	__builtin_memcpy(key.address, p->flow.daddr, sizeof(key.address));
	key.port = p->flow.dport;
	key.protocol = p->flow.protocol;
	key.family = p->flow.family;
	slot = bpf_map_lookup_elem(&service_index, &key);
	return slot ? *slot : 0;
}

/* A packet of a connection whose bytes the director changes. Full NAT translates its numbers when it has a route. */
always_inline int change(hook_ctx *ctx, struct packet *p, const struct connection *c, __u32 ref, __u32 side)
{
	if (!ftp_packet(ctx, p, ref, side))
		return 0;
	return c->method == SLUICE_METHOD_FULLNAT || p->related || stream_translate(ctx, p, ref, side) >= 0;
}

/* A server's packet on its way back to the client. */
always_inline int reply(hook_ctx *ctx, const __u32 family, struct packet *p, struct connection *c, __u32 ref)
{
	struct server *server = server_get(c->server);

	if (!server)
		return VERDICT_PASS;
	count_out(server, c->server, p->ip_len);
	if (!p->related)
		connection_advance(c, ref, server, p, FROM_SERVER);
	if (family == SLUICE_FAMILY_INET && c->status & SLUICE_STATUS_STREAM && !change(ctx, p, c, ref, SLUICE_SIDE_REPLY))
		return drop(SLUICE_DROP_MALFORMED);
	if (family == SLUICE_FAMILY_INET6 && c->method == SLUICE_METHOD_FULLNAT)
		return xmit_full6(ctx, p, ref, SLUICE_SIDE_REPLY);
	if (family == SLUICE_FAMILY_INET6)
		return xmit_nat6(ctx, p, REWRITE_SOURCE, (void *)((struct connection6 *)c)->vaddr, c->vport);
	if (c->method == SLUICE_METHOD_FULLNAT)
		return xmit_full(ctx, p, ref, SLUICE_SIDE_REPLY);
	return xmit_nat(ctx, p, REWRITE_SOURCE, c->vaddr, c->vport);
}

/* A client's packet of a known connection. */
always_inline int request(hook_ctx *ctx, const __u32 family, struct packet *p, struct connection *c, __u32 ref)
{
	struct server *server = server_get(c->server);

	if (!server || server->slot_state != SLUICE_SLOT_LIVE)
		return drop(SLUICE_DROP_SERVER_GONE);
	count_in(server, c->server, p->ip_len);
	c->in_packets++;
	if (!p->related)
		connection_advance(c, ref, server, p, FROM_CLIENT);
	if (family == SLUICE_FAMILY_INET && c->status & SLUICE_STATUS_STREAM && !change(ctx, p, c, ref, SLUICE_SIDE_REQUEST))
		return drop(SLUICE_DROP_MALFORMED);
	if (family == SLUICE_FAMILY_INET6 && c->method == SLUICE_METHOD_FULLNAT)
		return xmit_full6(ctx, p, ref, SLUICE_SIDE_REQUEST);
	if (c->method == SLUICE_METHOD_FULLNAT)
		return xmit_full(ctx, p, ref, SLUICE_SIDE_REQUEST);
	return xmit_request(ctx, family, p, c, server);
}

/* Apart, so that what it needs on the stack is gone again when its caller answers the client. */
static __attribute__((noinline)) __u32 choose(__u32 scheduler, __u32 slot, const struct packet *p)
{
	struct pick_for who = {
		.sport = p->flow.sport,
		.dport = p->flow.dport,
		.protocol = p->flow.protocol,
		.family = p->flow.family,
	};

	__builtin_memcpy(who.saddr, p->flow.saddr, sizeof(who.saddr));
	__builtin_memcpy(who.daddr, p->flow.daddr, sizeof(who.daddr));
	return schedule(scheduler, slot, &who);
}

always_inline int is_remote(hook_ctx *ctx, const struct flow *flow)
{
	struct address6 daddr;

	if (flow->family == SLUICE_FAMILY_INET)
		return route4_is_remote(ctx, flow->daddr[0]);
	__builtin_memcpy(&daddr, flow->daddr, sizeof(daddr));
	return route6_is_remote(ctx, &daddr);
}

/* Nobody could answer a link-local address through the director. */
always_inline int is_routable(const struct flow *flow)
{
	return flow->family == SLUICE_FAMILY_INET || address6_is_routable((const void *)flow->saddr);
}

/* A client's packet that belongs to no connection: the start of one, if a service wants it. Returns CONNECTED, ANSWER or a verdict. */
verified_apart int begin(hook_ctx *ctx, struct packet *p)
{
	const struct service_options *options;
	struct service *service;
	struct server *server;
	__u32 slot, pick, ref;

	if (!p || (p->flow.protocol == IPPROTO_TCP && (!p->syn || p->rst)))
		return VERDICT_PASS;
	/* FTP's data connections come from the servers: IPVS never schedules them */
	if (p->flow.sport == bpf_htons(FTP_DATA_PORT))
		return VERDICT_PASS;
	/* servers announce no privileged port */
	if (p->flow.family == SLUICE_FAMILY_INET && p->flow.protocol == IPPROTO_TCP && bpf_ntohs(p->flow.dport) >= 1024 &&
	    ftp_open(p))
		return CONNECTED;
	slot = service_find(p);
	if (!slot || !is_routable(&p->flow))
		return VERDICT_PASS;
	/* A VIP that another host has now is that host's: IPVS only sees what is addressed to this one. */
	if (is_remote(ctx, &p->flow))
		return VERDICT_PASS;
	service = service_get(slot);
	if (!service)
		return VERDICT_PASS;
	options = service_options_get(service);
	pick = choose(options->scheduler, slot, p);
	if (!pick && p->flow.family == SLUICE_FAMILY_INET6)
		return icmp6_unreachable(p, SLUICE_DROP_NO_SERVER, ICMP6_PORT_UNREACH);
	if (!pick)
		return icmp_unreachable(p, SLUICE_DROP_NO_SERVER, ICMP_PORT_UNREACH, 0);
	server = server_get(pick);
	ref = connection_make(p, pick, server && server->port ? server->port : p->flow.dport, 0);
	if (!ref)
		return VERDICT_DROP;
	if (ref == NO_LOCAL_PORT && p->flow.family == SLUICE_FAMILY_INET6)
		return icmp6_unreachable(p, SLUICE_DROP_NO_LOCAL_PORT, ICMP6_PORT_UNREACH);
	if (ref == NO_LOCAL_PORT)
		return icmp_unreachable(p, SLUICE_DROP_NO_LOCAL_PORT, ICMP_PORT_UNREACH, 0);
	if (ref & MADE)
		count_connection(slot, pick);
	return CONNECTED;
}

/* Sets *back to the connection of a reply. Returns ANSWER or a verdict. */
always_inline int lead(hook_ctx *ctx, const __u32 family, struct packet *p, struct connection **back)
{
	const __u32 six = family == SLUICE_FAMILY_INET6;
	struct flow_entry *entry;
	struct connection *c;
	int verdict;
	__u32 ref;

	if (!(six ? packet_parse6(ctx, p) : packet_parse4(ctx, p)))
		return VERDICT_PASS;
	if (p->flow.protocol == (six ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
		verdict = six ? icmp_receive6(ctx, p) : icmp_receive4(ctx, p);
		if (verdict == TUNNELLED)
			return six ? icmp_error_tunnel6(ctx, p) : icmp_error_tunnel4(ctx, p);
		if (verdict != RELATED)
			return verdict;
	} else {
		if (p->frag & bpf_htons(IP_MF | IP_OFFSET) && !(six ? fragment_ports6(p) : fragment_ports4(p)))
			return VERDICT_PASS;
		if (p->flow.protocol != IPPROTO_TCP && p->flow.protocol != IPPROTO_UDP)
			return VERDICT_PASS;
	}
	entry = flow_find_of(family, &p->flow);
	c = entry ? connection_of(family, entry) : NULL;
	if (c) {
		ref = reference(family, entry->connection);
		if ((entry->tag & 1) == SLUICE_SIDE_REPLY) {
			/* with full NAT the server knows of the director's own address alone */
			*back = c->method == SLUICE_METHOD_FULLNAT ? NULL : c;
			return reply(ctx, family, p, c, ref);
		}
		if (!(p->syn && connection_is_over(c)))
			return request(ctx, family, p, c, ref);
		/* port reuse: the old connection makes way, and this very packet is scheduled */
		event(SLUICE_EVENT_REUSED);
		connection_end(ref);
	}
	if (p->later_fragment)
		return VERDICT_PASS;
	verdict = begin(ctx, p);
	if (verdict != CONNECTED)
		return verdict;
	entry = flow_find_of(family, &p->flow);
	c = entry ? connection_of(family, entry) : NULL;
	return c ? request(ctx, family, p, c, reference(family, entry->connection)) : drop(SLUICE_DROP_COLLISION);
}

always_inline int forward(hook_ctx *ctx, const __u32 family)
{
	struct connection *back = NULL;
	struct packet p;
	int verdict = lead(ctx, family, &p, &back);

	if (verdict != ANSWER)
		return verdict;
	/* the server hears it from the virtual service, which is who it talks to for all that the client knows */
	if (p.flow.family == SLUICE_FAMILY_INET)
		return icmp_send4(ctx, &p, back ? back->vaddr : 0);
	return icmp_send6(ctx, &p, back && family == SLUICE_FAMILY_INET6 ? (void *)((struct connection6 *)back)->vaddr : NULL);
}

SEC("tc")
int sluice_tc(struct __sk_buff *ctx)
{
	if (packet_is_foreign(ctx))
		return VERDICT_PASS;
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		return forward(ctx, SLUICE_FAMILY_INET);
	if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		return forward(ctx, SLUICE_FAMILY_INET6);
	return VERDICT_PASS;
}

/* Run by the loader before any packet, until it returns 0: starts the wheel and the estimator. Returns what the timers' functions say. */
SEC("tc")
int sluice_start(struct __sk_buff *ctx)
{
	long rc = estimator_start();

	(void)ctx;
	if (!rc)
		rc = locality_start();
	return rc ? rc : wheel_start();
}

/*
 * Steers nothing: its pinned link to the network namespace reports an inode of 0 once that namespace is gone, which is
 * how other namespaces' commands find the table that it left behind.
 */
SEC("sk_lookup")
int sluice_netns(struct bpf_sk_lookup *ctx)
{
	(void)ctx;
	return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
