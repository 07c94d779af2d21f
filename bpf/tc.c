/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door at TC ingress, and the complete path: a packet that came for this host is matched to a connection, or to a
 * virtual service for a new one, and leaves by the connection's forwarding method. All else passes untouched.
 */
#include "arrivals.h"
#include "fullnat.h"
#include "rates.h"
#include "schedulers.h"

/* Fills in the ports of fragments: the first one carries them, the later ones find them by the datagram's id. */
always_inline int fragment_ports(struct packet *p)
{
	struct fragment_key key = { p->flow.saddr[0], p->flow.daddr[0], p->id, p->flow.protocol, 0 };
	struct fragment_ports *known, ports = { p->flow.sport, p->flow.dport };

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

/* A server's packet on its way back to the client. */
always_inline int reply(hook_ctx *ctx, const struct packet *p, struct connection *c, __u32 ref)
{
	struct server *server = server_get(c->server);

	if (!server)
		return VERDICT_PASS;
	count_out(server, c->server, p->ip_len);
	if (!p->related)
		connection_advance(c, ref, server, p, FROM_SERVER);
	if (c->method == SLUICE_METHOD_FULLNAT)
		return xmit_full(ctx, p, ref, SLUICE_SIDE_REPLY);
	return xmit_nat(ctx, p, REWRITE_SOURCE, c->vaddr, c->vport);
}

/* A client's packet of a known connection. */
always_inline int request(hook_ctx *ctx, const struct packet *p, struct connection *c, __u32 ref)
{
	struct server *server = server_get(c->server);

	if (!server || server->slot_state != SLUICE_SLOT_LIVE)
		return drop(SLUICE_DROP_SERVER_GONE);
	count_in(server, c->server, p->ip_len);
	c->in_packets++;
	if (!p->related)
		connection_advance(c, ref, server, p, FROM_CLIENT);
	if (c->method == SLUICE_METHOD_FULLNAT)
		return xmit_full(ctx, p, ref, SLUICE_SIDE_REQUEST);
	return xmit_request(ctx, p, c, server);
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

#define FTP_DATA 20

/* Not a verdict: the packet has a connection now. */
#define CONNECTED 100

/* A client's packet that belongs to no connection: the start of one, if a service wants it. Returns CONNECTED or a verdict. */
verified_apart int begin(hook_ctx *ctx, const struct packet *p)
{
	const struct service_options *options;
	struct service *service;
	__u32 slot, pick, ref;

	if (!p || (p->flow.protocol == IPPROTO_TCP && (!p->syn || p->rst)))
		return VERDICT_PASS;
	/* FTP's data connections come from the servers: IPVS never schedules them */
	if (p->flow.sport == bpf_htons(FTP_DATA))
		return VERDICT_PASS;
	slot = service_find(p);
	if (!slot)
		return VERDICT_PASS;
	/* A VIP that another host has now is that host's: IPVS only sees what is addressed to this one. */
	if (route4_is_remote(ctx, p->flow.daddr[0]))
		return VERDICT_PASS;
	service = service_get(slot);
	if (!service)
		return VERDICT_PASS;
	options = service_options_get(service);
	pick = choose(options->scheduler, slot, p);
	if (!pick)
		return icmp_unreachable(ctx, SLUICE_DROP_NO_SERVER, ICMP_PORT_UNREACH, 0, 0);
	ref = connection_make(p, pick);
	if (!ref)
		return VERDICT_DROP;
	if (ref == NO_LOCAL_PORT)
		return icmp_unreachable(ctx, SLUICE_DROP_NO_LOCAL_PORT, ICMP_PORT_UNREACH, 0, 0);
	if (ref & MADE)
		count_connection(slot, pick);
	return CONNECTED;
}

always_inline int ipv4(hook_ctx *ctx)
{
	struct flow_entry *entry;
	struct connection *c;
	struct packet p;
	int verdict;
	__u32 ref;

	if (!packet_parse4(ctx, &p))
		return VERDICT_PASS;
	if (p.flow.protocol == IPPROTO_ICMP) {
		verdict = icmp_receive4(ctx, &p);
		if (verdict != RELATED)
			return verdict;
	} else {
		if (p.flow.protocol != IPPROTO_TCP && p.flow.protocol != IPPROTO_UDP)
			return VERDICT_PASS;
		if (p.frag & bpf_htons(IP_MF | IP_OFFSET) && !fragment_ports(&p))
			return VERDICT_PASS;
	}
	entry = flow_find(&p.flow);
	c = entry ? connection_of(SLUICE_FAMILY_INET, entry) : NULL;
	if (c) {
		ref = reference(SLUICE_FAMILY_INET, entry->connection);
		if ((entry->tag & 1) == SLUICE_SIDE_REPLY)
			return reply(ctx, &p, c, ref);
		if (!(p.syn && connection_is_over(c)))
			return request(ctx, &p, c, ref);
		/* port reuse: the old connection makes way, and this very packet is scheduled */
		event(SLUICE_EVENT_REUSED);
		connection_end(ref);
	}
	if (p.later_fragment)
		return VERDICT_PASS;
	verdict = begin(ctx, &p);
	if (verdict != CONNECTED)
		return verdict;
	entry = flow_find(&p.flow);
	c = entry ? connection_of(SLUICE_FAMILY_INET, entry) : NULL;
	return c ? request(ctx, &p, c, reference(SLUICE_FAMILY_INET, entry->connection)) : drop(SLUICE_DROP_COLLISION);
}

SEC("tc")
int sluice_tc(struct __sk_buff *ctx)
{
	if (packet_is_foreign(ctx))
		return VERDICT_PASS;
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		return ipv4(ctx);
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
