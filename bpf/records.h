/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records that the datapath and the control plane share. This file is their only declaration: the TypeScript
 * layouts are generated from the BTF that it leaves in the object.
 *
 * Who writes what: a field marked [control] is written only by commands, under the namespace's lock; a field marked
 * [packet] only by the datapath, with atomic operations; [both] by compare-and-swap from either side.
 */
#ifndef SLUICE_RECORDS_H
#define SLUICE_RECORDS_H

#include <linux/bpf.h>
#include <linux/types.h>

/* Raised whenever a record or a map changes its layout; a table of another version is refused, never guessed at. */
#define LAYOUT_VERSION 16

/* Slots of the tables: 10,000 services of four servers fit, and deleted servers wait here for their connections. */
#define MAX_SERVICES 16384
#define MAX_SERVERS 65536
/* Default number of connections of each family. The loader may choose another. */
#define DEFAULT_CONNECTIONS 65536
#define MAX_ARRIVALS 256 /* that are taken at once */
/* The wheel of expiry: buckets of 2^26 ns (67 ms), so that it looks 68 s ahead. */
#define WHEEL_SHIFT 26
#define WHEEL_BUCKETS 1024
#define DEFAULT_FRAGMENTS 8192
#define DEFAULT_EXPECTATIONS 4096
/* Destinations that lblc and lblcr remember, of all services together. */
#define MAX_LOCALITIES 65536
/* Full NAT: local addresses of all services together, and of one service. */
#define MAX_LOCALS 1024
#define SERVICE_LOCALS 8

enum sluice_protocol {
	SLUICE_PROTOCOL_ICMP = 1,
	SLUICE_PROTOCOL_IPIP = 4,
	SLUICE_PROTOCOL_TCP = 6,
	SLUICE_PROTOCOL_UDP = 17,
	SLUICE_PROTOCOL_IPV6 = 41,
	SLUICE_PROTOCOL_ICMP6 = 58,
	SLUICE_PROTOCOL_SCTP = 132,
};

enum sluice_family {
	SLUICE_FAMILY_INET = 2,
	SLUICE_FAMILY_INET6 = 10,
};

/*
 * The table of schedulers: X(NAME, name, number, what its function takes). The numbers are ours and never change. A
 * scheduler's function is schedule_<name>() in sched/<name>.h; from this table come the enumeration here, the choice in
 * schedulers.h, and by the enumeration the names that the control plane knows.
 */
#define SLUICE_SCHEDULERS(X)                                                                                           \
	X(NONE, none, 0, (slot))                                                                                       \
	X(RR, rr, 1, (slot))                                                                                           \
	X(WRR, wrr, 2, (slot))                                                                                         \
	X(LC, lc, 3, (slot))                                                                                           \
	X(WLC, wlc, 4, (slot))                                                                                         \
	X(SED, sed, 5, (slot))                                                                                         \
	X(NQ, nq, 6, (slot))                                                                                           \
	X(FO, fo, 7, (slot))                                                                                           \
	X(OVF, ovf, 8, (slot))                                                                                         \
	X(DH, dh, 9, (slot, who))                                                                                      \
	X(SH, sh, 10, (slot, who))                                                                                     \
	X(MH, mh, 11, (slot, who))                                                                                     \
	X(LBLC, lblc, 12, (slot, who))                                                                                 \
	X(LBLCR, lblcr, 13, (slot, who))                                                                               \
	X(TWOS, twos, 14, (slot))

#define SLUICE_SCHEDULER_NUMBER(NAME, name, number, arguments) SLUICE_SCHEDULER_##NAME = number,
enum sluice_scheduler { SLUICE_SCHEDULERS(SLUICE_SCHEDULER_NUMBER) };

enum sluice_method {
	SLUICE_METHOD_MASQ = 0,
	SLUICE_METHOD_LOCAL = 1,
	SLUICE_METHOD_TUNNEL = 2,
	SLUICE_METHOD_ROUTE = 3,
	SLUICE_METHOD_BYPASS = 4, /* no server's, but that of a connection without one: on to its own destination (cache_bypass) */
	SLUICE_METHOD_FULLNAT = 5, /* ours */
};

enum sluice_tunnel {
	SLUICE_TUNNEL_IPIP = 0,
	SLUICE_TUNNEL_GUE = 1,
	SLUICE_TUNNEL_GRE = 2,
};

/* A service's flags have IPVS's bits. */
enum sluice_service_flag {
	SLUICE_SERVICE_FLAG_PERSISTENT = 1,
	SLUICE_SERVICE_FLAG_ONE_PACKET = 4,
	SLUICE_SERVICE_FLAG_SCHED1 = 8, /* sh-fallback, mh-fallback */
	SLUICE_SERVICE_FLAG_SCHED2 = 16, /* sh-port, mh-port */
	SLUICE_SERVICE_FLAG_SCHED3 = 32,
};

