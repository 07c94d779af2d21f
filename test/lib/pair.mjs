// Two directors with one VIP between them: one has it, and it moves to the other one.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Director } from '../../dist/index.js'
import { netnsCookie } from '../../dist/kernel/index.js'
import { Host } from './host.mjs'
import { Namespace } from './netns.mjs'

export const VIP = '198.18.0.100'
export const GATEWAY = '198.18.1.1'
export const PORT = 8000
export const server = (number) => `198.18.1.${10 + number}`
/** A command of the checkout. */
export const bin = (name) => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url))

/** The real ipvsadm, for a director that is the kernel's. */
const REAL = '/usr/sbin/ipvsadm'

/** A line of /proc/net/ip_vs_conn, as a Director would say it. */
function kernelConnection(line) {
  const [protocol, client, cport, , , server, dport, state] = line.trim().split(/\s+/)
  const address = (hex) => [0, 2, 4, 6].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.')
  const port = (hex) => Number.parseInt(hex, 16)
  return {
    protocol: protocol.toLowerCase(),
    state,
    client: { address: address(client), port: port(cport) },
    server: { address: address(server), port: port(dport) },
  }
}

/**
 * Clients are 198.18.0.0/24, real servers 198.18.1.0/24 on one bridge; the directors have a link of their own besides, sync0.
 * With NAT the servers' way to the clients leads over GATEWAY, which moves with the VIP.
 */
