// One wire with everybody on it: a client, a director and real servers in namespaces, a bridge between them.
import { attachDecap, detachDecap, Table } from '../../dist/datapath/index.js'
import { Director } from '../../dist/index.js'
import { Host } from './host.mjs'
import { Namespace } from './netns.mjs'

export const VIP = '198.18.0.100'
export const VIP2 = '198.18.0.101'
export const CLIENT = '198.18.0.10'
export const CLIENT2 = '198.18.0.11'
/** Addresses of real servers 1, 2, … */
export const server = (number) => `198.18.1.${10 + number}`
export const PORT = 8000
/**
 * The same wire in either family. `address` is what a host gets beside its prefix length, `any` what a server listens on,
 * `way` the clients' net.
 */
export const wires = {
  IPv4: {
    ...{
      family: 'IPv4',
      VIP,
      VIP2,
      CLIENT,
      CLIENT2,
      server,
      any: '0.0.0.0',
      net: 24,
      host: 32,
      header: 20,
      second: '',
    },
    ...{ director: ['198.18.0.1', '198.18.1.1'], clients: '198.18.0.0/24', servers: '198.18.1.0/24' },
  },
  IPv6: {
    ...{ family: 'IPv6', VIP: 'fd00:0:0:a::100', VIP2: 'fd00:0:0:a::101', CLIENT: 'fd00:0:0:a::10', any: '::' },
    ...{ CLIENT2: 'fd00:0:0:a::11', server: (number) => `fd00:0:0:b::${10 + number}`, net: 64, host: 128, header: 40 },
    // never chosen as a source by itself
    second: 'preferred_lft 0',
    ...{ director: ['fd00:0:0:a::1', 'fd00:0:0:b::1'], clients: 'fd00:0:0:a::/64', servers: 'fd00:0:0:b::/64' },
  },
}

/** The director's local addresses with full NAT. */
export const LOCALS = ['198.18.1.2', '198.18.1.3']

/**
 * Clients are 198.18.0.0/24, real servers 198.18.1.0/24, all on one bridge; the director has an address in each. With NAT
 * the servers' way to the clients leads over the director; with direct routing and tunnel they have the VIP and answer by
 * themselves; with full NAT they have no way to the clients at all. `family` is the services'; `over`, with tunnels, the
 * servers'.
 */
