// Instructions a forwarded packet costs, counted by the virtual machine of test/ipvs-vm: the same on a busy machine.
import { join } from 'node:path'
import { root } from '../../scripts/lib/project.mjs'
import { runLong } from './process.mjs'

/** @typedef {{ name: string, overFloor: number, delivered: number }} Row */

/** With those that warm up, fewer than the table has room for. */
const OPENINGS = 20_000

const methods = { NAT: '-m', 'direct routing': '-g', 'IPIP tunnel': '-i' }

/** By which door packets come in, beside what it takes: native XDP stands on top of TC. */
const doors = { '': [], ', XDP': ['bin/sluice attach --mode xdp $OUT $IN'] }

/** What runs in the director's namespace there. @param {'-t' | '-u'} protocol @param {string} method @param {string[]} more */
const setUp = (protocol, method, more) => {
  const service = `${protocol} $VIP:9`
  const rules = [`-A ${service} -s rr`, ...['$RS1', '$RS2'].map((server) => `-a ${service} -r ${server}:9 ${method}`)]
  return [`printf '%s\\n' ${rules.map((rule) => `"${rule}"`).join(' ')} | bin/ipvsadm -R`, ...more].join(' && ')
}

/** @param {string[]} setUps name=commands @param {Record<string, string>} env @returns {Promise<Row[]>} */
async function count(setUps, env) {
  if (process.arch !== 'x64') throw new Error('the virtual machine is x86-64')
  // the guest sees this machine's files, but for these two
  if (/^\/(tmp|run)\//.test(`${root}/`)) throw new Error(`the virtual machine does not see ${root}: use another folder`)
  const command = [join(root, 'test/ipvs-vm/instructions'), ...setUps]
  const out = await runLong(command, { timeout: 900_000, echo: true, env })
  return [...out.matchAll(/^(.+?) +(-?\d+) instructions a packet over the floor .*?(\d+) % delivered$/gm)].map(
    ([, name, overFloor, delivered]) => ({
      name: name ?? '',
      overFloor: Number(overFloor),
      delivered: Number(delivered),
    }),
  )
}

/**
 * @param {{ peers?: boolean, packets?: number }} [options] peers: kernel forwarding and kernel IPVS beside; packets: of each row
 */
export function instructions({ peers = true, packets = 50_000 } = {}) {
  const rows = Object.entries(doors).flatMap(([door, more]) =>
    Object.entries(methods).map(
      ([name, method]) => `Sluice, ${name}${door}=cd '${root}' && ${setUp('-u', method, more)}`,
    ),
  )
  return count(rows, { PEERS: peers ? 'yes' : '', PACKETS: String(packets) })
}

/** The same of packets that open a connection each: SYNs, beside kernel IPVS. */
export const openings = () =>
  count(
    Object.entries(methods).map(([name, method]) => `Sluice, ${name}=cd '${root}' && ${setUp('-t', method, [])}`),
    { OPENING: 'yes', PACKETS: String(OPENINGS) },
  )
