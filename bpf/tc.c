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
#include "parse6.h"
#include "persist.h"
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
	if (!known) {
		event(SLUICE_EVENT_UNKNOWN_FRAGMENT);
		return 0;
	}
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
	if (!known) {
		event(SLUICE_EVENT_UNKNOWN_FRAGMENT);
		return 0;
	}
	p->flow.sport = known->sport;
	p->flow.dport = known->dport;
	p->flow.protocol = known->protocol;
	return 1;
}

/* A packet of a connection whose bytes the director changes. Full NAT translates its numbers when it has a route. */
always_inline int change(hook_ctx *ctx, const __u32 family, struct packet *p, const struct connection *c, __u32 ref,
			 __u32 side)
{
	if (family == SLUICE_FAMILY_INET6) {
		ftp_packet6(ctx, p, ref, side);
		return 1;
	}
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
	/* met a second time: it is where route_to_self has sent it */
	if (!connection_rewrites(c) && CTX_LOAD(ctx, ifindex) == LOOPBACK_IFINDEX)
		return VERDICT_PASS;
	count_out(server, c->server, p->ip_len);
	if (!p->related)
		connection_advance(c, ref, server, p, FROM_SERVER);
	/* it comes from the VIP, which is an address of this host */
	if (!connection_rewrites(c))
		return route_to_self(ctx);
	if (c->status & SLUICE_STATUS_STREAM && !change(ctx, family, p, c, ref, SLUICE_SIDE_REPLY))
		return drop(SLUICE_DROP_MALFORMED);
	if (family == SLUICE_FAMILY_INET6 && c->method == SLUICE_METHOD_FULLNAT)
		return xmit_full6(ctx, p, ref, SLUICE_SIDE_REPLY);
	if (family == SLUICE_FAMILY_INET6)
		return xmit_nat6(ctx, p, REWRITE_SOURCE, (void *)((struct connection6 *)c)->vaddr, c->vport);
	if (c->method == SLUICE_METHOD_FULLNAT)
		return xmit_full(ctx, p, ref, SLUICE_SIDE_REPLY);
	return xmit_nat(ctx, p, REWRITE_SOURCE, c->vaddr, c->vport);
}

/* A packet of a connection without a server (cache_bypass) goes on to where it was going. */
always_inline int bypass(hook_ctx *ctx, const __u32 family, struct packet *p, struct connection *c, __u32 ref,
			 struct server *nobody)
{
	c->in_packets++;
	if (!p->related && ref)
		connection_advance(c, ref, nobody, p, FROM_CLIENT);
	return family == SLUICE_FAMILY_INET6 ? xmit_route6(ctx, p, (const struct address6 *)p->flow.daddr) :
					       xmit_route(ctx, p, p->flow.daddr[0]);
}

/* A client's packet of a known connection; `ref` is 0 for one that goes without. Returns GONE where it
 * has to end because its server was deleted (expire_nodest_conn). */
always_inline int request(hook_ctx *ctx, const __u32 family, struct packet *p, struct connection *c, __u32 ref)
{
	struct server *server = server_get(c->server);

	if (server && c->method == SLUICE_METHOD_BYPASS)
		return bypass(ctx, family, p, c, ref, server);
	if (!server || server->slot_state != SLUICE_SLOT_LIVE)
		return ref && !p->related && sysctl_get(SLUICE_SYSCTL_EXPIRE_NODEST_CONN) ? GONE : drop(SLUICE_DROP_SERVER_GONE);
	count_in(server, c->server, p->ip_len);
	c->in_packets++;
	if (!p->related && ref)
		connection_advance(c, ref, server, p, FROM_CLIENT);
	if (c->status & SLUICE_STATUS_STREAM && !change(ctx, family, p, c, ref, SLUICE_SIDE_REQUEST))
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

/*
 * Is the director the client, by an address that its server answers to directly? The replies come from the VIP, which the
 * stack takes of its own accord from nobody where the VIP is its own.
 */
always_inline int is_own(hook_ctx *ctx, const struct packet *p, __u32 method)
{
	return CTX_LOAD(ctx, ifindex) == LOOPBACK_IFINDEX && !p->related &&
	       (method == SLUICE_METHOD_ROUTE || method == SLUICE_METHOD_TUNNEL) && !is_remote(ctx, &p->flow);
}

always_inline struct picked *picked_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&picked, &zero);
}

