// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files to cat: what kernel IPVS shows in /proc/net/ip_vs, ip_vs_conn, ip_vs_stats and ip_vs_stats_percpu, as iterators
 * that are pinned in the table's directory. The text is that of Linux 6.1, byte for byte; only the order of services and
 * connections, which is chance there, is the table's own.
 */
#include "maps.h"

#include <bpf/bpf_endian.h>

#define always_inline static inline __attribute__((always_inline))
#define ROWS (MAX_SERVICES + MAX_SERVERS)
/* IPVS shows a persistence timeout in ticks of the kernel's clock, of which Debian's has 250 a second. */
#define HZ 250

/* The kernel's own, as far as they are read here. */
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
} __attribute__((preserve_access_index));
struct bpf_map {
	__u32 max_entries;
} __attribute__((preserve_access_index));
struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
} __attribute__((preserve_access_index));

#define PRINT(seq, format, ...)                                                                                        \
	({                                                                                                             \
		static const char print_format[] = format;                                                             \
		__u64 print_values[] = { __VA_ARGS__ };                                                                \
		bpf_seq_printf(seq, print_format, sizeof(print_format), print_values, sizeof(print_values));           \
	})
#define PRINT_TEXT(seq, text)                                                                                          \
	({                                                                                                             \
		static const char print_text[] = text;                                                                 \
		bpf_seq_write(seq, print_text, sizeof(print_text) - 1);                                                \
	})
#define TEXT(pointer) ((__u64)(unsigned long)(pointer))

/* By enum sluice_scheduler; written by the loader. */
#define SCHEDULER_NAMES 32
const volatile char scheduler_names[SCHEDULER_NAMES][16] SEC(".rodata.names") = {};

always_inline struct settings *settings_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

/*
 * ip_vs: one line an object. The kernel's buffer holds some 500 lines and an object has to fit in whole, so a service
 * with its servers cannot be one. The objects that the kernel walks are of no interest: `rates` has as many as there
 * can be lines. Where a reader stands is remembered by his session.
 */
struct place {
	__u64 number; /* of the object whose line stands here */
	__u32 service;
	__u32 server; /* 0: the service's own line */
	__u32 marks; /* 1: services of firewall marks, which come last */
	__u32 spare;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct place);
} places SEC(".maps");

struct search {
	__u32 slot;
	__u32 marks;
};

static long search_service(__u32 i, struct search *s)
{
	__u32 slot = s->slot + 1;
	const struct service *service = bpf_map_lookup_elem(&services, &slot);

	(void)i;
	if (!service)
		return 1;
	s->slot = slot;
	return service->slot_state == SLUICE_SLOT_LIVE && !service->key.fwmark == !s->marks;
}

/* The next live service; 0: none is left. */
always_inline __u32 next_service(__u32 slot, __u32 marks, __u32 top)
{
	struct search s = { slot, marks };
	const struct service *service;

	if (slot + 1 >= top)
		return 0;
	bpf_loop(top - slot - 1, search_service, &s, 0);
	service = bpf_map_lookup_elem(&services, &s.slot);
	if (!service || s.slot == slot || service->slot_state != SLUICE_SLOT_LIVE || !service->key.fwmark != !marks)
		return 0;
	return s.slot;
}

/* Moves to the next line. False: there is none. */
always_inline int place_advance(struct place *p, __u32 top)
{
	__u32 next = 0, slot = p->service;

	if (p->server) {
		__u32 server_slot = p->server;
		const struct server *server = bpf_map_lookup_elem(&servers, &server_slot);

		/* a slot that was given away meanwhile leads elsewhere */
		if (server && server->service == slot)
			next = server->next;
	} else if (slot) {
		const struct service *service = bpf_map_lookup_elem(&services, &slot);

		if (service)
			next = service->head;
	}
	p->server = next;
	if (next)
		return 1;
	p->service = next_service(slot, p->marks, top);
	if (!p->service && !p->marks) {
		p->marks = 1;
		p->service = next_service(0, 1, top);
	}
	return p->service != 0;
}

static const char protocol_tcp[] = "TCP";
static const char protocol_udp[] = "UDP";
static const char protocol_sctp[] = "SCTP";
static const char protocol_ip[] = "IP";

always_inline const char *protocol_name(__u8 protocol)
{
	switch (protocol) {
	case SLUICE_PROTOCOL_TCP:
		return protocol_tcp;
	case SLUICE_PROTOCOL_UDP:
		return protocol_udp;
	case SLUICE_PROTOCOL_SCTP:
		return protocol_sctp;
	default:
		return protocol_ip;
	}
}

