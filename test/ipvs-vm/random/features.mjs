// What sequences are made of. A feature takes part once Sluice's table takes its probe: nothing else has to be changed when
// one is built.
import { schedulers as built } from '../../../dist/index.js'

/** Schedulers of Debian's kernel, and the flags that each takes. `twos` is not among its modules. */
const known = {
  ...{ rr: [], wrr: [], lc: [], wlc: [], sed: [], nq: [], fo: [], ovf: [], dh: [], lblc: [], lblcr: [] },
  ...{ sh: ['sh-port', 'sh-fallback'], mh: ['mh-port', 'mh-fallback'] },
}

/** Features by name, each with the command that tells whether there is any such thing. */
const probes = {
  persistence: '-A -t 10.77.255.1:1 -s rr -p 50',
  onePacket: '-A -u 10.77.255.1:1 -s rr -o',
  fwmark: '-A -f 65535 -s rr',
  inet6: '-A -t [fd00:77::fff1]:1 -s rr',
  sctp: '--add-service --sctp-service 10.77.255.1:1 -s rr',
}

/**
 * @typedef {object} Features
 * @property {{ name: string, flags: string[] }[]} schedulers
 * @property {Set<string>} on names of probes
 */

/** @param {(line: string) => boolean} takes whether Sluice's table takes a command @returns {Features} */
export function features(takes) {
  return {
    schedulers: Object.entries(known)
      .filter(([name]) => built.has(name))
      .map(([name, flags]) => ({ name, flags })),
    on: new Set(Object.keys(probes).filter((name) => takes(probes[name]))),
  }
}
