/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of one network namespace. Every map is pinned, so it outlives all processes and its timers go on.
 * The mmapable arrays are the control plane's shared memory: a listing or an edit costs no system call.
 */
#ifndef SLUICE_MAPS_H
#define SLUICE_MAPS_H

#include "records.h"

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

/* Key to slot. Only this insertion or deletion makes a service visible to packets. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_SERVICES);
	__type(key, struct service_key);
	__type(value, __u32);
} service_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_SERVERS);
	__type(key, __u32);
	__type(value, struct server);
} servers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * MAX_MARK_RULES);
	__type(key, __u32);
	__type(value, struct mark_rule);
} mark_rules SEC(".maps");

/* mh's lookup tables, by service slot. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct maglev);
} maglev SEC(".maps");

/* What lblc and lblcr remember, of all services. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_LOCALITIES);
	__type(key, struct locality_key);
	__type(value, struct locality);
} localities SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locality_keeper);
} locality_keeper SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_LOCALS);
	__type(key, __u32);
	__type(value, struct local_address);
} local_addresses SEC(".maps");

/*
 * Counters of every slot on every CPU: entry cpu * (MAX_SERVICES + MAX_SERVERS) + slot, servers after services. A plain
 * array instead of a per-CPU one: its lookup is inlined on 6.1 too, and commands sum it without a system call. The
 * loader multiplies max_entries by the number of possible CPUs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_SERVICES + MAX_SERVERS);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

/* What `ipvsadm -Z` subtracts, one entry a slot; entry 0: from the totals. Packets never look here. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_SERVICES + MAX_SERVERS);
	__type(key, __u32);
	__type(value, struct counters);
} counter_bases SEC(".maps");

/* Rates of every slot, numbered like the counters of one CPU. Packets never look here. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_SERVICES + MAX_SERVERS);
	__type(key, __u32);
	__type(value, struct rates);
} rates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct estimator);
} estimator SEC(".maps");

/* Drops by reason and events by kind, one row of 64 a CPU; the loader multiplies by the number of CPUs. */
#define TALLIES 64
#define EVENT_TALLY 32
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TALLIES);
	__type(key, __u32);
	__type(value, __u64);
} tallies SEC(".maps");

/*
 * Flow to connection, two entries with NAT; preallocated: an insertion among a million costs a quarter of what it costs in
 * a table that allocates, and a full table is a clean refusal. Never an LRU map: that evicts one half of a NAT pair.
 * The loader sets the sizes of these, of the connections and of the free ones.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * DEFAULT_CONNECTIONS);
	__type(key, struct flow4);
	__type(value, struct flow_entry);
} flows4 SEC(".maps");

/* Allocates as it goes: who has no IPv6 pays only for the buckets. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2 * DEFAULT_CONNECTIONS);
	__type(key, struct flow);
	__type(value, struct flow_entry);
} flows6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DEFAULT_CONNECTIONS + 1);
	__type(key, __u32);
	__type(value, struct connection);
} connections4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DEFAULT_CONNECTIONS + 1);
	__type(key, __u32);
	__type(value, struct connection6);
} connections6 SEC(".maps");

/* Allocates as it goes: others than connections whose bytes are changed pay only for the buckets. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DEFAULT_CONNECTIONS);
	__type(key, __u32);
	__type(value, struct stream);
} streams SEC(".maps");

/* An LRU map does here: a lost entry costs one data connection. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, DEFAULT_EXPECTATIONS);
	__type(key, struct expectation_key);
	__type(value, struct expectation);
} expectations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ftp_scratch);
} ftp_scratch SEC(".maps");

/* Records that were used and are free; the last one freed is the first one used, while the caches know it. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, DEFAULT_CONNECTIONS);
	__type(value, __u32);
} free4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, DEFAULT_CONNECTIONS);
	__type(value, __u32);
} free6 SEC(".maps");

/* IPv4, IPv6. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct watermark);
} watermarks SEC(".maps");

/* Connections that another director told of, on their way into the table. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_ARRIVALS);
	__type(key, __u32);
	__type(value, struct arrival);
} arrivals SEC(".maps");

/* Heads of the buckets, a row a CPU; the loader multiplies by the number of possible CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WHEEL_BUCKETS);
	__type(key, __u32);
	__type(value, __u32);
} wheel SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wheel_hand);
} wheel_hands SEC(".maps");

/* Templates of the persistence engine "sip" by their call, and the calls by a reference to their template. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_CALLS);
	__type(key, struct call_key);
	__type(value, struct flow_entry);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_CALLS);
	__type(key, __u32);
	__type(value, struct call_key);
} call_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct call_scratch);
} call_scratch SEC(".maps");

/* One packet's, from the choice of its server on. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct picked);
} picked SEC(".maps");

/* An LRU map does here: a lost entry costs one datagram. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, DEFAULT_FRAGMENTS);
	__type(key, struct fragment_key);
	__type(value, struct fragment_ports);
} fragments4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, DEFAULT_FRAGMENTS);
	__type(key, struct fragment6_key);
	__type(value, struct fragment6_ports);
} fragments6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct icmp_budget);
} icmp_budgets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct opening_budget);
} opening_budgets SEC(".maps");

/* Devices by index. Commands only. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct attachment);
} attachments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FAST_DEVICES);
	__type(key, __u32);
	__type(value, struct fast_device);
} fast_devices SEC(".maps");

/* The programs of the next generation, from the moment on when it is about to take over. Never shared with it. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SLUICE_SUCCESSOR_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} successors SEC(".maps");

/* This generation. Never shared with another. Commands only. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct self);
} self SEC(".maps");

/* Shared by all generations of a table; mmapable, as every section of data is. */
volatile struct turn turn SEC(".data.turn");

/* Set by the loader; in a section of their own, so that they stand alike in each object. */
const volatile __u32 generation SEC(".rodata.loader") = 0; /* this program's */
const volatile __u8 fib_gives_source SEC(".rodata.loader") = 0; /* the kernel's route lookup can tell the source address (6.7 and newer) */

const volatile __u32 cpus SEC(".rodata.loader") = 1; /* possible ones: rows of the counters and tallies */
/* How many slots the estimator looks at in a row; divides MAX_SERVICES and MAX_SERVERS. The more CPUs, the fewer. */
const volatile __u32 estimator_rows SEC(".rodata.loader") = 256;

const volatile struct vocabulary vocabulary = {};

#endif
