/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Persistence: a template remembers which server a client of a persistent service was given, and all its connections go
 * there while it lives. It counts the connections that were made by it and outlives them.
 *
 * Whoever makes a connection holds the template, by one more child, from the moment it found it. A template ends only
 * without children: see connection_end().
 */
#ifndef SLUICE_PERSIST_H
#define SLUICE_PERSIST_H

#include "life.h"
#include "service.h"
#include "sip.h"

/* The port that stands in a template whose server can no longer be used, as in IPVS. */
#define INVALID_PORT 0xffff

/*
 * The flow by which a client's template is known: its network, and the virtual address and port. All ports of a service
 * without one share a template, and so do FTP's port and those of its data; a firewall mark stands in the address's place,
 * for all protocols.
 */
always_inline void template_flow(const struct packet *p, const struct service *service,
				 const struct service_options *options, struct flow *flow)
{
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->family = p->flow.family;
	flow->kind = SLUICE_KIND_TEMPLATE;
	if (flow->family == SLUICE_FAMILY_INET) {
		flow->saddr[0] = p->flow.saddr[0] & options->netmask;
	} else {
		for (int i = 0; i < 4; i++) {
			__u32 before = i * 32, bits = options->prefix > before ? options->prefix - before : 0;

			flow->saddr[i] = p->flow.saddr[i] &
					 (bits >= 32 ? 0xffffffff : bpf_htonl((__u32)(0xffffffff00000000ULL >> bits)));
		}
	}
	if (service->key.fwmark) {
		flow->daddr[0] = bpf_htonl(service->key.fwmark);
		return;
	}
	flow->protocol = p->flow.protocol;
	__builtin_memcpy(flow->daddr, p->flow.daddr, sizeof(flow->daddr));
	if (p->flow.dport == service->key.port && p->flow.dport != bpf_htons(FTP_PORT))
		flow->dport = p->flow.dport;
}

/* The key of a template of an engine: the call that sip_read() has found, and the flow. NULL never, but for the verifier. */
always_inline struct call_key *template_call(const struct flow *flow)
{
	__u32 zero = 0;
	struct call_scratch *s = bpf_map_lookup_elem(&call_scratch, &zero);

	if (!s)
		return NULL;
	s->key.flow = *flow;
	return &s->key;
}

always_inline struct flow_entry *template_lookup(const struct flow *flow, __u32 engine)
{
	struct call_key *call;

	if (engine == SLUICE_ENGINE_NONE)
		return flow_find(flow);
	call = template_call(flow);
	return call ? bpf_map_lookup_elem(&calls, call) : NULL;
}

/* 0, or an error: it is there already, or there is no room. */
always_inline long template_insert(const struct flow *flow, __u32 engine, const struct flow_entry *entry, __u32 ref)
{
	struct call_key *call;
	long rc;

	if (engine == SLUICE_ENGINE_NONE)
		return flow_insert(flow, entry);
	call = template_call(flow);
	if (!call)
		return -EEXIST;
	rc = bpf_map_update_elem(&call_names, &ref, call, BPF_ANY);
	if (rc)
		return rc;
	rc = bpf_map_update_elem(&calls, call, entry, BPF_NOEXIST);
	if (rc)
		bpf_map_delete_elem(&call_names, &ref);
	return rc;
}

always_inline void template_release(struct connection *t)
{
	__sync_fetch_and_add(&t->children, -1);
}

/* Holds the template that an entry names. 0: it has ended. */
always_inline __u32 template_hold(__u32 family, const struct flow_entry *entry)
{
	struct connection *t = connection_of(family, entry);

	if (!t)
		return 0;
	__sync_fetch_and_add(&t->children, 1);
	/* now it cannot end; and if it just did, that is to be seen here */
	if (t->generation == entry->tag >> 1 && *(volatile __u32 *)&t->status & SLUICE_STATUS_LIVE)
		return reference(family, entry->connection);
	template_release(t);
	return 0;
}

/* May a template send more connections to its server? One without weight keeps its clients unless it is to lose them. */
always_inline int template_serves(const struct connection *t)
{
	const struct server *server = server_get(t->server);
	const struct server_options *options;
	const struct settings *s;

	if (!server || server->slot_state != SLUICE_SLOT_LIVE)
		return 0;
	options = server_options_get(server);
	if (options->weight)
		return 1;
	if (options->releasing)
		return 0;
	s = settings_get();
	return s && !s->sysctl[SLUICE_SYSCTL_EXPIRE_QUIESCENT_TEMPLATE];
}

