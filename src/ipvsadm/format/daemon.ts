import type { SyncDaemon } from '../../ipvs/types.js'

/** `ipvsadm -L --daemon`: a line for each synchronization daemon that runs. */
export function daemonText(daemons: readonly SyncDaemon[]): string {
  return daemons
    .map(({ state, interface: device, syncid, maxLength, group, port, ttl }) => {
      const values = `mcast=${device}, syncid=${syncid}, maxlen=${maxLength}, group=${group}, port=${port}, ttl=${ttl}`
      return `${state} sync daemon (${values})\n`
    })
    .join('')
}
