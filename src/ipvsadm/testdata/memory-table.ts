import type { DirectorApi } from '../../ipvs/director-api.js'
import { IpvsError } from '../../ipvs/error.js'
import type {
  Connection,
  Counters,
  DaemonState,
  Server,
  ServerKey,
  ServerOptions,
  Service,
  ServiceKey,
  ServiceOptions,
  SyncDaemon,
  SyncDaemonOptions,
  Timeouts,
} from '../../ipvs/types.js'
import { canonicalAddress } from '../address.js'

const none: Counters = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }

const schedulers = 'rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh none'.split(' ')

const nameOf = (key: ServiceKey) => JSON.stringify(Object.entries(key).sort())

type Entry = Omit<Service, 'servers'> & { servers: Server[] }

/**
 * A table in memory, with kernel IPVS's refusals: what the grammar and the texts are tested over, and nothing more. No
 * packet knows of it. That the real table does the same is for the tests of the Director and the replay of test/golden.
 */
export class MemoryTable implements DirectorApi {
  readonly connectionTableSize = 4096
  #services = new Map<string, Entry>()
  #daemons: SyncDaemon[] = []
  #timeouts: Timeouts = { tcp: 900, tcpFin: 120, udp: 300 }

  addService(key: ServiceKey, options: ServiceOptions): void {
    if (this.#services.has(nameOf(key))) throw new IpvsError('EEXIST', 'there')
    checkOptions(options)
    this.#services.set(nameOf(key), { key, options: withTimeouts(options), counters: none, rates: none, servers: [] })
  }

  editService(key: ServiceKey, options: ServiceOptions): void {
    const service = this.#get(key)
    checkOptions(options)
    this.#services.set(nameOf(key), { ...service, options: edited(options, service.options) })
  }

  deleteService(key: ServiceKey): void {
    this.#get(key)
    this.#services.delete(nameOf(key))
  }

  flush(): void {
    this.#services.clear()
  }

  addServer(key: ServiceKey, server: ServerKey, options: ServerOptions): void {
    const { servers } = this.#get(key)
    checkServer(options)
    if (indexOf(servers, server) >= 0) throw new IpvsError('EEXIST', 'there')
    if (this.#daemons.length > 0 && isOther(key, server.address)) throw new IpvsError('EINVAL', 'mixed families')
    checkAddress(server)
    servers.unshift({ ...server, ...options, active: 0, inactive: 0, persistent: 0, counters: none, rates: none })
  }

  editServer(key: ServiceKey, server: ServerKey, options: ServerOptions): void {
    const { servers } = this.#get(key)
    checkServer(options)
    const at = indexOf(servers, server)
    const before = servers[at]
    if (!before) throw new IpvsError('ENOENT', 'not there')
    const { address, port, active, inactive, persistent, counters, rates } = before
    servers[at] = { address, port, ...options, active, inactive, persistent, counters, rates }
  }

  deleteServer(key: ServiceKey, server: ServerKey): void {
    const { servers } = this.#get(key)
    const at = indexOf(servers, server)
    if (at < 0) throw new IpvsError('ENOENT', 'not there')
    servers.splice(at, 1)
  }

  batch<T>(work: () => T): T {
    return work()
  }

  services(): Service[] {
    return [...this.#services.values()]
  }

  service(key: ServiceKey): Service | undefined {
    return this.#services.get(nameOf(key))
  }

  zero(key?: ServiceKey): void {
    if (key) this.#get(key)
  }

  timeouts(): Timeouts {
    return this.#timeouts
  }

  setTimeouts({ tcp, tcpFin, udp }: Partial<Timeouts>): void {
    const now = this.#timeouts
    this.#timeouts = { tcp: tcp || now.tcp, tcpFin: tcpFin || now.tcpFin, udp: udp || now.udp }
  }

  sysctls(): [] {
    return []
  }

  setSysctl(): void {}

  markRules(): [] {
    return []
  }

  editMarkRules(): void {}

  connections(): Connection[] {
    return []
  }

  daemons(): SyncDaemon[] {
    return this.#daemons
  }

  startDaemon(state: DaemonState, options: SyncDaemonOptions): void {
    const { group = '224.0.0.81', maxLength, syncid = 0, port = 8848, ttl = 1 } = options
    if (this.#hasMixedFamilies()) throw new IpvsError('EINVAL', 'mixed families')
    const mtu = devices[options.interface]
    if (mtu === undefined) throw new IpvsError('ENODEV', 'no such device')
    const headers = group.includes(':') ? 48 : 28
    if (this.#daemons.some((one) => one.state === state)) throw new IpvsError('EEXIST', 'it runs')
    const daemon: SyncDaemon = {
      state,
      interface: options.interface,
      syncid,
      maxLength:
        maxLength === undefined
          ? (state === 'backup' ? mtu : 1500) - headers
          : Math.min(Math.max(maxLength, state === 'backup' ? 1024 : 1), 65535 - headers),
      group: canonicalAddress(group) ?? group,
      port,
      ttl,
    }
    this.#daemons = [...this.#daemons, daemon].sort((a, b) => b.state.localeCompare(a.state))
  }

  stopDaemon(state: DaemonState): void {
    if (!this.#daemons.some((one) => one.state === state)) throw new IpvsError('ESRCH', 'none runs')
    this.#daemons = this.#daemons.filter((one) => one.state !== state)
  }

  close(): void {}

  #hasMixedFamilies(): boolean {
    return this.services().some(({ key, servers }) => servers.some(({ address }) => isOther(key, address)))
  }

  #get(key: ServiceKey): Entry {
    const found = this.#services.get(nameOf(key))
    if (!found) throw new IpvsError('ESRCH', 'not there')
    return found
  }
}

/** What an edit that does not name them keeps: timeouts and local addresses. */
function edited(options: ServiceOptions, { timeouts, localAddresses }: ServiceOptions): ServiceOptions {
  return { ...(localAddresses ? { localAddresses } : {}), ...withTimeouts(options, timeouts) }
}

/** The options with the timeouts that were and those that are given; 0 is none. */
function withTimeouts({ timeouts, ...options }: ServiceOptions, before: Partial<Timeouts> = {}): ServiceOptions {
  const all = Object.entries({ ...before, ...timeouts }).filter(([, seconds]) => seconds !== 0)
  return all.length === 0 ? options : { ...options, timeouts: Object.fromEntries(all) }
}

/** The devices of the machine that was asked, and their MTUs. */
const devices: Readonly<Record<string, number>> = { eth0: 1500, eth9: 1500, lo: 65535 }

const isOther = (key: ServiceKey, address: string) =>
  ('fwmark' in key ? key.family === 'inet6' : key.address.includes(':')) !== address.includes(':')

const indexOf = (servers: readonly Server[], { address, port }: ServerKey) =>
  servers.findIndex((server) => server.address === address && server.port === port)

function checkOptions({ scheduler, persistence }: ServiceOptions): void {
  if (!schedulers.includes(scheduler)) throw new IpvsError('ENOENT', 'no such scheduler')
  if (persistence?.engine && persistence.engine !== 'sip') throw new IpvsError('ENOENT', 'no such engine')
}

function checkServer({ upperThreshold = 0, lowerThreshold = 0 }: ServerOptions): void {
  if (lowerThreshold > upperThreshold) throw new IpvsError('ERANGE', 'thresholds')
}

function checkAddress({ address }: ServerKey): void {
  if (
    /^0\.0\.0\.0$|^(22[4-9]|23\d)\.|^255\.255\.255\.255$|^192\.168\.188\.255$|^::$|^::ffff:|^f[ef][89ab0]/.test(address)
  )
    throw new IpvsError('EINVAL', 'not unicast')
}