/* How a persistent service knows its client again, apart from the address. */
enum sluice_engine {
	SLUICE_ENGINE_NONE = 0,
	SLUICE_ENGINE_SIP = 1,
};

/* The timeouts that may be set: those of TCP's ESTABLISHED and FIN_WAIT, and UDP's. */
enum sluice_timeout {
	SLUICE_TIMEOUT_TCP = 0,
	SLUICE_TIMEOUT_TCP_FIN = 1,
	SLUICE_TIMEOUT_UDP = 2,
};

/* Of GUE and GRE; without any the outer packet has no checksum. */
enum sluice_tunnel_flag {
	SLUICE_TUNNEL_FLAG_CSUM = 1,
	SLUICE_TUNNEL_FLAG_REMCSUM = 2,
};

/* Where a slot stands. A server in the trash forwards nothing, but its connections and counters wait for its return. */
enum sluice_slot {
	SLUICE_SLOT_FREE = 0,
	SLUICE_SLOT_LIVE = 1,
	SLUICE_SLOT_TRASH = 2,
};

/* Connection states, in IPVS's order. UDP has one. */
enum sluice_state {
	SLUICE_STATE_NONE = 0,
	SLUICE_STATE_ESTABLISHED = 1,
	SLUICE_STATE_SYN_SENT = 2,
	SLUICE_STATE_SYN_RECV = 3,
	SLUICE_STATE_FIN_WAIT = 4,
	SLUICE_STATE_TIME_WAIT = 5,
	SLUICE_STATE_CLOSE = 6,
	SLUICE_STATE_CLOSE_WAIT = 7,
	SLUICE_STATE_LAST_ACK = 8,
	SLUICE_STATE_LISTEN = 9,
	SLUICE_STATE_SYNACK = 10,
	SLUICE_STATE_UDP = 11,
	/* SCTP's, in IPVS's order too */
	SLUICE_STATE_SCTP_NONE = 16,
	SLUICE_STATE_SCTP_INIT1 = 17,
	SLUICE_STATE_SCTP_INIT = 18,
	SLUICE_STATE_SCTP_COOKIE_SENT = 19,
	SLUICE_STATE_SCTP_COOKIE_REPLIED = 20,
	SLUICE_STATE_SCTP_COOKIE_WAIT = 21,
	SLUICE_STATE_SCTP_COOKIE = 22,
	SLUICE_STATE_SCTP_COOKIE_ECHOED = 23,
	SLUICE_STATE_SCTP_ESTABLISHED = 24,
	SLUICE_STATE_SCTP_SHUTDOWN_SENT = 25,
	SLUICE_STATE_SCTP_SHUTDOWN_RECEIVED = 26,
	SLUICE_STATE_SCTP_SHUTDOWN_ACK_SENT = 27,
	SLUICE_STATE_SCTP_REJECTED = 28,
	SLUICE_STATE_SCTP_CLOSED = 29,
	SLUICE_STATE_COUNT = 32,
};

/* How a server behind full NAT learns the client's address. */
enum sluice_client_address {
	SLUICE_CLIENT_ADDRESS_HIDDEN = 0,
	SLUICE_CLIENT_ADDRESS_TOA = 1, /* a TCP option of the client's first packets */
	SLUICE_CLIENT_ADDRESS_PROXY = 2, /* a PROXY protocol header, version 2, before the client's first byte */
};

/* What a template's status has in a state's place. */
enum sluice_template {
	SLUICE_TEMPLATE_NONE = 0,
	SLUICE_TEMPLATE_ASSURED = 1, /* a connection of it was established */
};

/* The flags beside the state in a connection's status word. */
enum sluice_status {
	SLUICE_STATUS_STATE_MASK = 0xff,
	SLUICE_STATUS_INACTIVE = 0x100, /* counted as inactive, else as active */
	SLUICE_STATUS_NO_OUTPUT = 0x200, /* no reply seen: the server answers past the director */
	SLUICE_STATUS_LIVE = 0x400, /* a connection */
	SLUICE_STATUS_HELD = 0x800, /* not yet: one CPU is writing the record. Neither: it is free */
	SLUICE_STATUS_LINK0 = 0x1000, /* in a bucket of the wheel by next[0] */
	SLUICE_STATUS_LINK1 = 0x2000, /* likewise by next[1]: pulled forward */
	SLUICE_STATUS_STREAM = 0x4000, /* has an entry in `streams`: sequence numbers differ at its two ends */
	SLUICE_STATUS_TOLD = 0x8000, /* another director told of it */
};

