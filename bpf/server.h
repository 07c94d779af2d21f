/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings and real servers, as the datapath reads them, and the counts that it keeps of a server's connections. */
#ifndef SLUICE_SERVER_H
#define SLUICE_SERVER_H

#include "counters.h"

always_inline struct settings *settings_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

always_inline struct service *service_get(__u32 slot)
{
	return bpf_map_lookup_elem(&services, &slot);
}

always_inline const struct service_options *service_options_get(const struct service *service)
{
	return &service->options[*(const volatile __u32 *)&service->version & 1];
}

/* A parameter of net.ipv4.vs.*, by enum sluice_sysctl. */
always_inline int sysctl_get(enum sluice_sysctl which)
{
	struct settings *s = settings_get();

	return s ? *(volatile int *)&s->sysctl[which] : 0;
}

/* Does the director leave clients' packets alone, being another one's backup (backup_only)? */
always_inline int backup_rests(void)
{
	struct settings *s = settings_get();

	return s && s->sysctl[SLUICE_SYSCTL_BACKUP_ONLY] && s->backup_until > bpf_ktime_get_coarse_ns();
}

/* Are TCP's states those of secure_tcp? */
always_inline int tcp_is_secured(void)
{
	struct settings *s = settings_get();

	return s && s->secure_tcp;
}

always_inline struct server *server_get(__u32 slot)
{
	return bpf_map_lookup_elem(&servers, &slot);
}

always_inline const struct server_options *server_options_get(const struct server *server)
{
	return &server->options[*(const volatile __u32 *)&server->version & 1];
}

/*
 * Sets and clears the overload flag as IPVS does: when the upper threshold is reached; and cleared below the lower one,
 * or below three quarters of the upper where no lower one is set.
 */
always_inline void server_judge_overload(struct server *server)
{
	const struct server_options *options = server_options_get(server);
	__u32 total = server->active + server->inactive;

	if (!options->upper) {
		if (server->overloaded)
			server->overloaded = 0;
	} else if (total >= options->upper) {
		server->overloaded = 1;
	} else if (server->overloaded) {
		if (options->lower ? total < options->lower : total * 4 < options->upper * 3)
			server->overloaded = 0;
	}
}

always_inline void server_bind(struct server *server)
{
	__sync_fetch_and_add(&server->inactive, 1);
	server_judge_overload(server);
}

always_inline void server_unbind(struct server *server, __u32 status)
{
	if (status & SLUICE_STATUS_INACTIVE)
		__sync_fetch_and_add(&server->inactive, -1);
	else
		__sync_fetch_and_add(&server->active, -1);
	server_judge_overload(server);
}

#endif