export class Pair {
  /** @param {{ role?: string, servers?: number, method?: 'masq' | 'route', kernel?: number }} options `kernel`: the director that is kernel IPVS */
  constructor({ role = 'p', servers = 2, method = 'masq', kernel } = {}) {
    this.method = method
    this.kernel = kernel
    this.switch = new Namespace(`${role}w`)
    this.switch.ip('link', 'add', 'br0', 'type', 'bridge')
    this.switch.ip('link', 'set', 'br0', 'up')
    this.client = new Host(`${role}c`)
    this.hosts = ['a', 'b'].map((name, i) => new Host(role + name, { forwarding: i === kernel }))
    this.servers = Array.from({ length: servers }, (_, i) => new Host(`${role}s${i + 1}`))
    this.all = [this.client, ...this.hosts, ...this.servers]
    this.all.forEach((host, i) => {
      this.switch.ip('link', 'add', `p${i}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.name)
      this.switch.ip('link', 'set', `p${i}`, 'master', 'br0', 'up')
      host.ip('link', 'set', 'eth0', 'up')
    })
    this.client.batch('address add 198.18.0.10/24 dev eth0')
    const [a, b] = this.hosts
    a.ip('link', 'add', 'sync0', 'type', 'veth', 'peer', 'name', 'sync0', 'netns', b.name)
    this.hosts.forEach((host, i) => {
      host.batch(
        `address add 198.18.0.${i + 2}/24 dev eth0\naddress add 198.18.1.${i + 2}/24 dev eth0\nlink set sync0 up\naddress add 172.31.0.${i + 1}/24 dev sync0`,
      )
    })
    this.servers.forEach((host, i) => {
      const way = method === 'masq' ? `via ${GATEWAY}` : 'dev eth0'
      host.batch(`address add ${server(i + 1)}/24 dev eth0\nroute add 198.18.0.0/24 ${way}`)
      if (method === 'masq') return
      for (const scope of ['all', 'eth0']) {
        host.sysctl(`net/ipv4/conf/${scope}/arp_ignore`, 1)
        host.sysctl(`net/ipv4/conf/${scope}/arp_announce`, 2)
      }
      host.batch(`address add ${VIP}/32 dev lo`)
    })
    this.directors = this.hosts.map((host, i) => (i === kernel ? undefined : host.within(() => Director.open())))
    this.move(0)
  }

  async listen(port = PORT) {
    await Promise.all(this.servers.map((host, i) => host.ask('listen', { port, name: `s${i + 1}` })))
  }

  /** The same service on both directors. */
  serve({ protocol = 'tcp', port = PORT, scheduler = 'rr', on = [0, 1], persistence } = {}) {
    const key = { protocol, address: VIP, port }
    for (const i of on) {
      if (i === this.kernel) {
        const service = ['-t', `${VIP}:${port}`]
        this.ipvsadm(i, '-A', ...service, '-s', scheduler, ...(persistence ? ['-p', persistence] : []))
        const how = this.method === 'masq' ? '-m' : '-g'
        for (const j of this.servers.keys()) this.ipvsadm(i, '-a', ...service, '-r', `${server(j + 1)}:${port}`, how)
        continue
      }
      this.edit(i, (director) => {
        director.addService(key, { scheduler, ...(persistence ? { persistence: { timeout: persistence } } : {}) })
        this.servers.forEach((_, j) => {
          director.addServer(key, { address: server(j + 1), port }, { method: this.method, weight: 1 })
        })
      })
    }
    return key
  }

  /** The weight of a real server of one director's. */
  weigh(i, { port }, number, weight) {
    if (i === this.kernel) {
      const how = this.method === 'masq' ? '-m' : '-g'
      this.ipvsadm(i, '-e', '-t', `${VIP}:${port}`, '-r', `${server(number)}:${port}`, how, '-w', weight)
      return
    }
    const key = { protocol: 'tcp', address: VIP, port }
    this.edit(i, (director) =>
      director.editServer(key, { address: server(number), port }, { method: this.method, weight }),
    )
  }

  edit(i, change) {
    return this.hosts[i].within(() => change(this.directors[i]))
  }

  connections(i) {
    if (i === this.kernel)
      return this.hosts[i].run('cat', '/proc/net/ip_vs_conn').split('\n').slice(1).filter(Boolean).map(kernelConnection)
    return this.edit(i, (director) => director.connections())
  }

  /** Active and inactive connections at a director. */
  counts(i, key) {
    const { servers } = this.edit(i, (director) => director.service(key))
    return servers.reduce(([a, b], { active, inactive }) => [a + active, b + inactive], [0, 0])
  }

  /** The VIP, and the servers' gateway, go to one of the directors. */
  move(to) {
    const addresses = [VIP, ...(this.method === 'masq' ? [GATEWAY] : [])]
    const other = this.hosts[1 - to]
    for (const address of addresses) {
      if (this.at !== undefined && this.at !== to) other.ip('address', 'del', `${address}/32`, 'dev', 'eth0')
      if (this.at !== to) this.hosts[to].ip('address', 'add', `${address}/32`, 'dev', 'eth0')
    }
    this.at = to
    for (const host of [this.client, ...this.servers]) host.ip('neigh', 'flush', 'all')
  }

  ipvsadm(i, ...words) {
    return this.hosts[i].try(i === this.kernel ? REAL : bin('ipvsadm'), ...words)
  }

  start(i, state, ...words) {
    const { status, stderr } = this.ipvsadm(i, '--start-daemon', state, '--mcast-interface', 'sync0', ...words)
    if (status !== 0) throw new Error(stderr)
  }

  /** What a director's daemons have done, by state. */
  figures(i) {
    const { stdout } = this.hosts[i].try(bin('sluice'), 'sync-daemon', 'status', '--json')
    return Object.fromEntries(JSON.parse(stdout).map(({ state, figures }) => [state, figures]))
  }

  /** The process that is a director's daemon. */
  pid(i, state) {
    const cookie = this.hosts[i].within(() => netnsCookie())
    return JSON.parse(readFileSync(`/run/sluice/sync/${cookie.toString(16)}-${state}.json`, 'utf8')).process.pid
  }

  stop(i, state) {
    return this.ipvsadm(i, '--stop-daemon', state).status
  }

  async close() {
    for (const i of [0, 1]) for (const state of ['master', 'backup']) this.stop(i, state)
    for (const director of this.directors) director?.close()
    // it would go under the hands of whoever detaches from it
    this.hosts[0].ip('link', 'del', 'sync0')
    await Promise.all(this.all.map((host) => host.close()))
    this.switch.remove()
  }
}
