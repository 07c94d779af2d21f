// Packets in tunnels, written out from the RFCs: what the datapath puts in front of a packet is held against it.
import { ETH_LEN, internetChecksum, ipv4, ipv6, isIpv6, Protocol, udp } from './packet.mjs'

export const GUE_PORT = 6080

/** The tunnels by the names that `ipvsadm --tun-info` has for them; `overhead`: bytes behind the outer IP header. */
export const tunnelKinds = {
  ipip: { tunnel: { type: 'ipip' }, overhead: 0 },
  'gue:-c': { tunnel: { type: 'gue', port: GUE_PORT, checksum: 'none' }, overhead: 12 },
  'gue:+c': { tunnel: { type: 'gue', port: GUE_PORT, checksum: 'csum' }, overhead: 12 },
  'gre:-c': { tunnel: { type: 'gre', checksum: 'none' }, overhead: 4 },
  'gre:+c': { tunnel: { type: 'gre', checksum: 'csum' }, overhead: 8 },
}

/** The packet `inside` (bytes) in its tunnel. `sport`: GUE's source port; `id`: the outer one. Both are anything. */
export function wrapped(tunnel, inside, { source, destination, ttl, tos, sport, id }) {
  const kind = isIpv6(source) ? ipv6 : ipv4
  const inner = inside[0] >> 4 === 6 ? Protocol.IPV6 : Protocol.IPIP
  const outer = (protocol, payload) => kind({ source, destination, ttl, tos, protocol, payload, id })
  if (tunnel.type === 'ipip') return outer(inner, inside)
  if (tunnel.type === 'gue') {
    const payload = Buffer.concat([Buffer.from([0, inner, 0, 0]), inside])
    const checksum = tunnel.checksum === 'none' ? { checksum: 0 } : {}
    return outer(Protocol.UDP, udp({ source, destination, sport, dport: GUE_PORT, payload, ...checksum }))
  }
  const type = inner === Protocol.IPV6 ? '86dd' : '0800'
  const gre = Buffer.concat([
    Buffer.from(tunnel.checksum === 'none' ? `0000${type}` : `8000${type}00000000`, 'hex'),
    inside,
  ])
  if (tunnel.checksum !== 'none') gre.writeUInt16BE(internetChecksum(gre), 4)
  return outer(47, gre)
}

/** What is chance in a frame that left for a server of `net`: the outer id of IPv4, and GUE's source port. */
export const chances = (frame, net) => ({
  id: frame.readUInt16BE(ETH_LEN + 4),
  sport: frame.readUInt16BE(ETH_LEN + net.header),
})
