/* Stands between ipvsadm and what it reads, so that it can be asked how it prints figures and names that an idle machine
 * does not have: FAKE_COUNTERS are ten figures, by the number of their netlink attribute (connections, packets in and out,
 * bytes in and out, then their rates), FAKE_NAME is the name of every address, FAKE_CONNECTIONS a file in place of
 * /proc/net/ip_vs_conn. Built and preloaded by record.mjs. Only for --stats, --rate, names and -c: other attributes have
 * the same numbers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nlattr {
	uint16_t length;
	uint16_t type;
};

/* Whether there is a figure for the attribute, and which. */
static int fake(const struct nlattr *attribute, uint64_t *value)
{
	char *at = getenv("FAKE_COUNTERS");

	if (!at)
		return 0;
	for (int type = 1; type <= 10; type++) {
		*value = strtoull(at, &at, 10);
		if ((attribute->type & 0x3fff) == type)
			return 1;
		at += *at == ',';
	}
	return 0;
}

uint64_t nla_get_u64(const struct nlattr *attribute)
{
	uint64_t (*real)(const struct nlattr *) = dlsym(RTLD_NEXT, "nla_get_u64");
	uint64_t value;

	return fake(attribute, &value) ? value : real(attribute);
}

uint32_t nla_get_u32(const struct nlattr *attribute)
{
	uint32_t (*real)(const struct nlattr *) = dlsym(RTLD_NEXT, "nla_get_u32");
	static int calls;
	uint64_t value;

	/* the first two are IPVS's version and the table's size; 5 is a firewall mark, and among the figures 64 bits wide */
	if (calls++ < 2 || (attribute->type & 0x3fff) == 5 || !fake(attribute, &value))
		return real(attribute);
	return value;
}

struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
	static struct hostent host;
	char *name = getenv("FAKE_NAME");

	if (!name) {
		struct hostent *(*real)(const void *, socklen_t, int) = dlsym(RTLD_NEXT, "gethostbyaddr");
		return real(address, length, family);
	}
	host.h_name = name;
	return &host;
}

FILE *fopen(const char *path, const char *mode)
{
	FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen");
	const char *fake = getenv("FAKE_CONNECTIONS");

	return real(fake && !strcmp(path, "/proc/net/ip_vs_conn") ? fake : path, mode);
}