/* What a flow, and its connection, stands for. */
enum sluice_kind {
	SLUICE_KIND_FLOW = 0,
	SLUICE_KIND_TEMPLATE = 1, /* of a persistent service: which server a client's next connections get */
};

/* Which of a connection's flows a packet belongs to. */
enum sluice_side {
	SLUICE_SIDE_REQUEST = 0,
	SLUICE_SIDE_REPLY = 1,
};

/* Why a packet of ours was not forwarded. */
enum sluice_drop {
	SLUICE_DROP_NO_SERVER = 0, /* no server available: answered by ICMP port unreachable */
	SLUICE_DROP_SERVER_GONE = 1, /* the connection's server was deleted */
	SLUICE_DROP_TABLE_FULL = 2, /* no room for a new connection */
	SLUICE_DROP_NO_ROUTE = 3, /* no route to the next hop */
	SLUICE_DROP_TTL = 4, /* answered by ICMP time exceeded */
	SLUICE_DROP_TOO_BIG = 5, /* answered by ICMP fragmentation needed */
	SLUICE_DROP_COLLISION = 6, /* the server's side of the connection is in use by another one */
	SLUICE_DROP_MALFORMED = 7, /* a packet for us whose headers could not be rewritten */
	SLUICE_DROP_ICMP_LIMIT = 8, /* an ICMP error that was not sent, to stay under the rate limit */
	SLUICE_DROP_NO_FORWARDING = 9, /* conf.lo.forwarding of net.ipv4 or net.ipv6 was switched off under us */
	SLUICE_DROP_NO_LOCAL_PORT = 10, /* full NAT: no local address, or all ports of the pool are taken at that server */
	SLUICE_DROP_NO_CALL = 11, /* for a persistent service of SIP, and no message with a Call-ID */
	SLUICE_DROP_FRAGMENT = 12, /* SCTP in fragments, to another port: the checksum needs the whole packet */
	SLUICE_DROP_DEFENCE = 13, /* would have begun a connection: drop_packet, conn_rate */
	SLUICE_DROP_NO_CONNECTION = 14, /* of a real server, and no connection's: answered by ICMP port unreachable (nat_icmp_send) */
	SLUICE_DROP_UPGRADE = 15, /* came while the table was carried over to another version of the program */
	SLUICE_DROP_COUNT = 16,
};

/* What happened that is worth a number but lost no packet. */
enum sluice_event {
	SLUICE_EVENT_CURSOR_RETRIES = 0, /* a scheduler's cursor was contended beyond its retries */
	SLUICE_EVENT_NEIGHBOUR = 1, /* a next hop had to be resolved first */
	SLUICE_EVENT_TO_STACK = 2, /* rewritten, then handed to the stack to be fragmented */
	SLUICE_EVENT_REUSED = 3, /* a SYN took over an old connection's place */
	SLUICE_EVENT_UNKNOWN_FRAGMENT = 4, /* a later fragment whose first one was not seen: left to the stack */
	SLUICE_EVENT_DEFENCE = 5, /* a connection ended early to make room: drop_entry */
	SLUICE_EVENT_XDP_FORWARDED = 6, /* sent on by XDP, before the stack had made anything of it */
	SLUICE_EVENT_XDP_LEFT = 7, /* of a known connection, and left to TC by XDP all the same */
	SLUICE_EVENT_EVICTED = 8, /* a half-open connection ended early: the table was nearly full */
	SLUICE_EVENT_COUNT = 9,
};

/*
 * By what a packet finds its virtual service: an address of 16 bytes (IPv4 in the first four), or a firewall mark, whose
 * services take every protocol, address and port: those are 0.
 */
struct service_key {
	__u8 address[16];
	__be16 port;
	__u8 protocol;
	__u8 family;
	__u32 fwmark;
};

/* What `ipvsadm -E` changes. Two copies stand in a service; one store of `version` switches packets to the other. */
struct service_options {
	__u32 scheduler;
	__u32 flags;
	__u32 persistence; /* seconds; 0 without SLUICE_SERVICE_FLAG_PERSISTENT */
	__be32 netmask; /* IPv4: of a client's address, and any bits at all */
	__u32 prefix; /* IPv6: of a client's address, bits from 1 to 128 */
	__u32 engine; /* enum sluice_engine; may stand without persistence */
	__u32 timeout[3]; /* seconds, by enum sluice_timeout; 0: the table's */
	__u32 spare;
};