export class Farm {
  /** @param {{ role?: string, servers?: number, method?: 'masq' | 'route' | 'tunnel' | 'fullnat', connections?: number, tunnel?: object, mtu?: number, family?: 'IPv4' | 'IPv6', over?: 'IPv4' | 'IPv6' }} options */
  constructor({
    role = '',
    servers = 2,
    method = 'masq',
    connections,
    tunnel,
    attach = true,
    family = 'IPv4',
    over = family,
  } = {}) {
    this.method = method
    this.tunnel = tunnel
    this.wire = wires[family]
    this.over = wires[over]
    const families = [...new Set([this.wire, this.over])]
    const options = { ipv6: families.includes(wires.IPv6) }
    this.switch = new Namespace(`${role}sw`)
    this.switch.ip('link', 'add', 'br0', 'type', 'bridge')
    this.switch.ip('link', 'set', 'br0', 'up')
    this.client = new Host(`${role}c`, options)
    this.host = new Host(`${role}d`, options)
    this.servers = Array.from({ length: servers }, (_, i) => new Host(`${role}s${i + 1}`, options))
    this.all = [this.client, this.host, ...this.servers]
    this.all.forEach((host, i) => {
      this.switch.ip('link', 'add', `p${i}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.name)
      this.switch.ip('link', 'set', `p${i}`, 'master', 'br0', 'up')
    })
    for (const host of this.all) host.batch('link set eth0 up')
    for (const wire of families) {
      this.client.batch(
        [wire.CLIENT, wire.CLIENT2]
          .map((each, i) => `address add ${each}/${wire.net} dev eth0 ${i > 0 ? wire.second : ''}`)
          .concat(`route add ${wire.servers} via ${wire.director[0]}`)
          .join('\n'),
      )
      this.host.batch(
        [
          ...wire.director.map((each) => `address add ${each}/${wire.net} dev eth0`),
          ...[wire.VIP, wire.VIP2].map((each) => `address add ${each}/${wire.host} dev eth0`),
        ].join('\n'),
      )
    }
    if (method === 'fullnat') this.host.batch(LOCALS.map((each) => `address add ${each}/32 dev eth0`).join('\n'))
    this.servers.forEach((host, i) => {
      for (const wire of families) {
        const ways = { masq: `route add ${wire.clients} via ${wire.director[1]}`, fullnat: '' }
        const way = ways[method] ?? `route add ${wire.clients} dev eth0`
        host.batch(`address add ${wire.server(i + 1)}/${wire.net} dev eth0\n${way}`)
      }
      if (method === 'masq' || method === 'fullnat') return
      for (const scope of ['all', 'eth0']) {
        host.sysctl(`net/ipv4/conf/${scope}/arp_ignore`, 1)
        host.sysctl(`net/ipv4/conf/${scope}/arp_announce`, 2)
      }
      // IPv6 tells neighbours only of addresses of the device asked
      const { host: whole, VIP: vip, VIP2: vip2 } = this.wire
      host.batch([vip, vip2].map((each) => `address add ${each}/${whole} dev lo`).join('\n'))
      if (method === 'tunnel') host.within(() => attachDecap('eth0'))
    })
    this.director = this.host.within(() =>
      Director.open({ attach, ...(connections === undefined ? {} : { connections }) }),
    )
  }

  /** Starts servers that answer on every real server, TCP and UDP. */
  async listen(port = PORT) {
    await Promise.all(
      this.servers.flatMap((host, i) => [
        host.ask('listen', { port, name: `s${i + 1}`, address: this.wire.any }),
        // what answers datagrams to the VIP has to answer from it
        host.ask('listenUdp', {
          port,
          name: `s${i + 1}`,
          address: this.method === 'route' || this.method === 'tunnel' ? this.wire.VIP : this.wire.any,
        }),
      ]),
    )
  }

  /** A service on the VIP with all real servers, added in their order. */
  serve({
    protocol = 'tcp',
    address = this.wire.VIP,
    port = PORT,
    serverPort = port,
    scheduler = 'rr',
    weights = [],
    ...more
  } = {}) {
    const key = { protocol, address, port }
    const locals = this.method === 'fullnat' ? { localAddresses: LOCALS } : {}
    this.edit((director) => {
      director.addService(key, { scheduler, ...locals })
      this.servers.forEach((_, i) => {
        const options = { method: this.method, weight: weights[i] ?? 1, ...more }
        director.addServer(key, { address: this.over.server(i + 1), port: serverPort }, options)
      })
    })
    return key
  }

  edit(change) {
    return this.host.within(() => change(this.director))
  }

  service(key) {
    return this.edit((director) => director.service(key))
  }

  connections() {
    return this.edit((director) => director.connections())
  }

  /** Active and inactive connections of each real server, in the order of adding. */
  counts(key) {
    return this.service(key)
      .servers.map(({ active, inactive }) => [active, inactive])
      .reverse()
  }

  /** What `read` finds in the table's shared memory. */
  table(read) {
    return this.host.within(() => {
      const table = Table.open()
      try {
        return read(table)
      } finally {
        table.close()
      }
    })
  }

  /** Switches the offloads of every device on the wire. @param {boolean} on */
  offload(on) {
    const word = on ? 'on' : 'off'
    for (const host of this.all)
      host.run('ethtool', '-K', 'eth0', ...['tx', word, 'tso', word, 'gso', word, 'gro', word])
    for (let i = 0; i < this.all.length; i += 1)
      this.switch.run('ethtool', '-K', `p${i}`, ...['tx', word, 'tso', word, 'gso', word, 'gro', word])
  }

  async close() {
    this.director.close()
    if (this.method === 'tunnel') for (const host of this.servers) host.within(() => detachDecap())
    await Promise.all(this.all.map((host) => host.close()))
    this.switch.remove()
  }
}