/* Takes a template out of use: nobody finds it any more, and it lives on for its connections. */
always_inline void template_invalidate(struct connection *t, const struct flow *flow, const struct flow_entry *entry)
{
	/* cport and vport are one word, the first being 0 */
	__u32 *ports = (__u32 *)&t->cport, old = (__u32)flow->dport << 16;
	struct call_key *call;

	if (__sync_val_compare_and_swap(ports, old, (__u32)INVALID_PORT << 16) != old)
		return;
	t->dport = INVALID_PORT;
	if (!t->lport) {
		flow_delete_of(flow, entry);
	} else {
		call = template_call(flow);
		if (call)
			call_delete_of(call, entry);
	}
}

/* The template of the packet's client, held, with its time begun anew. 0: there is none that serves. */
verified_apart __u32 template_find(const struct packet *p, __u32 slot)
{
	struct service *service = service_get(slot);
	const struct service_options *options;
	struct flow_entry *found, entry;
	struct connection *t;
	struct flow flow;
	__u32 ref;

	if (!p || !service)
		return 0;
	options = service_options_get(service);
	template_flow(p, service, options, &flow);
	found = template_lookup(&flow, options->engine);
	if (!found)
		return 0;
	entry = *found;
	ref = template_hold(flow.family, &entry);
	t = ref ? connection_get(ref) : NULL;
	if (!t)
		return 0;
	if (template_serves(t)) {
		connection_live_for(t, ref, t->parent);
		return ref;
	}
	template_invalidate(t, &flow, &entry);
	template_release(t);
	return 0;
}

/*
 * Makes a template of the packet's client for the server in slot `pick`; another CPU may have been faster with another one.
 * Held. 0, with the packet tallied: there is no room, or the one that there is is just ending.
 */
verified_apart __u32 template_make(const struct packet *p, __u32 slot, __u32 pick)
{
	struct service *service = service_get(slot);
	struct server *server = server_get(pick);
	const struct service_options *options;
	struct flow_entry entry, *there;
	struct connection *t;
	struct flow flow;
	__u32 ref, engine;
	__u64 now;

	if (!p || !service || !server)
		return 0;
	options = service_options_get(service);
	template_flow(p, service, options, &flow);
	ref = connection_take(flow.family);
	t = ref ? connection_get(ref) : NULL;
	if (!t)
		return tally(SLUICE_DROP_TABLE_FULL), 0;
	connection_hold(t, ref, &flow, pick);
	t->parent = options->persistence;
	engine = options->engine;
	t->lport = bpf_htons(engine);
	t->dport = flow.dport ? server->port : 0;
	t->method = server_options_get(server)->method;
	now = bpf_ktime_get_coarse_ns();
	t->expires = now + t->parent * SECOND;
	if (!connection_place(t, ref, now, t->parent)) {
		connection_abandon(t, ref);
		return tally(SLUICE_DROP_TABLE_FULL), 0;
	}
	__sync_fetch_and_add(&server->persistent, 1);
	__sync_fetch_and_add(&t->children, 1);
	/* lives before it can be found, so that whoever finds it can hold it */
	__sync_fetch_and_xor(&t->status, SLUICE_STATUS_LIVE ^ SLUICE_STATUS_HELD);
	entry.connection = ref >> REFERENCE_SHIFT;
	entry.tag = t->generation << 1 | SLUICE_SIDE_REQUEST;
	if (!template_insert(&flow, engine, &entry, ref)) {
		/* its place in the wheel may be an earlier connection's, and too late */
		connection_live_for(t, ref, t->parent);
		return ref;
	}
	__sync_fetch_and_add(&server->persistent, -1);
	template_release(t);
	connection_abandon(t, ref);
	there = template_lookup(&flow, engine);
	if (!there)
		return tally(SLUICE_DROP_TABLE_FULL), 0;
	ref = template_hold(flow.family, there);
	if (!ref)
		tally(SLUICE_DROP_COLLISION);
	return ref;
}

#endif