/* As printk's %pI6 wants it, and the verifier: on the stack. */
struct address {
	__u32 words[4];
};

always_inline void address_copy(struct address *to, const __u8 *from)
{
	const __u32 *words = (const __u32 *)from;

	for (int i = 0; i < 4; i++)
		to->words[i] = words[i];
}

static const char flag_ops[] = "ops ";
static const char flag_none[] = "";

static __attribute__((noinline)) int print_service(struct seq_file *seq, const struct service *service)
{
	const struct service_options *o = &service->options[*(const volatile __u32 *)&service->version & 1];
	const char *scheduler = (const char *)scheduler_names[o->scheduler & (SCHEDULER_NAMES - 1)];
	const char *ops = o->flags & SLUICE_SERVICE_FLAG_ONE_PACKET ? flag_ops : flag_none;
	const char *protocol = protocol_name(service->key.protocol);
	__u32 port = bpf_ntohs(service->key.port), mask;
	struct address address;

	address_copy(&address, service->key.address);
	if (service->key.fwmark)
		PRINT(seq, "FWM  %08X %s %s", service->key.fwmark, TEXT(scheduler), TEXT(ops));
	else if (service->key.family == SLUICE_FAMILY_INET6)
		PRINT(seq, "%s  [%pI6]:%04X %s ", TEXT(protocol), TEXT(&address), port, TEXT(scheduler));
	else
		PRINT(seq, "%s  %08X:%04X %s %s ", TEXT(protocol), bpf_ntohl(address.words[0]), port, TEXT(scheduler),
		      TEXT(ops));
	/* IPVS shows a mask as a number in network order, and of IPv6 keeps only its length there */
	if (service->key.family == SLUICE_FAMILY_INET6)
		mask = bpf_htonl(o->prefix);
	else
		mask = bpf_ntohl(o->netmask);
	if (o->flags & SLUICE_SERVICE_FLAG_PERSISTENT)
		PRINT(seq, "persistent %d %08X\n", (__u64)o->persistence * HZ, mask);
	else
		PRINT_TEXT(seq, "\n");
	return 0;
}

static const char method_names[8][8] = { "Masq", "Local", "Tunnel", "Route", "", "FullNat" };

static __attribute__((noinline)) int print_server(struct seq_file *seq, const struct server *server)
{
	const struct server_options *o = &server->options[*(const volatile __u32 *)&server->version & 1];
	const char *method = method_names[o->method & 7];
	struct address address;

	address_copy(&address, server->address);
	if (server->family == SLUICE_FAMILY_INET6)
		PRINT(seq, "  -> [%pI6]:%04X      %-7s %-6d %-10d %-10d\n", TEXT(&address), bpf_ntohs(server->port),
		      TEXT(method), o->weight, server->active, server->inactive);
	else
		PRINT(seq, "  -> %08X:%04X      %-7s %-6d %-10d %-10d\n", bpf_ntohl(address.words[0]),
		      bpf_ntohs(server->port), TEXT(method), o->weight, server->active, server->inactive);
	return 0;
}

SEC("iter/bpf_map_elem")
int ip_vs(struct bpf_iter__bpf_map_elem *ctx)
{
	__u64 session = ctx->meta->session_id, number = ctx->meta->seq_num;
	struct seq_file *seq = ctx->meta->seq;
	const struct settings *s = settings_get();
	struct place fresh = {}, *place;

	if (!s || !ctx->value || number > s->service_top + s->server_top)
		return 0;
	if (!number) {
		PRINT(seq, "IP Virtual Server version 1.2.1 (size=%d)\n", ((struct bpf_map *)&flows4)->max_entries);
		PRINT_TEXT(seq, "Prot LocalAddress:Port Scheduler Flags\n"
				"  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n");
		bpf_map_update_elem(&places, &session, &fresh, BPF_ANY);
		return 0;
	}
	place = bpf_map_lookup_elem(&places, &session);
	if (!place)
		return 0;
	/* the same number again: its line did not fit into what was left of the buffer */
	if (place->number != number) {
		place->number = number;
		if (!place_advance(place, s->service_top)) {
			bpf_map_delete_elem(&places, &session);
			return 0;
		}
	}
	if (place->server) {
		__u32 slot = place->server;
		const struct server *server = bpf_map_lookup_elem(&servers, &slot);

		if (server)
			print_server(seq, server);
	} else {
		__u32 slot = place->service;
		const struct service *service = bpf_map_lookup_elem(&services, &slot);

		if (service)
			print_service(seq, service);
	}
	return 0;
}