struct service {
	struct service_key key; /* [control] */
	__u32 slot_state; /* [control] */
	__u32 head; /* [control] slot of the first server, 0: none; the server added last is first, as in IPVS */
	__u32 version; /* [control] packets read options[version & 1] */
	__u32 server_count; /* [control] */
	struct service_options options[2]; /* [control] */
	__u64 order; /* [control] services are listed in the order of adding */
	/* [control] wrr: highest weight - (divisor - 1) in the upper half, the weights' greatest common divisor in the lower */
	__u64 wrr;
	__u16 locals[SERVICE_LOCALS]; /* [control] full NAT: slots of the local addresses, without gaps; 0: no more */
	__u64 spare;
	/* rr: slot of the server used last; wrr: that, and in the upper half the current weight. 0: list head. */
	__u64 cursor; /* [both] */
	/* lblc, lblcr: entries of another stamp are an earlier service's or scheduler's, and forgotten */
	__u32 cache_stamp; /* [control] */
	__u32 cached; /* [packet] its entries in `localities` */
	__u64 spare_line[2];
};

/* What `ipvsadm -e` changes; versioned like a service's. */
struct server_options {
	__u32 weight;
	__u32 upper;
	__u32 lower;
	__u8 method;
	__u8 tunnel;
	__u8 tunnel_flags;
	__u8 local; /* 1: an address of the director itself */
	__be16 tunnel_port;
	__u8 client_address; /* enum sluice_client_address */
	__u8 releasing; /* 1: without weight it loses the clients that persistence binds to it, too */
	__u32 spare3;
	__u8 tunnel_source[16]; /* outer source address where the kernel's route lookup does not tell it; of the server's family */
};

struct server {
	__u8 address[16]; /* [control] */
	__be16 port; /* [control] */
	__u8 family; /* [control] */
	__u8 slot_state; /* [control] */
	__u32 service; /* [control] slot */
	__u32 next; /* [control] slot of the next server of the service, 0: last */
	__u32 version; /* [control] */
	struct server_options options[2]; /* [control] */
	struct service_key owner; /* [control] the service's key: how a deleted server is known again */
	__u64 deleted; /* [control] CLOCK_MONOTONIC ns of the deletion */
	__s32 active; /* [packet] */
	__s32 inactive; /* [packet] */
	__s32 persistent; /* [packet] */
	__u32 overloaded; /* [packet] */
	__u32 stamp; /* [control] given when the slot was taken: tells it from the slot's server before and after */
	__u32 last_weight; /* [control] the last one that was not 0: mh's, so that a quiesced server keeps its places */
};

/* Places of mh's lookup table: a prime, and the one that Linux takes unless it is configured otherwise. */
#define MAGLEV_SIZE 4093

/* mh: which server each place belongs to, 0: none has a weight. Written whole, and exchanged whole. */
struct maglev {
	__u16 server[MAGLEV_SIZE]; /* [control] slots */
};

_Static_assert(MAX_SERVERS <= 1 << 16, "a slot fits");

/* lblc, lblcr: what a destination address's connections were last given. */
struct locality_key {
	__be32 address[4]; /* IPv4 in the first */
	__u32 service; /* slot */
	__u32 stamp; /* the service's cache_stamp */
};

/* Servers of one destination, the last one added first; 0: none. lblc has one, lblcr as many as it took. */
#define LOCALITY_SERVERS 32

struct locality {
	__u64 used; /* [packet] CLOCK_MONOTONIC ns */
	__u64 modified; /* [packet] when a server was added or removed */
	__u64 server[LOCALITY_SERVERS]; /* [packet] stamp in the upper half, slot in the lower */
	struct bpf_spin_lock lock; /* of `server` and `count`, for writers */
	__u32 count; /* [packet] */
};

/* Who removes what lblc and lblcr have not used for long. */
struct locality_keeper {
	struct bpf_timer timer;
	__u64 entries; /* [packet] of all services; 0: nothing to do */
	__u64 ticks; /* its minutes */
};

/* A local address of full NAT: services share it, and a connection's record names it by its slot. */
struct local_address {
	__u8 address[16]; /* [control] */
	__u8 family; /* [control] */
	__u8 slot_state; /* [control] free or live: whether it may be given out again depends on the counts */
	__u16 services; /* [control] that have it */
	__s32 connections; /* [packet] */
	__u64 spare;
};

/* One CPU's counts of one service or server. */
struct counters {
	__u64 connections;
	__u64 in_packets;
	__u64 out_packets;
	__u64 in_bytes;
	__u64 out_bytes;
};

/*
 * What the estimator knows of a service or server, or (entry 0) of all services together. Its averages are fixed-point
 * numbers, as IPVS's: see rates.h and src/ipvs/rates.ts.
 */
struct rates {
	struct counters last; /* [estimator] when it looked last */
	struct counters average; /* [estimator] */
	__u32 reset; /* [control] times that the counters were set to zero */
	__u32 seen; /* [estimator] of these; while they differ, all rates are zero */
};

