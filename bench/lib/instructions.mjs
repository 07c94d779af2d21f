// Instructions a forwarded packet costs, counted by the virtual machine of test/ipvs-vm: the same on a busy machine.
import { join } from 'node:path'
import { root } from '../../scripts/lib/project.mjs'
import { runLong } from './process.mjs'

/** @typedef {{ name: string, overFloor: number, delivered: number }} Row */

const methods = { NAT: '-m', 'direct routing': '-g', 'IPIP tunnel': '-i' }

/** By which door packets come in, beside what it takes: native XDP stands on top of TC. */
const doors = { '': [], ', XDP': ['bin/sluice attach --mode xdp $OUT $IN'] }

/** What runs in the director's namespace there. @param {string} method @param {string[]} more */
const setUp = (method, more) => {
  const rules = ['-A -u $VIP:9 -s rr', ...['$RS1', '$RS2'].map((server) => `-a -u $VIP:9 -r ${server}:9 ${method}`)]
  return [`printf '%s\\n' ${rules.map((rule) => `"${rule}"`).join(' ')} | bin/ipvsadm -R`, ...more].join(' && ')
}

/**
 * @param {{ peers?: boolean, packets?: number }} [options] peers: kernel forwarding and kernel IPVS beside; packets: of each row
 * @returns {Promise<Row[]>}
 */
export async function instructions({ peers = true, packets = 50_000 } = {}) {
  if (process.arch !== 'x64') throw new Error('the virtual machine is x86-64')
  // the guest sees this machine's files, but for these two
  if (/^\/(tmp|run)\//.test(`${root}/`)) throw new Error(`the virtual machine does not see ${root}: use another folder`)
  const rows = Object.entries(doors).flatMap(([door, more]) =>
    Object.entries(methods).map(([name, method]) => `Sluice, ${name}${door}=cd '${root}' && ${setUp(method, more)}`),
  )
  const out = await runLong([join(root, 'test/ipvs-vm/instructions'), ...rows], {
    timeout: 900_000,
    echo: true,
    env: { PEERS: peers ? 'yes' : '', PACKETS: String(packets) },
  })
  return [...out.matchAll(/^(.+?) +(-?\d+) instructions a packet over the floor .*?(\d+) % delivered$/gm)].map(
    ([, name, count, delivered]) => ({ name: name ?? '', overFloor: Number(count), delivered: Number(delivered) }),
  )
}