struct sum {
	struct counters counters;
	__u32 first; /* of the CPU's row */
};

static long sum_service(__u32 slot, struct sum *s)
{
	__u32 index = s->first + slot;
	const struct counters *c = bpf_map_lookup_elem(&counters, &index);

	if (!c)
		return 1;
	s->counters.connections += c->connections;
	s->counters.in_packets += c->in_packets;
	s->counters.out_packets += c->out_packets;
	s->counters.in_bytes += c->in_bytes;
	s->counters.out_bytes += c->out_bytes;
	return 0;
}

/* Adds what a CPU counted: the sum of all service slots, whose counters never fall. */
always_inline void sum_cpu(struct sum *s, __u32 cpu, __u32 top)
{
	s->first = cpu * ROWS;
	bpf_loop(top, sum_service, s, 0);
}

struct stats {
	struct seq_file *seq;
	struct counters total;
	__u32 top;
	__u32 print; /* 1: a line a CPU */
};

static long stats_cpu(__u32 cpu, struct stats *s)
{
	struct sum sum = {};

	sum_cpu(&sum, cpu, s->top);
	s->total.connections += sum.counters.connections;
	s->total.in_packets += sum.counters.in_packets;
	s->total.out_packets += sum.counters.out_packets;
	s->total.in_bytes += sum.counters.in_bytes;
	s->total.out_bytes += sum.counters.out_bytes;
	if (s->print)
		PRINT(s->seq, "%3X %8llX %8llX %8llX %16llX %16llX\n", cpu, sum.counters.connections,
		      sum.counters.in_packets, sum.counters.out_packets, sum.counters.in_bytes, sum.counters.out_bytes);
	return 0;
}

always_inline __u32 possible_cpus(void)
{
	return ((struct bpf_map *)&counters)->max_entries / ROWS;
}

/* The totals since they were last set to zero; a CPU's own are never set back, there as here. */
always_inline void totals_since_zero(struct counters *total)
{
	__u32 row = 0;
	const struct counters *base = bpf_map_lookup_elem(&counter_bases, &row);

	if (!base)
		return;
	total->connections -= base->connections;
	total->in_packets -= base->in_packets;
	total->out_packets -= base->out_packets;
	total->in_bytes -= base->in_bytes;
	total->out_bytes -= base->out_bytes;
}

/* Averages to what is shown; half of the last bit, less one, is added. */
always_inline void rates_shown(struct counters *shown)
{
	__u32 row = 0;
	const struct rates *r = bpf_map_lookup_elem(&rates, &row);

	if (!r || r->reset != r->seen)
		return;
	shown->connections = (r->average.connections + 0x1ff) >> 10;
	shown->in_packets = (r->average.in_packets + 0x1ff) >> 10;
	shown->out_packets = (r->average.out_packets + 0x1ff) >> 10;
	shown->in_bytes = (r->average.in_bytes + 0xf) >> 5;
	shown->out_bytes = (r->average.out_bytes + 0xf) >> 5;
}

SEC("iter/bpf_map_elem")
int ip_vs_stats(struct bpf_iter__bpf_map_elem *ctx)
{
	const struct settings *s = settings_get();
	struct seq_file *seq = ctx->meta->seq;
	struct stats stats = {};
	struct counters shown = {};

	if (!s || !ctx->value)
		return 0;
	stats.seq = seq;
	stats.top = s->service_top;
	bpf_loop(possible_cpus(), stats_cpu, &stats, 0);
	totals_since_zero(&stats.total);
	rates_shown(&shown);
	PRINT_TEXT(seq, "   Total Incoming Outgoing         Incoming         Outgoing\n"
			"   Conns  Packets  Packets            Bytes            Bytes\n");
	PRINT(seq, "%8llX %8llX %8llX %16llX %16llX\n\n", stats.total.connections, stats.total.in_packets,
	      stats.total.out_packets, stats.total.in_bytes, stats.total.out_bytes);
	PRINT_TEXT(seq, " Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n");
	PRINT(seq, "%8llX %8llX %8llX %16llX %16llX\n", shown.connections, shown.in_packets, shown.out_packets,
	      shown.in_bytes, shown.out_bytes);
	return 0;
}

