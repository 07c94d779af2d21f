/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door at TC ingress, and the complete path: a packet that came for this host is matched to a connection, or to a
 * virtual service for a new one, and leaves by the connection's forwarding method. All else passes untouched.
 */
#include "icmp_errors.h"
#include "rates.h"
#include "schedulers.h"

/* Fills in the ports of fragments: the first one carries them, the later ones find them by the datagram's id. */
always_inline int fragment_ports(struct packet4 *p)
{
	struct fragment_key key = { p->flow.saddr, p->flow.daddr, p->id, p->flow.protocol, 0 };
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

always_inline __u32 service_find4(const struct packet4 *p)
{
	struct service_key key = {};
	__u32 *slot;

	*(__be32 *)key.address = p->flow.daddr;
	key.port = p->flow.dport;
	key.protocol = p->flow.protocol;
	key.family = SLUICE_FAMILY_INET;
	slot = bpf_map_lookup_elem(&service_index, &key);
	return slot ? *slot : 0;
}

/* A server's packet on its way back to the client. */
always_inline int reply4(hook_ctx *ctx, const struct packet4 *p, const struct connection4 *side)
{
	struct flow4 request = side->peer;
	struct connection4 *c = bpf_map_lookup_elem(&flows4, &request);
	struct server *server;

	if (!c || c->kind != SLUICE_FLOW_KIND_REQUEST)
		return VERDICT_PASS;
	server = server_get(c->server);
	if (!server)
		return VERDICT_PASS;
	count_out(server, c->server, p->ip_len);
	if (!p->related)
		connection_advance(c, server, p, FROM_SERVER);
	return xmit_nat(ctx, p, REWRITE_SOURCE, request.daddr, request.dport);
}

/* A client's packet of a known connection. */
always_inline int request4(hook_ctx *ctx, const struct packet4 *p, struct connection4 *c)
{
	struct server *server = server_get(c->server);

	if (!server)
		return drop(SLUICE_DROP_SERVER_GONE);
	if (server->slot_state != SLUICE_SLOT_LIVE)
		return drop(SLUICE_DROP_SERVER_GONE);
	count_in(server, c->server, p->ip_len);
	if (!p->related)
		connection_advance(c, server, p, FROM_CLIENT);
	return xmit_request(ctx, p, c, server);
}

#define FTP_DATA 20

/* Not a verdict: the packet has a connection now. */
#define CONNECTED 100

/* A client's packet that belongs to no connection: the start of one, if a service wants it. Returns CONNECTED or a verdict. */
verified_apart int new4(hook_ctx *ctx, const struct packet4 *p)
{
	if (!p)
		return VERDICT_PASS;

	const struct service_options *options;
	struct connection4 *c;
	struct service *service;
	struct server *server;
	struct flow4 flow;
	__u32 slot, pick;
	int made = 0;

	if (p->flow.protocol == IPPROTO_TCP && (!p->syn || p->rst))
		return VERDICT_PASS;
	/* FTP's data connections come from the servers: IPVS never schedules them */
	if (p->flow.sport == bpf_htons(FTP_DATA))
		return VERDICT_PASS;
	slot = service_find4(p);
	if (!slot)
		return VERDICT_PASS;
	/* A VIP that another host has now is that host's: IPVS only sees what is addressed to this one. */
	if (route4_is_remote(ctx, p->flow.daddr))
		return VERDICT_PASS;
	service = service_get(slot);
	if (!service)
		return VERDICT_PASS;
	options = service_options_get(service);
	pick = schedule(options->scheduler, slot);
	server = pick ? server_get(pick) : NULL;
	if (!server)
		return icmp_unreachable(ctx, SLUICE_DROP_NO_SERVER, ICMP_PORT_UNREACH, 0, 0);
	/* on the stack: before 6.2 a key may not be in memory that an argument points to */
	flow = p->flow;
	c = connection_new(&flow, pick, server, &made);
	if (!c)
		return VERDICT_DROP;
	if (made)
		count_connection(slot, pick);
	return CONNECTED;
}

always_inline int ipv4(hook_ctx *ctx)
{
	struct packet4 p;
	struct connection4 *c;
	int verdict;

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
	c = bpf_map_lookup_elem(&flows4, &p.flow);
	if (c) {
		if (c->kind == SLUICE_FLOW_KIND_REPLY)
			return reply4(ctx, &p, c);
		if (!(c->status & SLUICE_STATUS_DEAD)) {
			if (!(p.syn && connection_is_over(c)))
				return request4(ctx, &p, c);
			/* port reuse: the old connection makes way, and this very packet is scheduled */
			event(SLUICE_EVENT_REUSED);
			connection_end(&p.flow, c);
		}
	}
	if (p.later_fragment)
		return VERDICT_PASS;
	verdict = new4(ctx, &p);
	if (verdict != CONNECTED)
		return verdict;
	c = bpf_map_lookup_elem(&flows4, &p.flow);
	return c ? request4(ctx, &p, c) : drop(SLUICE_DROP_TABLE_FULL);
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

/* Run by the loader before any packet, until it returns 0: starts the sweeper and the estimator. Returns what the timers' functions say. */
SEC("tc")
int sluice_start(struct __sk_buff *ctx)
{
	__u32 zero = 0;
	struct sweeper *s = bpf_map_lookup_elem(&sweeper, &zero);
	long rc;

	(void)ctx;
	if (!s)
		return 1;
	rc = estimator_start();
	if (rc)
		return rc;
	rc = bpf_timer_init(&s->timer, &sweeper, CLOCK_MONOTONIC);
	if (rc)
		return rc;
	rc = bpf_timer_set_callback(&s->timer, sweep);
	return rc ? rc : bpf_timer_start(&s->timer, SECOND, 0);
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