/* The estimator: its timer, and how far it has come in its pass through the table. */
struct estimator {
	struct bpf_timer timer;
	__u64 start; /* of this pass, CLOCK_MONOTONIC ns */
	struct counters total; /* of the services that it has looked at in this pass */
	__u32 block; /* the one that comes next */
	__u32 spare;
};

/*
 * A flow as a packet shows it, before it is rewritten; an IPv4 address is the first word, the others are 0. A template's
 * has the client's network and a client port of 0; a firewall mark's has the mark for an address and 0 for the protocol.
 * As it is, the key of an IPv6 flow.
 */
struct flow {
	__be32 saddr[4];
	__be32 daddr[4];
	__be16 sport;
	__be16 dport;
	__u8 protocol;
	__u8 kind;
	__u8 family;
	__u8 spare;
};

/* The key of an IPv4 flow. */
struct flow4 {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u8 protocol;
	__u8 kind;
	__u16 spare;
};

/*
 * A flow's connection. The request flow (client to virtual service) always stands; with NAT a reply flow (server to
 * client) beside it. `tag` is the connection's generation and, in its lowest bit, enum sluice_side: a flow that was found
 * just before its connection ended is told from the record's next one.
 */
struct flow_entry {
	__u32 connection;
	__u32 tag;
};

/*
 * A connection, or a template: one cache line. Records are numbered from 1; a free one keeps its generation. The server's
 * address is in the server's record, whose slot no other server gets while a connection has it.
 */
struct connection {
	__u64 expires; /* [packet] CLOCK_MONOTONIC ns */
	__u32 status; /* [packet] enum sluice_state and enum sluice_status, changed only by compare-and-swap */
	__u32 generation; /* [packet] 31 bits */
	__u32 server; /* slot; 0: it has none, by method */
	__u32 in_packets; /* [packet] */
	__u32 next[2]; /* [packet] the next one in the wheel's bucket, by link: a reference as in struct wheel */
	__u32 parent; /* a connection: the template that it counts on, 0: none; a template: seconds it lives after its last use */
	__u32 children; /* [packet] a template: connections that count on it. Balanced, so never set */
	__be32 caddr; /* IPv4 only */
	__be32 vaddr; /* IPv4 only */
	__be16 cport;
	__be16 vport;
	__be16 dport; /* the server's */
	__be16 lport; /* full NAT: the director's; a template: its enum sluice_engine */
	__u8 protocol;
	__u8 family;
	__u8 method;
	__u8 kind;
	__u16 look; /* [packet] the tick, modulo 2^16, at which the wheel comes by next[0] */
	__u16 local; /* full NAT: the director's address; direct routing, tunnels: 1, if the director is the client, else 0 */
};

/*
 * What is picked for a packet: the server, its port and the template of the connection that is to be made; with one-packet
 * scheduling, what stands for its connection.
 */
struct picked {
	struct connection connection;
	__u32 service; /* slot */
	__u32 spare;
};

struct connection6 {
	struct connection connection;
	__be32 caddr[4];
	__be32 vaddr[4];
};

/* What became of an arrival. */
enum sluice_arrival {
	SLUICE_ARRIVAL_NONE = 0, /* there is none */
	SLUICE_ARRIVAL_PENDING = 1,
	SLUICE_ARRIVAL_MADE = 2,
	SLUICE_ARRIVAL_UPDATED = 3,
	SLUICE_ARRIVAL_NO_SERVER = 4, /* the server was deleted */
	SLUICE_ARRIVAL_FULL = 5, /* no room */
	SLUICE_ARRIVAL_OTHER = 6, /* another connection stands in its place */
};

/* A connection or template that another director told of. */
struct arrival {
	struct flow request;
	__u32 server; /* slot */
	__u32 timeout; /* seconds */
	__u32 packets;
	__u32 status; /* enum sluice_state, and SLUICE_STATUS_INACTIVE */
	__u32 result; /* enum sluice_arrival */
	__be16 dport;
	__u16 resync; /* 1: not news: what lives here knows better */
	__u32 lasts; /* a template: seconds it lives after its last use */
	__u32 spare;
};

/*
 * What was put into, or taken out of, the bytes of one direction: sequence numbers up to `at` (as the sender counts) are
 * shifted by `before`, those behind it by `after`.
 */
struct adjustment {
	__u32 at;
	__s32 before;
	__s32 after;
	__u32 settled; /* the receiver has all up to the change: `after` holds for whatever comes */
};

