/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FTP through NAT (RFC 959, RFC 2428). A control connection of a service on port 21 announces data connections, which
 * belong to the same server: the server's 227 and 229 those that the client will open (from a port that nobody knows
 * yet), the client's PORT and EPRT those that the server will open. Addresses in 227, and with full NAT in PORT and EPRT,
 * are rewritten; where the line's length changes, sequence numbers are translated from then on (stream.h).
 *
 * IPv6 knows 229 and EPRT; its lines are read and stay as they are, and full NAT does not read them.
 *
 * As in IPVS, a line is seen where it begins its packet.
 */
#ifndef SLUICE_FTP_H
#define SLUICE_FTP_H

#include "packet6.h"
#include "stream.h"

#define FTP_DATA_PORT 20
#define FTP_SHORTEST 8
/* How long an announced connection is waited for: IPVS's time in LISTEN. */
#define FTP_PATIENCE (120 * SECOND)

enum { FTP_NOTHING, FTP_227, FTP_229, FTP_PORT_COMMAND, FTP_EPRT, FTP_EPRT6 };

_Static_assert(sizeof(struct packet) <= sizeof(((struct ftp_scratch *)0)->opening), "fits");

always_inline struct ftp_scratch *ftp_scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ftp_scratch, &zero);
}

/* Takes one more byte of a list of numbers that are separated by commas, dots or bars. */
static long ftp_read_step(__u32 i, __u32 *from)
{
	struct ftp_scratch *s = ftp_scratch_get();
	__u32 at = *from + i;
	__u8 byte;

	if (!s || at >= s->length || at >= FTP_LINE)
		return 1;
	byte = s->in[at & (FTP_LINE - 1)];
	if (byte >= '0' && byte <= '9') {
		if (!s->start)
			s->start = at;
		s->end = at + 1;
		s->number[s->count & 7] = s->number[s->count & 7] * 10 + byte - '0';
		if (++s->digits > 5)
			s->count = 8; /* no list of ours */
		return s->count == 8;
	}
	if (byte != ',' && byte != '.' && byte != '|')
		return 1;
	if (s->digits && ++s->count == 7)
		return 1;
	s->digits = 0;
	return 0;
}

/* Reads the numbers from place `from` of the line on; returns how many there are. */
verified_apart int ftp_read(__u32 from)
{
	struct ftp_scratch *s = ftp_scratch_get();

	if (!s)
		return 0;
	__builtin_memset(s->number, 0, sizeof(s->number));
	s->count = s->digits = s->start = s->end = 0;
	bpf_loop(FTP_LINE, ftp_read_step, &from, 0);
	return s->count + (s->digits != 0);
}

always_inline void ftp_put(struct ftp_scratch *s, __u8 byte)
{
	s->out[s->written & (FTP_LINE - 1)] = byte;
	s->written++;
}

verified_apart int ftp_put_number(__u32 number)
{
	struct ftp_scratch *s = ftp_scratch_get();

	if (!s)
		return 0;
	if (number >= 10000)
		ftp_put(s, '0' + number / 10000 % 10);
	if (number >= 1000)
		ftp_put(s, '0' + number / 1000 % 10);
	if (number >= 100)
		ftp_put(s, '0' + number / 100 % 10);
	if (number >= 10)
		ftp_put(s, '0' + number / 10 % 10);
	ftp_put(s, '0' + number % 10);
	return 1;
}

static long ftp_copy_step(__u32 i, __u32 *from)
{
	struct ftp_scratch *s = ftp_scratch_get();
	__u32 at = *from + i;

	if (!s || at >= s->length || s->written >= FTP_LINE)
		return 1;
	ftp_put(s, s->in[at & (FTP_LINE - 1)]);
	return 0;
}

/* Writes the line anew with another address and port in the place of its list of numbers. False: it does not fit. */
verified_apart int ftp_write(__u32 line, __be32 address, __u32 port)
{
	struct ftp_scratch *s = ftp_scratch_get();
	__u32 from = 0, start, host = bpf_ntohl(address);

	if (!s || s->length + 16 > FTP_LINE)
		return 0;
	start = s->start;
	s->written = 0;
	bpf_loop(start & (FTP_LINE - 1), ftp_copy_step, &from, 0);
	if (line == FTP_EPRT) {
		ftp_put(s, '1');
		ftp_put(s, '|');
	}
	for (int i = 0; i < 4; i++) {
		ftp_put_number(host >> 24);
		host <<= 8;
		if (i < 3)
			ftp_put(s, line == FTP_EPRT ? '.' : ',');
	}
	if (line == FTP_EPRT) {
		ftp_put(s, '|');
		ftp_put_number(port);
	} else {
		ftp_put(s, ',');
		ftp_put_number(port >> 8);
		ftp_put(s, ',');
		ftp_put_number(port & 0xff);
	}
	from = s->end;
	bpf_loop(FTP_LINE, ftp_copy_step, &from, 0);
	return 1;
}

