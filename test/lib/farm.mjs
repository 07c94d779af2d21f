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
/** The director's local addresses with full NAT. */
export const LOCALS = ['198.18.1.2', '198.18.1.3']

/**
 * Clients are 198.18.0.0/24, real servers 198.18.1.0/24, all on one bridge; the director has an address in each. With NAT
 * the servers' way to the clients leads over the director; with direct routing and tunnel they have the VIP and answer by
 * themselves; with full NAT they have no way to the clients at all.
 */
export class Farm {
  /** @param {{ role?: string, servers?: number, method?: 'masq' | 'route' | 'tunnel' | 'fullnat', connections?: number, mtu?: number }} options */
  constructor({ role = '', servers = 2, method = 'masq', connections, attach = true } = {}) {
    this.method = method
    this.switch = new Namespace(`${role}sw`)
    this.switch.ip('link', 'add', 'br0', 'type', 'bridge')
    this.switch.ip('link', 'set', 'br0', 'up')
    this.client = new Host(`${role}c`)
    this.host = new Host(`${role}d`)
    this.servers = Array.from({ length: servers }, (_, i) => new Host(`${role}s${i + 1}`))
    this.all = [this.client, this.host, ...this.servers]
    this.all.forEach((host, i) => {
      this.switch.ip('link', 'add', `p${i}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.name)
      this.switch.ip('link', 'set', `p${i}`, 'master', 'br0', 'up')
    })
    this.client.batch(
      `link set eth0 up\naddress add ${CLIENT}/24 dev eth0\naddress add ${CLIENT2}/24 dev eth0\nroute add 198.18.1.0/24 via 198.18.0.1`,
    )
    this.host.batch(
      `link set eth0 up\naddress add 198.18.0.1/24 dev eth0\naddress add 198.18.1.1/24 dev eth0\naddress add ${VIP}/32 dev eth0\naddress add ${VIP2}/32 dev eth0`,
    )
    if (method === 'fullnat') this.host.batch(LOCALS.map((each) => `address add ${each}/32 dev eth0`).join('\n'))
    this.servers.forEach((host, i) => {
      const ways = { masq: 'route add 198.18.0.0/24 via 198.18.1.1', fullnat: '' }
      const way = ways[method] ?? 'route add 198.18.0.0/24 dev eth0'
      host.batch(`link set eth0 up\naddress add ${server(i + 1)}/24 dev eth0\n${way}`)
      if (method === 'masq' || method === 'fullnat') return
      for (const scope of ['all', 'eth0']) {
        host.sysctl(`net/ipv4/conf/${scope}/arp_ignore`, 1)
        host.sysctl(`net/ipv4/conf/${scope}/arp_announce`, 2)
      }
      host.batch(`address add ${VIP}/32 dev lo\naddress add ${VIP2}/32 dev lo`)
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
        host.ask('listen', { port, name: `s${i + 1}` }),
        // what answers datagrams to the VIP has to answer from it
        host.ask('listenUdp', {
          port,
          name: `s${i + 1}`,
          address: this.method === 'route' || this.method === 'tunnel' ? VIP : '0.0.0.0',
        }),
      ]),
    )
  }

  /** A service on the VIP with all real servers, added in their order. */
  serve({
    protocol = 'tcp',
    address = VIP,
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
        director.addServer(key, { address: server(i + 1), port: serverPort }, options)
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