/* Beside a TCP connection whose bytes the director changes; by the connection's reference. */
struct stream {
	__u32 generation; /* the connection's */
	__u8 client_address; /* enum sluice_client_address */
	__u8 sent; /* the client's address, at least once */
	__u8 ftp; /* 1: a control connection of FTP, whose lines announce others */
	__u8 spare;
	__u32 high; /* the end of what the client has sent */
	__u32 echoed; /* sequence number of the packet that follows its TOA packet */
	struct adjustment adjust[2]; /* by enum sluice_side */
};

/* A data connection of FTP that a server has told its client to open: from any port of the client's. */
struct expectation_key {
	__be32 caddr[4];
	__be32 vaddr[4];
	__be16 vport;
	__u8 family;
	__u8 spare;
};

struct expectation {
	__u64 expires; /* CLOCK_MONOTONIC ns */
	__u32 parent; /* the control connection */
	__u32 generation; /* its */
	__u32 server; /* slot */
	__be16 dport;
	__u16 spare;
};

/* Room for a line of an FTP control connection, as it came and as it goes on, and for the numbers in it. */
#define FTP_LINE 128
struct ftp_scratch {
	__u8 in[FTP_LINE];
	__u8 out[FTP_LINE];
	__u32 number[8];
	__u32 count; /* numbers */
	__u32 digits; /* of the one that is being read */
	__u32 start, end; /* of the list of numbers in the line */
	__u32 length; /* of the line */
	__u32 written; /* bytes of `out` */
	struct expectation expected;
	__u64 opening[16]; /* the packet that would open an announced connection: too large for the stack at that depth */
};

/* Records of one family that were ever used: those from here on never were. */
struct watermark {
	__u32 top; /* [packet] */
	__u32 size; /* [control] records that there are, with number 0, which is none */
	__u32 used; /* [packet] now */
	__u32 spare;
};

/*
 * The wheel's hand: the one timer that ends connections. A bucket's head, and next[], refer to a connection by its
 * number, above two bits: 2 for IPv6, 1 for next[1]. 0 is the end.
 */
struct wheel_hand {
	struct bpf_timer timer;
	__u64 tick; /* that is being looked at */
	__u32 row; /* the next CPU's bucket of that tick */
	__u32 reference; /* the next connection of a bucket that was taken out */
	__u64 now; /* CLOCK_MONOTONIC ns */
	__u32 busy; /* did not come to the end of its work in one go */
	__u32 spare;
	__u64 defence; /* tick of the next look at the room in the table: see defence.h */
};

/* Which flow the fragments of a datagram belong to. */
struct fragment_key {
	__be32 saddr;
	__be32 daddr;
	__be16 id;
	__u8 protocol;
	__u8 spare;
};

struct fragment_ports {
	__be16 sport;
	__be16 dport;
};

/* IPv6: only the first fragment tells the protocol. */
struct fragment6_key {
	__be32 saddr[4];
	__be32 daddr[4];
	__be32 id;
};

struct fragment6_ports {
	__be16 sport;
	__be16 dport;
	__u8 protocol;
	__u8 spare[3];
};

enum sluice_hook {
	SLUICE_HOOK_NONE = 0, /* looked at and left alone: a bridge's or bond's port, or no Ethernet device */
	SLUICE_HOOK_TCX = 1, /* a pinned TCX link */
	SLUICE_HOOK_CLSACT = 2, /* a filter of the clsact qdisc, before Linux 6.6 */
};

/* A network device that attach has dealt with. */
struct attachment {
	__u32 hook; /* [control] enum sluice_hook */
	__u32 own_qdisc; /* [control] 1: the clsact qdisc is ours to remove */
	__u64 since; /* [control] CLOCK_REALTIME ns */
	__u32 output; /* [control] 1: a program stands at its egress too, for servers on the director itself */
	__u8 fast; /* [control] enum sluice_fast */
	__u8 asked; /* [control] 1: the mode was asked for, else it was chosen by looking at the device */
	__u16 fixed; /* [control] enum sluice_fix: what detach undoes */
};

/* The fast path in front of a device's hook. */
enum sluice_fast {
	SLUICE_FAST_NONE = 0,
	SLUICE_FAST_NATIVE = 1, /* XDP in the driver */
	SLUICE_FAST_GENERIC = 2, /* XDP in the stack */
};

/* What was changed about a device for the fast path's sake. */
enum sluice_fix {
	SLUICE_FIX_LRO = 1, /* switched off */
	SLUICE_FIX_RX_VLAN = 2, /* switched off: the device took VLAN tags off its frames */
	SLUICE_FIX_PEER_TX = 4, /* switched off at a veth's other end: checksums were left to this device */
	SLUICE_FIX_PEER_GRO = 8, /* switched on at a veth's other end, which receives frames of XDP only so */
};

/* What the fast path knows of devices; one stands in the entry of the lower bits of its index. */
#define FAST_DEVICES 4096

