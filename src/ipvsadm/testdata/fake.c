/* Stands between ipvsadm and what it reads, so that it can be asked how it prints figures and names that an idle machine
 * does not have: FAKE_COUNTERS is a comma-separated list of 64-bit figures that it gets in turn, FAKE_NAME the name of
 * every address, FAKE_CONNECTIONS a file in place of /proc/net/ip_vs_conn. Built and preloaded by record.mjs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nlattr;

uint64_t nla_get_u64(const struct nlattr *attribute)
{
	static const char *at;
	const char *list = getenv("FAKE_COUNTERS");

	if (!list) {
		uint64_t (*real)(const struct nlattr *) = dlsym(RTLD_NEXT, "nla_get_u64");
		return real(attribute);
	}
	if (!at || !*at)
		at = list;
	char *end;
	uint64_t value = strtoull(at, &end, 10);
	at = *end == ',' ? end + 1 : end;
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
