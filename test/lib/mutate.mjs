// Mutations of packets: what a broken host, a broken wire or somebody with time on their hands would send.
import { ETH_LEN, internetChecksum, Protocol } from './packet.mjs'

const edges = [0, 1, 2, 4, 5, 6, 15, 17, 19, 20, 21, 22, 27, 28, 63, 64, 127, 128, 132, 253, 254, 255]
const wideEdges = [
  0, 1, 7, 8, 20, 21, 28, 40, 53, 80, 1400, 1480, 1500, 8192, 0x1fff, 0x2000, 0x4000, 0x7fff, 0x8000, 0xffff,
]

/**
 * A frame with one to five changes; its checksums are made right again more often than not, for a packet with a wrong one
 * is looked at no further by many.
 * @param {(limit: number) => number} rand @param {Buffer} original @param {Buffer[]} others frames to take parts of
 */
export function mutate(rand, original, others) {
  let data = Buffer.from(original)
  const pick = (all) => all[rand(all.length)]
  const at = (from = 0, width = 1) => from + rand(Math.max(1, data.length - from - width))
  const changes = [
    () => {
      data[at()] ^= 1 << rand(8)
    },
    () => {
      // most of what matters stands in the first bytes behind the link header
      data[ETH_LEN + rand(Math.min(80, data.length - ETH_LEN))] = rand(2) ? rand(256) : pick(edges)
    },
    () => {
      const place = ETH_LEN + 2 * rand(Math.floor(Math.min(80, data.length - ETH_LEN) / 2))
      if (place + 2 <= data.length) data.writeUInt16BE(rand(2) ? rand(0x10000) : pick(wideEdges), place)
    },
    () => data.writeUInt16BE(pick([0, 0x2000, 0x4000, 0x8000, 0x2001, 1, 2, 3, 185, rand(0x2000)]), ETH_LEN + 6),
    () => data.writeUInt16BE(pick([...wideEdges, data.length - ETH_LEN, data.length]), ETH_LEN + 2),
    () => {
      data[ETH_LEN] = pick([0x40 | rand(16), 0x45, 0x46, 0x4f, 0x60, rand(256)])
    },
    () => {
      data[ETH_LEN + 9] = pick([1, 6, 17, 4, 47, 50, 132, rand(256)])
    },
    () => {
      data = data.subarray(0, Math.max(ETH_LEN + 20, at(ETH_LEN)))
    },
    () => {
      data = Buffer.concat([data, Buffer.from(Array.from({ length: rand(200) }, () => rand(256)))])
    },
    () => {
      const other = pick(others)
      const from = rand(other.length)
      const length = 1 + rand(Math.min(40, other.length - from))
      other.copy(data, Math.min(from, data.length), from, from + length)
    },
    () => {
      // a part once more
      const from = at()
      const part = data.subarray(from, from + rand(40))
      data = Buffer.concat([data.subarray(0, from), part, data.subarray(from)])
    },
    () => {
      // a part less
      const from = at(ETH_LEN)
      data = Buffer.concat([data.subarray(0, from), data.subarray(from + rand(20))])
    },
  ]
  for (let count = 1 + rand(1 + rand(5)); count > 0; count -= 1) {
    pick(changes)()
    if (data.length < ETH_LEN + 20) data = Buffer.concat([data, Buffer.alloc(ETH_LEN + 20 - data.length)])
  }
  if (data.length > 3000) data = data.subarray(0, 3000)
  data = Buffer.from(data)
  if (rand(4) > 0) mend(data)
  return data
}

/** Makes an IPv4 packet's checksums right, where it is one, and as far as it is there. */
function mend(data) {
  const packet = data.subarray(ETH_LEN)
  const ihl = (packet[0] & 15) * 4
  if (packet[0] >> 4 !== 4 || ihl < 20 || ihl > packet.length) return
  packet.writeUInt16BE(0, 10)
  packet.writeUInt16BE(internetChecksum(packet.subarray(0, ihl)), 10)
  const length = packet.readUInt16BE(2)
  if (packet.readUInt16BE(6) & 0x3fff || length > packet.length || length < ihl) return
  const rest = packet.subarray(ihl, length)
  const place = { [Protocol.TCP]: 16, [Protocol.UDP]: 6, [Protocol.ICMP]: 2 }[packet[9]]
  if (place === undefined || rest.length < place + 2 || (packet[9] === Protocol.TCP && rest.length < 20)) return
  rest.writeUInt16BE(0, place)
  const pseudo = Buffer.concat([
    packet.subarray(12, 20),
    Buffer.from([0, packet[9], rest.length >> 8, rest.length & 255]),
  ])
  const sum = packet[9] === Protocol.ICMP ? internetChecksum(rest) : internetChecksum(pseudo, rest)
  rest.writeUInt16BE(packet[9] === Protocol.UDP ? sum || 0xffff : sum, place)
}