/* Does a packet that no server takes go on to its own destination (cache_bypass)? */
always_inline int may_bypass(hook_ctx *ctx, const struct packet *p, const struct service *service)
{
	return service->key.fwmark && sysctl_get(SLUICE_SYSCTL_CACHE_BYPASS) && is_remote(ctx, &p->flow);
}

/* No server takes the packet. What may be the data of an FTP service and is none is left to the stack, as by IPVS. */
always_inline int refuse(struct packet *p, const struct service *service)
{
	if (service->key.port == bpf_htons(FTP_PORT) && p->flow.dport != bpf_htons(FTP_PORT))
		return VERDICT_PASS;
	/* nobody is told of an error about an error */
	if (p->related)
		return drop(SLUICE_DROP_NO_SERVER);
	if (p->flow.family == SLUICE_FAMILY_INET6)
		return icmp6_unreachable(p, SLUICE_DROP_NO_SERVER, ICMP6_PORT_UNREACH);
	return icmp_unreachable(p, SLUICE_DROP_NO_SERVER, ICMP_PORT_UNREACH, 0);
}

/*
 * A stream begins with its own kind of packet, unless it is to be taken up in the middle (sloppy_tcp, sloppy_sctp), or what
 * is scheduled is an ICMP error about it (schedule_icmp).
 */
always_inline int may_begin(const struct packet *p)
{
	if (p->related)
		return 1;
	switch (p->flow.protocol) {
	case IPPROTO_TCP:
		return !p->rst && (p->syn || sysctl_get(SLUICE_SYSCTL_SLOPPY_TCP));
	case IPPROTO_SCTP:
		return !p->rst && (p->syn || sysctl_get(SLUICE_SYSCTL_SLOPPY_SCTP));
	}
	return 1;
}

/*
 * A client's packet that belongs to no connection: the start of one, if a service wants it. Returns ANSWER, a verdict, or
 * PICKED or SINGLE with its pick in this CPU's `picked`. It makes no connection itself, so that its own stack is free when one is
 * made.
 */
verified_apart int begin(hook_ctx *ctx, struct packet *p)
{
	__u32 slot, pick, port, held = 0, persistent;
	const struct service_options *options;
	struct connection *template = NULL;
	struct service *service;
	struct picked *choice;
	struct server *server;

	if (!p || !may_begin(p))
		return VERDICT_PASS;
	/* FTP's data connections come from the servers: IPVS never schedules them */
	if (p->flow.sport == bpf_htons(FTP_DATA_PORT))
		return VERDICT_PASS;
	slot = service_find(ctx, p);
	service = slot ? service_get(slot) : NULL;
	if (!service || !is_routable(&p->flow))
		return VERDICT_PASS;
	/*
	 * A VIP that another host has now is that host's: IPVS only sees what is addressed to this one. A mark says by itself
	 * that the packet is to be balanced.
	 */
	if (!service->key.fwmark && is_remote(ctx, &p->flow))
		return VERDICT_PASS;
	if (defence_drops())
		return drop(SLUICE_DROP_DEFENCE);
	options = service_options_get(service);
	persistent = options->flags & SLUICE_SERVICE_FLAG_PERSISTENT;
	if (!persistent && !service->key.fwmark && p->flow.dport != service->key.port)
		return refuse(p, service);
	if (persistent) {
		if (options->engine != SLUICE_ENGINE_NONE && !sip_read(ctx, p))
			return drop(SLUICE_DROP_NO_CALL);
		held = template_find(p, slot);
	}
	if (!held) {
		pick = choose(options->scheduler, slot, p);
		if (!pick && !may_bypass(ctx, p, service))
			return refuse(p, service);
		if (pick && persistent) {
			held = template_make(p, slot, pick);
			if (!held)
				return VERDICT_DROP;
		}
	}
	if (held) {
		template = connection_get(held);
		if (!template)
			return VERDICT_DROP;
		pick = template->server;
	}
	server = server_get(pick);
	/* persistent connections to other ports than the service's keep them */
	port = p->flow.dport;
	if (server && server->port && (!persistent || port == service->key.port))
		port = server->port;
	choice = picked_get();
	if (!choice || !server)
		return VERDICT_DROP;
	choice->connection.server = pick;
	choice->connection.dport = pick ? port : 0;
	choice->connection.method = pick ? server_options_get(server)->method : SLUICE_METHOD_BYPASS;
	choice->connection.parent = held >> REFERENCE_SHIFT;
	choice->connection.local = pick && is_own(ctx, p, choice->connection.method);
	choice->service = slot;
	/* full NAT has no replies but those of its connections */
	if (!(options->flags & SLUICE_SERVICE_FLAG_ONE_PACKET) || p->flow.protocol != IPPROTO_UDP ||
	    choice->connection.method == SLUICE_METHOD_FULLNAT)
		return PICKED;
	if (template)
		template_release(template);
	if (pick)
		count_connection(slot, pick);
	return SINGLE;
}