enum sluice_fast_device {
	SLUICE_FAST_DEVICE_FRAMES = 1, /* frames of native XDP can be sent by it */
	SLUICE_FAST_DEVICE_PACKETS = 2, /* and those of generic XDP, which are the stack's packets */
	SLUICE_FAST_DEVICE_BACK = 4, /* what came in by it can go out by it straight away (XDP_TX) */
};

struct fast_device {
	__u32 ifindex; /* [control] 0: nothing is known */
	__u8 address[6]; /* [control] frames for another one are not ours */
	__u8 takes; /* [control] enum sluice_fast_device */
	__u8 needs; /* [control] what a device has to take that what came in by this one goes out by */
	__u32 spare;
};

/* One CPU's allowance of generated ICMP errors. */
struct icmp_budget {
	__u64 second;
	__u64 sent;
};

/* What one CPU has begun in this second: conn_rate. */
struct opening_budget {
	__u64 second;
	__u64 begun;
};

/*
 * The parameters net.ipv4.vs.* of this table: indices of settings.sysctl. What each takes, and what it does here, is in
 * src/ipvs/sysctls.ts and docs/sysctls.md. All are C's int, as the kernel's are.
 */
enum sluice_sysctl {
	SLUICE_SYSCTL_AM_DROPRATE = 0,
	SLUICE_SYSCTL_AMEMTHRESH = 1,
	SLUICE_SYSCTL_BACKUP_ONLY = 2,
	SLUICE_SYSCTL_CACHE_BYPASS = 3,
	SLUICE_SYSCTL_CONN_REUSE_MODE = 4,
	SLUICE_SYSCTL_CONNTRACK = 5,
	SLUICE_SYSCTL_DROP_ENTRY = 6,
	SLUICE_SYSCTL_DROP_PACKET = 7,
	SLUICE_SYSCTL_EST_NICE = 8,
	SLUICE_SYSCTL_EXPIRE_NODEST_CONN = 9,
	SLUICE_SYSCTL_EXPIRE_QUIESCENT_TEMPLATE = 10,
	SLUICE_SYSCTL_IGNORE_TUNNELED = 11,
	SLUICE_SYSCTL_LBLC_EXPIRATION = 12, /* seconds */
	SLUICE_SYSCTL_LBLCR_EXPIRATION = 13, /* seconds */
	SLUICE_SYSCTL_NAT_ICMP_SEND = 14,
	SLUICE_SYSCTL_PMTU_DISC = 15,
	SLUICE_SYSCTL_RUN_ESTIMATION = 16,
	SLUICE_SYSCTL_SCHEDULE_ICMP = 17,
	SLUICE_SYSCTL_SECURE_TCP = 18,
	SLUICE_SYSCTL_SLOPPY_SCTP = 19,
	SLUICE_SYSCTL_SLOPPY_TCP = 20,
	SLUICE_SYSCTL_SNAT_REROUTE = 21,
	SLUICE_SYSCTL_SYNC_PERSIST_MODE = 22,
	SLUICE_SYSCTL_SYNC_PORTS = 23,
	SLUICE_SYSCTL_SYNC_QLEN_MAX = 24, /* unsigned */
	SLUICE_SYSCTL_SYNC_REFRESH_PERIOD = 25, /* seconds */
	SLUICE_SYSCTL_SYNC_RETRIES = 26,
	SLUICE_SYSCTL_SYNC_SOCK_SIZE = 27,
	SLUICE_SYSCTL_SYNC_THRESHOLD = 28, /* sync_threshold's first number */
	SLUICE_SYSCTL_SYNC_PERIOD = 29, /* sync_threshold's second number */
	SLUICE_SYSCTL_SYNC_VERSION = 30,
	SLUICE_SYSCTL_CONN_RATE = 31, /* ours: connections that one CPU begins in a second; 0: any number */
	SLUICE_SYSCTL_COUNT = 32,
};