/* The line that the packet begins with, in the scratch space. */
verified_apart int ftp_load(hook_ctx *ctx, __u32 at, __u32 length, __u32 side)
{
	struct ftp_scratch *s = ftp_scratch_get();
	__u32 word, from;

	if (!s || length < FTP_SHORTEST || length > FTP_LINE)
		return FTP_NOTHING;
	s->length = length;
	/* 6.1 wants to see that it is not 0 */
	asm volatile("" : "+r"(length));
	length = ((length - 1) & (FTP_LINE - 1)) + 1;
	if (bpf_skb_load_bytes(ctx, at, s->in, length))
		return FTP_NOTHING;
	word = (__u32)s->in[0] << 24 | s->in[1] << 16 | s->in[2] << 8 | s->in[3];
	if (side == SLUICE_SIDE_REPLY) {
		if (word != 0x32323720 && word != 0x32323920) /* "227 ", "229 " */
			return FTP_NOTHING;
		/* behind the bracket that opens the list */
		for (from = 4; from < 64; from++)
			if (s->in[from] == '(')
				break;
		if (word == 0x32323720)
			return ftp_read(from + 1) == 6 ? FTP_227 : FTP_NOTHING;
		return ftp_read(from + 1) == 1 ? FTP_229 : FTP_NOTHING;
	}
	word &= 0xdfdfdfdf; /* in capitals */
	if (s->in[4] != ' ')
		return FTP_NOTHING;
	if (word == 0x504f5254) /* "PORT" */
		return ftp_read(5) == 6 ? FTP_PORT_COMMAND : FTP_NOTHING;
	if (word != 0x45505254) /* "EPRT" */
		return FTP_NOTHING;
	if (s->in[6] != '2')
		return ftp_read(5) == 6 ? FTP_EPRT : FTP_NOTHING;
	/* the port stands behind the bar that ends the address */
	for (from = 8; from < 64; from++)
		if (s->in[from] == '|')
			break;
	return ftp_read(from) == 1 ? FTP_EPRT6 : FTP_NOTHING;
}

/* The server waits for the client at `dport`. */
always_inline void ftp_expect(const struct connection *c, __u32 ref, __be16 vport, __be16 dport)
{
	struct expectation_key key = {};
	struct expectation expected = {};
	struct flow control;

	connection_request(ref, c, &control);
	__builtin_memcpy(key.caddr, control.saddr, sizeof(key.caddr));
	__builtin_memcpy(key.vaddr, control.daddr, sizeof(key.vaddr));
	key.vport = vport;
	key.family = c->family;
	expected.expires = bpf_ktime_get_coarse_ns() + FTP_PATIENCE;
	expected.parent = ref >> REFERENCE_SHIFT;
	expected.generation = c->generation;
	expected.server = c->server;
	expected.dport = dport;
	bpf_map_update_elem(&expectations, &key, &expected, BPF_ANY);
}

/* Makes a data connection that counts on its control connection. Returns as connection_make. */
always_inline __u32 ftp_child(const struct packet *p, struct connection *control, __u32 ref, __be16 dport)
{
	__u32 made;

	__sync_fetch_and_add(&control->children, 1);
	made = connection_make(p, control->server, dport, ref >> REFERENCE_SHIFT);
	if (!(made & MADE))
		__sync_fetch_and_add(&control->children, -1);
	return made;
}

/* A data connection that the client had at this port before, with whatever server, makes way if it is over. */
verified_apart int ftp_make_way(void)
{
	struct ftp_scratch *s = ftp_scratch_get();
	struct flow_entry *there;
	struct connection *old;
	struct flow flow;

	if (!s)
		return 0;
	flow = ((struct packet *)s->opening)->flow;
	there = flow_find(&flow);
	old = there ? connection_of(flow.family, there) : NULL;
	return old && connection_is_over(old) && connection_end(reference(flow.family, there->connection));
}