SEC("iter/bpf_map_elem")
int ip_vs_stats_cpu(struct bpf_iter__bpf_map_elem *ctx)
{
	const struct settings *s = settings_get();
	struct seq_file *seq = ctx->meta->seq;
	struct stats stats = {};
	struct counters shown = {};

	if (!s || !ctx->value)
		return 0;
	stats.seq = seq;
	stats.top = s->service_top;
	stats.print = 1;
	PRINT_TEXT(seq, "       Total Incoming Outgoing         Incoming         Outgoing\n"
			"CPU    Conns  Packets  Packets            Bytes            Bytes\n");
	bpf_loop(possible_cpus(), stats_cpu, &stats, 0);
	totals_since_zero(&stats.total);
	rates_shown(&shown);
	PRINT(seq, "  ~ %8llX %8llX %8llX %16llX %16llX\n\n", stats.total.connections, stats.total.in_packets,
	      stats.total.out_packets, stats.total.in_bytes, stats.total.out_bytes);
	PRINT_TEXT(seq, "     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n");
	PRINT(seq, "    %8llX %8llX %8llX %16llX %16llX\n", shown.connections, shown.in_packets, shown.out_packets,
	      shown.in_bytes, shown.out_bytes);
	return 0;
}

/* By enum sluice_state; written by the loader. */
#define STATE_NAMES 32
const volatile char state_names[STATE_NAMES][16] SEC(".rodata.states") = {};

static const char template_none[] = "NONE";
static const char template_assured[] = "ASSURED";

always_inline const char *connection_state(const struct connection *c)
{
	__u32 state = c->status & SLUICE_STATUS_STATE_MASK;

	if (c->kind == SLUICE_KIND_TEMPLATE)
		return state == SLUICE_TEMPLATE_ASSURED ? template_assured : template_none;
	return (const char *)state_names[state & (STATE_NAMES - 1)];
}

/* `wide`: the addresses of one of IPv6. What an engine knows a client by is not shown. */
static __attribute__((noinline)) int print_connection(struct seq_file *seq, const struct connection *c,
						      const struct connection6 *wide)
{
	const char *state = connection_state(c);
	__u64 now = bpf_ktime_get_ns(), left = c->expires > now ? (c->expires - now) / 1000000000 : 0;
	const char *protocol = protocol_name(c->protocol);
	struct address client, virtual, address;
	__u32 slot = c->server;
	const struct server *server = bpf_map_lookup_elem(&servers, &slot);

	if (!server)
		return 0;
	address_copy(&address, server->address);
	if (wide) {
		address_copy(&client, (const __u8 *)wide->caddr);
		address_copy(&virtual, (const __u8 *)wide->vaddr);
		PRINT(seq, "%-3s %pI6 %04X %pI6 %04X ", TEXT(protocol), TEXT(&client), bpf_ntohs(c->cport), TEXT(&virtual),
		      bpf_ntohs(c->vport));
	} else {
		PRINT(seq, "%-3s %08X %04X %08X %04X ", TEXT(protocol), bpf_ntohl(c->caddr), bpf_ntohs(c->cport),
		      bpf_ntohl(c->vaddr), bpf_ntohs(c->vport));
	}
	/* a tunnel's end may be of the other family; slot 0 is nobody, and of none */
	if (slot ? server->family == SLUICE_FAMILY_INET6 : wide != NULL)
		PRINT(seq, "%pI6 %04X ", TEXT(&address), bpf_ntohs(c->dport));
	else
		PRINT(seq, "%08X %04X ", bpf_ntohl(address.words[0]), bpf_ntohs(c->dport));
	PRINT(seq, "%-11s %7u\n", TEXT(state), left);
	return 0;
}

/* ip_vs_conn: the connections of IPv4 in the order of their records, and beside each the one of IPv6 by the same number. */
SEC("iter/bpf_map_elem")
int ip_vs_conn(struct bpf_iter__bpf_map_elem *ctx)
{
	const struct connection6 *six;
	const struct connection *four;
	const __u32 *key = ctx->key;
	__u32 id;

	if (!key)
		return 0;
	id = *key;
	if (!id)
		PRINT_TEXT(ctx->meta->seq,
			   "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n");
	four = bpf_map_lookup_elem(&connections4, &id);
	if (four && four->status & SLUICE_STATUS_LIVE)
		print_connection(ctx->meta->seq, four, NULL);
	six = bpf_map_lookup_elem(&connections6, &id);
	if (six && six->connection.status & SLUICE_STATUS_LIVE)
		print_connection(ctx->meta->seq, &six->connection, six);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