struct settings {
	__u32 layout; /* [control] LAYOUT_VERSION */
	__u32 journal; /* [control] not 0: a command died in the middle of an edit; the next one repairs */
	__u64 order; /* [control] given to the next service */
	__u32 timeout[32]; /* [control] seconds, by enum sluice_state */
	__u64 netns_cookie; /* [control] */
	__u64 attached; /* [control] CLOCK_REALTIME ns */
	__u32 manual; /* [control] 1: devices were named by hand, so none is attached by itself */
	__u32 trash; /* [control] servers in the trash */
	__u32 service_top; /* [control] slots from here on were never used */
	__u32 server_top; /* [control] likewise */
	__u32 saved_forwarding; /* [control] conf.lo.forwarding before we set it, +1; 0: not ours to undo */
	__u32 saved_accept_local; /* [control] likewise */
	__u32 saved_forwarding6; /* [control] likewise, of IPv6 */
	__u32 spare2;
	__u32 sysctl[48]; /* [control] by enum sluice_sysctl */
	__u32 stamp; /* [control] the last one given */
	__u16 local_port_low; /* [control] full NAT: the ports that it takes of its local addresses */
	__u16 local_port_high; /* [control] the last one */
	/* [control] services of these kinds: packets look for one of them only where there is any */
	__u32 mark_services;
	__u32 ftp_services;
	__u32 portless_services;
	__u32 mark_rules; /* [control] how many rules of marks there are, and with MARK_RULES_BANK, which half of the map has them */
	__u32 service_timeouts; /* [control] 1: some service has timeouts of its own */
	__u32 secure_tcp; /* [timer] 1: TCP's states are those of secure_tcp */
	__u32 drop_rate; /* [timer] one of so many packets that would begin a connection is dropped; 0: none */
	__u32 drop_count; /* [packet] of such packets */
	__u32 local_servers; /* [control] 1: servers of NAT are on the director itself, so devices have the program at egress too */
	__u32 spare_word;
	__u64 backup_until; /* [control] CLOCK_MONOTONIC ns: until then a backup daemon is known to run */
	__u64 spare;
};

/*
 * Which generation of the program is in force, of those that stand at devices while one takes another's place: see turn.h.
 * Every version of Sluice finds these three words here.
 */
struct turn {
	__u32 generation; /* [control] */
	__u32 held; /* [control] enum sluice_hold, while `until` is ahead */
	__u64 until; /* [control] CLOCK_MONOTONIC ns */
};

/* What waits while a table is carried over. */
enum sluice_hold {
	SLUICE_HOLD_TIMERS = 1,
	SLUICE_HOLD_PACKETS = 2, /* dropped: their senders send them again */
};

/* Slots of a program's successors. */
enum sluice_successor {
	SLUICE_SUCCESSOR_INGRESS = 0,
	SLUICE_SUCCESSOR_EGRESS = 1,
	SLUICE_SUCCESSOR_COUNT = 2,
};

/* What a program and its maps are. */
struct self {
	__u32 generation; /* [control] */
	__u32 spare;
	__u8 object[32]; /* [control] SHA-256 of the compiled object that it was loaded from */
};

/* Calls that templates are kept of. */
#define MAX_CALLS 65536
/* The longest Call-ID. */
#define CALL_ID 255
/* So much of a SIP message is searched for it; a power of two. */
#define SIP_TEXT 2048

/* The key of a template of the persistence engine "sip": its flow, and the call. */
struct call_key {
	struct flow flow;
	__u32 length;
	__u8 id[CALL_ID + 1];
};

/* Where a CPU reads a message. */
struct call_scratch {
	struct call_key key;
	__u8 text[SIP_TEXT];
};

/* Rules of marks that there may be. A set of them is written whole into the half of the map that is not in use. */
#define MAX_MARK_RULES 256
#define MARK_RULES_BANK 0x80000000

/* Which packets get a firewall mark for the choice of their service. */
struct mark_rule {
	__be32 source[4]; /* [control] IPv4 in the first word */
	__be32 source_mask[4];
	__be32 destination[4];
	__be32 destination_mask[4];
	__u32 mark;
	__u32 ifindex; /* of the device by which the packet came in, 0: any */
	__u16 sport[2]; /* lowest and highest, in this machine's byte order */
	__u16 dport[2];
	__u8 protocol; /* 0: any */
	__u8 family; /* 0: any */
	__u8 spare[6];
	__u8 device[16]; /* its name: the device may be made anew */
};

/* Never read: it puts the enumerations above into the object's type information, from which their TypeScript is made. */
struct vocabulary {
	enum sluice_protocol protocol;
	enum sluice_family family;
	enum sluice_scheduler scheduler;
	enum sluice_method method;
	enum sluice_tunnel tunnel;
	enum sluice_service_flag service_flag;
	enum sluice_slot slot;
	enum sluice_state state;
	enum sluice_status status;
	enum sluice_kind kind;
	enum sluice_template template;
	enum sluice_side side;
	enum sluice_drop drop;
	enum sluice_event event;
	enum sluice_hook hook;
	enum sluice_fast fast;
	enum sluice_fix fix;
	enum sluice_fast_device fast_device;
	enum sluice_sysctl sysctl;
	enum sluice_engine engine;
	enum sluice_timeout timeout;
	enum sluice_tunnel_flag tunnel_flag;
	enum sluice_client_address client_address;
	enum sluice_arrival arrival;
	enum sluice_hold hold;
	enum sluice_successor successor;
};

#endif