/* The client waits for the server at its port `port`. Returns the data connection's reference, 0: there is none. */
verified_apart __u32 ftp_listen(__u32 ref, __u32 port)
{
	struct connection *c = connection_get(ref), *child;
	struct ftp_scratch *s = ftp_scratch_get();
	struct packet *data;
	__u32 made;

	if (!c || !s)
		return 0;
	data = (struct packet *)s->opening;
	__builtin_memset(data, 0, sizeof(*data));
	connection_request(ref, c, &data->flow);
	data->flow.sport = bpf_htons(port);
	data->flow.dport = bpf_htons(bpf_ntohs(c->vport) - 1);
	ftp_make_way();
	made = ftp_child(data, c, ref, bpf_htons(bpf_ntohs(c->dport) - 1));
	child = made >> REFERENCE_SHIFT ? connection_get(made & ~MADE) : NULL;
	if (!child)
		return 0;
	if (made & MADE) {
		__sync_fetch_and_or(&child->status, SLUICE_STATE_LISTEN);
		connection_touch(child, made & ~MADE, NULL, SLUICE_STATE_LISTEN);
	}
	return made & ~MADE;
}

/*
 * What the line announces, seen before anything is done: an address and a port that a server waits at are noted. Returns
 * the client's port that the server may open a connection to, 0: there is none.
 */
verified_apart __u32 ftp_announced(__u32 ref, __u32 line)
{
	struct connection *c = connection_get(ref);
	struct ftp_scratch *s = ftp_scratch_get();
	const struct server *server;
	__u32 *n, port;
	__be32 address;

	if (!c || !s)
		return 0;
	s->written = 0;
	server = server_get(c->server);
	if (!server)
		return 0;
	if (line == FTP_229) {
		port = s->number[0];
		if (port && port <= 0xffff)
			ftp_expect(c, ref, bpf_htons(port), bpf_htons(port));
		return 0;
	}
	/* whatever address it names: nobody but the client is waited for */
	if (line == FTP_EPRT6)
		return s->number[0] <= 0xffff ? s->number[0] : 0;
	if (c->family == SLUICE_FAMILY_INET6)
		return 0;
	n = line == FTP_EPRT ? s->number + 1 : s->number;
	address = bpf_htonl(n[0] << 24 | (n[1] & 0xff) << 16 | (n[2] & 0xff) << 8 | (n[3] & 0xff));
	port = line == FTP_EPRT ? n[4] : n[4] << 8 | (n[5] & 0xff);
	if (!port || port > 0xffff || (line == FTP_EPRT && s->number[0] != 1))
		return 0;
	if (line == FTP_227) {
		/* a server may already name the virtual service's address */
		if (address != *(const __be32 *)server->address && address != c->vaddr)
			return 0;
		ftp_expect(c, ref, bpf_htons(port), bpf_htons(port));
		if (address != c->vaddr)
			ftp_write(line, c->vaddr, port);
		return 0;
	}
	/* nobody else's address: that would be an attack by way of the server */
	return address == c->caddr ? port : 0;
}

/* With full NAT the server is told of a local address and port in the client's place. */
verified_apart int ftp_hide(__u32 child, __u32 line)
{
	struct connection *c = connection_get(child);
	const struct local_address *local = c && c->method == SLUICE_METHOD_FULLNAT ? local_get(c->local) : NULL;

	return local && ftp_write(line, *(const __be32 *)local->address, bpf_ntohs(c->lport));
}

/* Reads the line that a packet of a control connection begins with. */
verified_apart int ftp_line(hook_ctx *ctx, const struct packet *p, __u32 ref, __u32 side)
{
	struct connection *c = connection_get(ref);
	struct stream *stream;
	__u32 l4, header;
	__u8 doff;

	if (!p || !c || p->later_fragment || p->related)
		return FTP_NOTHING;
	stream = stream_get(ref, c);
	if (!stream || !stream->ftp)
		return FTP_NOTHING;
	l4 = p->flow.family == SLUICE_FAMILY_INET6 ? packet6_l4(p) : packet_l4(p);
	if (bpf_skb_load_bytes(ctx, l4 + TCP_DOFF, &doff, 1))
		return FTP_NOTHING;
	header = (doff >> 4) * 4;
	if (header < sizeof(struct tcphdr))
		return FTP_NOTHING;
	return ftp_load(ctx, l4 + header, p->ip_len + ETH_LEN - l4 - header, side);
}