/* Makes the connection of a packet with a pick. Returns CONNECTED; or ANSWER or a verdict: it cannot be. */
always_inline int connect(struct packet *p)
{
	struct picked *choice = picked_get();
	struct connection *template;
	__u32 ref, parent;

	if (!choice)
		return VERDICT_DROP;
	parent = choice->connection.parent;
	make_room(p->flow.family);
	ref = connection_make(p, choice->connection.server,
			      choice->connection.dport | (__u32)choice->connection.local << 16, parent);
	if (ref & MADE) {
		if (choice->connection.server)
			count_connection(choice->service, choice->connection.server);
		return CONNECTED;
	}
	template = parent ? connection_get(reference(p->flow.family, parent)) : NULL;
	if (template)
		template_release(template);
	if (ref == NO_LOCAL_PORT && p->related)
		return drop(SLUICE_DROP_NO_LOCAL_PORT);
	if (ref == NO_LOCAL_PORT && p->flow.family == SLUICE_FAMILY_INET6)
		return icmp6_unreachable(p, SLUICE_DROP_NO_LOCAL_PORT, ICMP6_PORT_UNREACH);
	if (ref == NO_LOCAL_PORT)
		return icmp_unreachable(p, SLUICE_DROP_NO_LOCAL_PORT, ICMP_PORT_UNREACH, 0);
	return ref ? CONNECTED : VERDICT_DROP;
}

/* Has the old connection of a packet with a pick become its new one? */
always_inline int reconnect(const struct packet *p, __u32 old)
{
	struct picked *choice = picked_get();

	if (!p->syn || !choice || choice->connection.local ||
	    !connection_renew(old, choice->connection.server, choice->connection.dport, choice->connection.parent))
		return 0;
	count_connection(choice->service, choice->connection.server);
	return 1;
}

/* Makes the connection of a packet with a pick in the place of an old one. Returns as connect does. */
always_inline int connect_again(struct packet *p, __u32 old)
{
	struct picked *choice = picked_get();
	struct server *server = choice ? server_get(choice->connection.server) : NULL;
	int verdict = CONNECTED;

	/* as in IPVS, the server has both for a moment, which may overload it */
	if (server)
		server_bind(server);
	if (!reconnect(p, old)) {
		connection_end(old);
		verdict = connect(p);
	}
	if (server)
		server_unbind(server, SLUICE_STATUS_INACTIVE);
	return verdict;
}

struct server_walk {
	const struct packet *packet;
	__u32 found;
};

/* Is the packet one of this server's, of NAT? */
static long server_step(__u32 i, struct server_walk *walk)
{
	const struct server *server = server_get(i + 1);
	const struct flow *flow = &walk->packet->flow;
	const struct service *service;

	if (!server || server->slot_state != SLUICE_SLOT_LIVE || server->port != flow->sport || server->family != flow->family ||
	    server_options_get(server)->method != SLUICE_METHOD_MASQ ||
	    !address6_equal((const void *)server->address, (const void *)flow->saddr))
		return 0;
	service = service_get(server->service);
	walk->found = service && (service->key.fwmark || service->key.protocol == flow->protocol);
	return walk->found;
}

/*
 * Is it a real server's packet of no connection, about which the server is to be told (nat_icmp_send)? Goes through all
 * servers, which costs nothing where the parameter is 0.
 */
