// What sequences are made of: what Debian's kernel 6.1 has too. `twos` is not among its modules.

/**
 * @typedef {object} Features
 * @property {{ name: string, flags: string[] }[]} schedulers
 * @property {string[][]} tunnels the options of a tunnel to a real server
 */

/** @type {Features} */
export const features = {
  schedulers: Object.entries({
    ...{ rr: [], wrr: [], lc: [], wlc: [], sed: [], nq: [], fo: [], ovf: [], dh: [], lblc: [], lblcr: [] },
    ...{ sh: ['sh-port', 'sh-fallback'], mh: ['mh-port', 'mh-fallback'] },
  }).map(([name, flags]) => ({ name, flags })),
  tunnels: ['', ' --tun-type gre --tun-nocsum', ' --tun-type gre --tun-csum'].concat(
    ['nocsum', 'csum', 'remcsum'].map((checksum) => ` --tun-type gue --tun-port 6080 --tun-${checksum}`),
  ),
}