/* Puts the line that was written in place of the one that the packet has. False: it cannot go on. */
verified_apart int ftp_replace(hook_ctx *ctx, struct packet *p, __u32 ref, __u32 side)
{
	struct connection *c = connection_get(ref);
	struct ftp_scratch *s = ftp_scratch_get();
	__u32 l4, header, written, partial, seq;
	struct adjustment *a;
	struct stream *stream;
	__be32 be_seq;
	__s32 more;
	__u8 doff;

	if (!p || !c || !s)
		return 0;
	stream = stream_get(ref, c);
	l4 = packet_l4(p);
	if (!stream || bpf_skb_load_bytes(ctx, l4 + TCP_DOFF, &doff, 1) ||
	    bpf_skb_load_bytes(ctx, l4 + TCP_SEQ, &be_seq, sizeof(be_seq)))
		return 0;
	header = (doff >> 4) * 4;
	written = s->written;
	if (written < 1 || written > FTP_LINE)
		return 0;
	more = written - s->length;
	partial = checksum_is_partial(ctx, l4);
	if (bpf_skb_change_tail(ctx, l4 + header + written, 0))
		return 0;
	asm volatile("" : "+r"(written));
	written = ((written - 1) & (FTP_LINE - 1)) + 1;
	if (bpf_skb_store_bytes(ctx, l4 + header, s->out, written, 0) || !tcp_finish(ctx, l4, header + written, partial))
		return 0;
	p->ip_len += more;
	p->segment = p->ip_len;
	seq = bpf_ntohl(be_seq);
	a = side ? &stream->adjust[1] : &stream->adjust[0];
	/* a line that is sent again has been accounted for */
	if (more && ((!a->before && !a->after) || (__s32)(seq - a->at) > 0)) {
		a->before = a->after;
		a->after += more;
		a->at = seq;
	}
	return 1;
}

/* A packet of a control connection, before its ends are rewritten. False: it cannot go on. */
always_inline int ftp_packet(hook_ctx *ctx, struct packet *p, __u32 ref, __u32 side)
{
	int line = ftp_line(ctx, p, ref, side);
	struct ftp_scratch *s;
	__u32 port, child;

	if (line == FTP_NOTHING)
		return 1;
	port = ftp_announced(ref, line);
	if (port) {
		child = ftp_listen(ref, port);
		if (child)
			ftp_hide(child, line);
	}
	s = ftp_scratch_get();
	return s && (!s->written || ftp_replace(ctx, p, ref, side));
}

/* The same of IPv6: its lines stay as they are, for they name no address that NAT changes, and no port. */
always_inline void ftp_packet6(hook_ctx *ctx, const struct packet *p, __u32 ref, __u32 side)
{
	int line = ftp_line(ctx, p, ref, side);
	__u32 port = line == FTP_NOTHING ? 0 : ftp_announced(ref, line);

	if (port)
		ftp_listen(ref, port);
}

/* What a client's SYN was announced as; it counts on its control connection already. False: it was not. */
verified_apart int ftp_expected(const struct packet *p)
{
	struct expectation_key key = {};
	struct expectation *found;
	struct ftp_scratch *s = ftp_scratch_get();
	struct connection *control;

	if (!p || !s)
		return 0;
	__builtin_memcpy(key.caddr, p->flow.saddr, sizeof(key.caddr));
	__builtin_memcpy(key.vaddr, p->flow.daddr, sizeof(key.vaddr));
	key.vport = p->flow.dport;
	key.family = p->flow.family;
	found = bpf_map_lookup_elem(&expectations, &key);
	if (!found)
		return 0;
	s->expected = *found;
	bpf_map_delete_elem(&expectations, &key);
	control = connection_get(reference(p->flow.family, s->expected.parent));
	if (!control || control->generation != s->expected.generation || control->server != s->expected.server ||
	    !(*(volatile __u32 *)&control->status & SLUICE_STATUS_LIVE) || s->expected.expires < bpf_ktime_get_coarse_ns())
		return 0;
	__sync_fetch_and_add(&control->children, 1);
	return 1;
}

/* Makes the connection that ftp_expected has found. Returns as connection_make. */
always_inline __u32 ftp_open(const struct packet *p)
{
	struct connection *control;
	struct ftp_scratch *s;
	__u32 made;

	s = ftp_scratch_get();
	if (!s)
		return 0;
	made = connection_make(p, s->expected.server, s->expected.dport, s->expected.parent);
	if (!(made & MADE)) {
		control = connection_get(reference(p->flow.family, s->expected.parent));
		if (control)
			__sync_fetch_and_add(&control->children, -1);
	}
	return made;
}

#endif