verified_apart int is_stray(const struct packet *p)
{
	const struct settings *s = settings_get();
	struct server_walk walk = { p, 0 };

	if (!p || !s || p->related || p->later_fragment || p->rst || p->flow.protocol == IPPROTO_ICMP)
		return 0;
	bpf_loop(s->server_top, server_step, &walk, 0);
	return walk.found;
}

/* May it begin a data connection that a server has announced? Servers announce no privileged port. */
always_inline int may_be_ftp(const struct packet *p)
{
	return p->flow.protocol == IPPROTO_TCP && p->syn && !p->rst && bpf_ntohs(p->flow.dport) >= UNPRIVILEGED_PORT &&
	       p->flow.sport != bpf_htons(FTP_DATA_PORT);
}

#define ISAKMP 500

/* Reads by which connection a packet is to be found. Returns TOLD, TUNNELLED, ANSWER or a verdict. */
always_inline int tell(hook_ctx *ctx, const __u32 family, struct packet *p)
{
	const __u32 six = family == SLUICE_FAMILY_INET6;
	int verdict;

	if (!(six ? packet_parse6(ctx, p) : packet_parse4(ctx, p)))
		return VERDICT_PASS;
	/* nearly all packets: none of what follows is about them */
	if (!(p->frag & bpf_htons(IP_MF | IP_OFFSET)) && (p->flow.protocol == IPPROTO_TCP || p->flow.protocol == IPPROTO_UDP))
		return TOLD;
	if (p->flow.protocol == (six ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
		verdict = six ? icmp_receive6(ctx, p) : icmp_receive4(ctx, p);
		return verdict == RELATED ? TOLD : verdict;
	}
	if (p->flow.protocol == IPPROTO_ESP || p->flow.protocol == IPPROTO_AH) {
		/* they follow the key exchange of the same two hosts, and have no ports to rewrite */
		p->flow.protocol = IPPROTO_UDP;
		p->flow.sport = p->flow.dport = bpf_htons(ISAKMP);
		p->later_fragment = 1;
		return TOLD;
	}
	if (p->frag & bpf_htons(IP_MF | IP_OFFSET) && !(six ? fragment_ports6(p) : fragment_ports4(p)))
		return VERDICT_PASS;
	if (p->flow.protocol != IPPROTO_TCP && p->flow.protocol != IPPROTO_UDP && p->flow.protocol != IPPROTO_SCTP)
		return VERDICT_PASS;
	return TOLD;
}

/* Sets *back to the connection of a reply. Returns ANSWER or a verdict. */
always_inline int lead(hook_ctx *ctx, const __u32 family, struct packet *p, struct connection **back)
{
	const __u32 six = family == SLUICE_FAMILY_INET6;
	struct flow_entry *entry;
	struct picked *choice;
	struct connection *c;
	__u32 ref, old = 0;
	int verdict;

	verdict = tell(ctx, family, p);
	if (verdict == TUNNELLED)
		return six ? icmp_error_tunnel6(ctx, p) : icmp_error_tunnel4(ctx, p);
	if (verdict != TOLD)
		return verdict;
	entry = flow_find_of(family, &p->flow);
	if (turn_is_held(SLUICE_HOLD_PACKETS))
		return entry || service_find(ctx, p) ? drop(SLUICE_DROP_UPGRADE) : VERDICT_PASS;
	c = entry ? connection_of(family, entry) : NULL;
	if (c) {
		ref = reference(family, entry->connection);
		if ((entry->tag & 1) == SLUICE_SIDE_REPLY) {
			/* with full NAT the server knows of the director's own address alone */
			*back = c->method == SLUICE_METHOD_FULLNAT ? NULL : c;
			return reply(ctx, family, p, c, ref);
		}
	}
	if (!c && sysctl_get(SLUICE_SYSCTL_NAT_ICMP_SEND) && is_stray(p))
		return six ? icmp6_unreachable(p, SLUICE_DROP_NO_CONNECTION, ICMP6_PORT_UNREACH) :
			     icmp_unreachable(p, SLUICE_DROP_NO_CONNECTION, ICMP_PORT_UNREACH, 0);
	if (backup_rests())
		return VERDICT_PASS;
	if (c) {
		ref = reference(family, entry->connection);
		if (!p->syn || p->related || !connection_gives_way(ref)) {
			verdict = request(ctx, family, p, c, ref);
			if (verdict != GONE)
				return verdict;
		}
		/* port reuse: the old connection makes way, and this very packet is scheduled */
		event(SLUICE_EVENT_REUSED);
		old = ref;
	}
	if (p->later_fragment && !p->related)
		return VERDICT_PASS;
	if (may_be_ftp(p) && ftp_expected(p)) {
		if (old)
			connection_end(old);
		verdict = ftp_open(p) ? CONNECTED : VERDICT_DROP;
	} else {
		verdict = begin(ctx, p);
		/* as in IPVS, the scheduler has still counted it */
		if (old && verdict == PICKED)
			verdict = connect_again(p, old);
		else if (old)
			connection_end(old);
	}
	/* no service of ours was quoted: it may still be a tunnel of ours */
	if (p->related && verdict == VERDICT_PASS && p->flow.protocol == IPPROTO_UDP)
		return six ? icmp_error_tunnel6(ctx, p) : icmp_error_tunnel4(ctx, p);
	if (verdict == SINGLE) {
		if (p->related)
			return drop(SLUICE_DROP_NO_SERVER);
		/* its connection lasts for this packet, so no reply finds it: with NAT, replies leave as their server sent them */
		choice = picked_get();
		return choice ? request(ctx, family, p, &choice->connection, 0) : drop(SLUICE_DROP_SERVER_GONE);
	}
	if (verdict == PICKED)
		verdict = connect(p);
	if (verdict != CONNECTED)
		return verdict;
	/* it comes in again, as an error about a connection that there is */
	if (p->related)
		return bpf_redirect(CTX_LOAD(ctx, ifindex), BPF_F_INGRESS);
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
	if (turn_is_over()) {
		bpf_tail_call(ctx, &successors, SLUICE_SUCCESSOR_INGRESS);
		return drop(SLUICE_DROP_UPGRADE);
	}
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		return forward(ctx, SLUICE_FAMILY_INET);
	if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		return forward(ctx, SLUICE_FAMILY_INET6);
	return VERDICT_PASS;
}

/* A packet that this host's stack is just sending. */
always_inline int send_out(hook_ctx *ctx, const __u32 family)
{
	struct flow_entry *entry;
	struct server *server;
	struct connection *c;
	struct packet p;
	int verdict;

	verdict = tell(ctx, family, &p);
	if (verdict != TOLD)
		return verdict == TUNNELLED ? VERDICT_PASS : verdict;
	entry = flow_find_of(family, &p.flow);
	if (entry && turn_is_held(SLUICE_HOLD_PACKETS))
		return drop(SLUICE_DROP_UPGRADE);
	c = entry && (entry->tag & 1) == SLUICE_SIDE_REPLY ? connection_of(family, entry) : NULL;
	if (!c || c->method != SLUICE_METHOD_MASQ)
		return VERDICT_PASS;
	server = server_get(c->server);
	if (!server || !server_options_get(server)->local)
		return VERDICT_PASS;
	count_out(server, c->server, p.ip_len);
	if (!p.related)
		connection_advance(c, reference(family, entry->connection), server, &p, FROM_SERVER);
	if (family == SLUICE_FAMILY_INET6)
		return xmit_nat_own6(ctx, &p, (void *)((struct connection6 *)c)->vaddr, c->vport);
	return xmit_nat_own(ctx, &p, c->vaddr, c->vport);
}

/*
 * At TC egress, while a server of NAT is the director itself: that server's packets come out of the director's own stack,
 * so this is where they are first met.
 */
SEC("tc")
int sluice_tc_out(struct __sk_buff *ctx)
{
	if (ctx->vlan_present)
		return VERDICT_PASS;
	if (turn_is_over()) {
		bpf_tail_call(ctx, &successors, SLUICE_SUCCESSOR_EGRESS);
		return drop(SLUICE_DROP_UPGRADE);
	}
	if (ctx->protocol == bpf_htons(ETH_P_IP))
		return send_out(ctx, SLUICE_FAMILY_INET);
	if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		return send_out(ctx, SLUICE_FAMILY_INET6);
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
