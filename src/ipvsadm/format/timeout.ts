import type { Timeouts } from '../../ipvs/types.js'

/** `ipvsadm -L --timeout` */
export function timeoutText({ tcp, tcpFin, udp }: Timeouts): string {
  return `Timeout (tcp tcpfin udp): ${tcp} ${tcpFin} ${udp}\n`
}
