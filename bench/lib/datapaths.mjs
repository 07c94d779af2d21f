// What is compared: each puts itself up in its director and says where clients connect.
import { join } from 'node:path'
import { root } from '../../scripts/lib/project.mjs'
import { atEnd, run } from './process.mjs'
import { startHaproxy, startNginxStream } from './proxies.mjs'
import { within } from './topology.mjs'

/** @typedef {import('./topology.mjs').Path} Path */

/**
 * @typedef {object} Datapath
 * @property {string} id also the director's host name
 * @property {string} name
 * @property {(path: Path) => void} setUp
 * @property {(path: Path) => string[]} http addresses that connections go to in turn
 * @property {(path: Path) => string} bulk where iperf3 connects
 */

const HTTP = 80
/** iperf3's; one server only, since its control and its data connection must meet. */
export const BULK = 5201

const ipvsadm = join(root, 'bin/ipvsadm')
const sluice = join(root, 'bin/sluice')

/** @type {Pick<Datapath, 'setUp' | 'http' | 'bulk'>} */
const routed = {
  setUp() {},
  // the servers' own addresses in turn: they share the load as behind a virtual service
  http: (path) => path.servers,
  bulk: (path) => /** @type {string} */ (path.servers[0]),
}

/** @type {Pick<Datapath, 'http' | 'bulk'>} */
const balanced = { http: (path) => [path.vip], bulk: (path) => path.vip }

/** Takes a host's Sluice away, with all that it has in the kernel. @param {string} host */
export const removeTable = (host) => run(within(host, process.execPath, sluice, 'detach', '--flush'))

/** @param {Path} path */
function sluiceNat({ director, vip, servers }) {
  const command = (/** @type {string[]} */ ...args) => run(within(director, process.execPath, ipvsadm, ...args))
  atEnd(() => removeTable(director))
  command('-A', '-t', `${vip}:${HTTP}`, '-s', 'rr')
  for (const server of servers) command('-a', '-t', `${vip}:${HTTP}`, '-r', `${server}:${HTTP}`, '-m')
  command('-A', '-t', `${vip}:${BULK}`, '-s', 'rr')
  command('-a', '-t', `${vip}:${BULK}`, '-r', `${servers[0]}:${BULK}`, '-m')
}

/** @param {Path} path */
function nftablesDnat({ director, vip, servers }) {
  const map = servers.map((server, i) => `${i} : ${server}`).join(', ')
  run(within(director, 'nft', '-f', '-'), {
    input: `table ip bench {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr ${vip} tcp dport ${HTTP} dnat to numgen inc mod ${servers.length} map { ${map} }
    ip daddr ${vip} tcp dport ${BULK} dnat to ${servers[0]}
  }
}
`,
  })
}

/** @param {Path} path */
const services = ({ servers }) => [
  { port: HTTP, servers },
  { port: BULK, servers: servers.slice(0, 1) },
]

/** The first is what the others are held against. @type {readonly [Datapath, ...Datapath[]]} */
export const datapaths = [
  { id: 'routing', name: 'plain kernel routing', ...routed },
  { id: 'sluice', name: 'Sluice, NAT', setUp: sluiceNat, ...balanced },
  { id: 'nftables', name: 'nftables DNAT', setUp: nftablesDnat, ...balanced },
  { id: 'haproxy', name: 'HAProxy, TCP', setUp: (path) => startHaproxy(path, services(path)), ...balanced },
  { id: 'nginx', name: 'nginx, stream', setUp: (path) => startNginxStream(path, services(path)), ...balanced },
  // the same thing twice: how far its ratio is from 1 is how far any of them may be
  { id: 'control', name: 'plain kernel routing, again', ...routed },
]

/**
 * Where a director's Sluice stands, and what it dropped.
 * @param {Path} path
 * @returns {{ attached: string, drops: Record<string, number> }}
 */
export function sluiceState({ director }) {
  const { devices, drops } = JSON.parse(run(within(director, process.execPath, sluice, 'status', '--json')))
  const out = devices.find((/** @type {{ device: string }} */ { device }) => device === 'out')
  return {
    attached: out?.reason ?? 'no device',
    drops: Object.fromEntries(Object.entries(drops).filter(([, packets]) => packets > 0)),
  }
}

/** Connections that a director's Sluice has scheduled. @param {Path} path */
export function sluiceConnections({ director }) {
  const listing = run(within(director, process.execPath, ipvsadm, '-Ln', '--stats', '--exact'))
  return [...listing.matchAll(/^TCP +\S+ +(\d+)/gm)].reduce((sum, [, connections]) => sum + Number(connections), 0)
}
