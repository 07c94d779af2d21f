import { networkInterfaces } from 'node:os'
import { SluiceError } from '../errors.js'
import { formatAddress, parseAddress } from '../ipvs/index.js'
import {
  addAddress,
  closeFd,
  deviceIndex,
  deviceNames,
  type Fd,
  KernelError,
  packetSender,
  RawReader,
  rawReceiver,
  rawSender,
  removeAddress,
  sendFrame,
  sendRaw,
} from '../kernel/index.js'
import {
  type Advert,
  decodeAdvert,
  encodeAdvert,
  RejectedError,
  type Rejection,
  type SimplePassword,
  VRRP_GROUP,
  VRRP_HOPS,
  VRRP_PROTOCOL,
  type VrrpFamily,
} from './advert.js'
import { type AnnouncePlan, AnnounceSchedule, announcement, defaultAnnouncements } from './announce.js'
import { type Action, VrrpMachine, type VrrpState } from './machine.js'

/** An address that moves with the master. */
export interface VirtualAddress {
  readonly address: string
  /** Bits of its network. */
  readonly prefix: number
  /** Where it is put; default: the virtual router's device. */
  readonly device?: string
  /** False: adverts do not name it. Default true. */
  readonly advertised?: boolean
}

/** A virtual router as it is configured; what is left out is as keepalived has it. Times are milliseconds. */
export interface VirtualRouterOptions {
  readonly name: string
  readonly device: string
  /** 1 to 255. */
  readonly vrid: number
  /** Default: 2 for IPv4, 3 for IPv6. */
  readonly version?: 2 | 3
  /** Default 100. */
  readonly priority?: number
  /** Default 1000. */
  readonly interval?: number
  readonly addresses: readonly VirtualAddress[]
  readonly preempt?: boolean
  readonly preemptDelay?: number
  /** Adverts that may be missed before a backup takes over. Default 3. */
  readonly downAdverts?: number
  /** Default: the device's first address of the family (IPv6: its link-local one). */
  readonly source?: string
  /** Adverts go to these instead of the group, and only theirs are heard. */
  readonly peers?: readonly string[]
  readonly authentication?: SimplePassword
  readonly announcements?: AnnouncePlan
}

/** What a virtual router did, for whoever wants to know. */
export type RouterEvent =
  | { readonly type: 'state'; readonly router: string; readonly state: VrrpState; readonly priority: number }
  | { readonly type: 'lower-priority-master'; readonly router: string; readonly source: string }
  /** It could not do what it should: an address, an advert. */
  | { readonly type: 'error'; readonly router: string; readonly reason: string }

/** What was counted since the router began. */
export interface RouterStatistics {
  sent: number
  received: number
  becameMaster: number
  readonly rejected: Partial<Record<Rejection | 'stranger', number>>
}

/**
 * One virtual router on its device: the election's machine with sockets, addresses and announcements. It has no loop of
 * its own: whoever drives it waits for its sockets and its deadline. Calls are short and do not wait for anybody.
 */
export class VirtualRouter {
  readonly statistics: RouterStatistics = { sent: 0, received: 0, becameMaster: 0, rejected: {} }
  readonly family: VrrpFamily
  readonly version: 2 | 3
  readonly #source: string
  readonly #ifindex: number
  readonly #advertised: readonly string[]
  /** Addresses may be there that one who was killed left behind. */
  #leftover = false
  readonly #interval: number
  readonly #machine: VrrpMachine
  readonly #schedule: AnnounceSchedule
  readonly #receiver: Fd
  readonly #sender: Fd
  readonly #frames: Fd
  readonly #reader: RawReader

  /**
   * @param tell is called during the other calls
   * @throws SluiceError SLUICE_NO_DEVICE, SLUICE_BAD_DEVICE
   * @throws KernelError EPERM and what else the kernel refuses
   * @throws RangeError for what VRRP cannot say
   */
  constructor(
    readonly options: VirtualRouterOptions,
    readonly tell: (event: RouterEvent) => void,
  ) {
    const { device, addresses } = options
    this.#advertised = addresses.filter(({ advertised = true }) => advertised).map(({ address }) => address)
    this.family = this.#advertised[0]?.includes(':') ? 6 : 4
    this.version = options.version ?? (this.family === 4 ? 2 : 3)
    this.#interval = options.interval ?? 1000
    const found = deviceNames().find(({ name }) => name === device)
    if (!found) throw new SluiceError('SLUICE_NO_DEVICE', { device })
    this.#ifindex = found.ifindex
    const virtual = new Set(addresses.map(({ address }) => address))
    const here = interfaceOf(device, this.family, virtual)
    this.#source = options.source ?? here.address
    this.#machine = new VrrpMachine({
      version: this.version,
      priority: options.priority ?? 100,
      interval: this.#interval,
      preempt: options.preempt ?? true,
      preemptDelay: options.preemptDelay ?? 0,
      ...(options.downAdverts === undefined ? {} : { downAdverts: options.downAdverts }),
      address: networkBytes(this.#source),
    })
    this.#schedule = new AnnounceSchedule(options.announcements ?? defaultAnnouncements)
    // what cannot be sent is told now, not at the first advert
    this.#encode(this.#machine.priority, VRRP_GROUP[this.family])
    const place = { device, protocol: VRRP_PROTOCOL }
    this.#receiver = rawReceiver(place, VRRP_GROUP[this.family])
    this.#reader = new RawReader(this.#receiver, this.family)
    this.#sender = rawSender(place, this.#source, VRRP_HOPS)
    this.#frames = packetSender()
  }

  get name(): string {
    return this.options.name
  }

  get state(): VrrpState {
    return this.#machine.state
  }

  get priority(): number {
    return this.#machine.priority
  }

  /** Readable: call {@link receive}. */
  get socket(): Fd {
    return this.#receiver
  }

  /** When {@link expire} wants to be called, milliseconds of the monotonic clock. */
  get deadline(): number | undefined {
    const times = [this.#machine.deadline, this.#schedule.deadline].filter((time) => time !== undefined)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /**
   * Enters the election. Addresses that one who was killed left behind stay where they are until another master is heard:
   * where there is none, nobody notices.
   */
  start(now: number): void {
    this.#leftover = true
    this.#act(this.#machine.start(now), now)
  }

  /** Takes over as another router of its group did. */
  promote(now: number): void {
    this.#act(this.#machine.promote(now), now)
  }

  /** Gives way as another router of its group did. */
  demote(now: number): void {
    this.#act(this.#machine.demote(now), now)
  }

  setPriority(priority: number, now: number): void {
    this.#act(this.#machine.setPriority(priority, now), now)
  }

  fault(now: number): void {
    this.#act(this.#machine.fault(), now)
  }

  expire(now: number): void {
    this.#act(this.#machine.expire(now), now)
    this.#announce(this.#schedule.expire(now))
  }

  /** Takes everything that waits in the socket. */
  receive(now: number): void {
    for (;;) {
      let packet: ReturnType<RawReader['next']>
      try {
        packet = this.#reader.next()
      } catch (error) {
        this.#error(error)
        return
      }
      if (!packet) return
      const source = formatAddress(wide(packet.source), familyNumber(this.family))
      const advert = this.#understand(packet.bytes, source, packet.hops, packet.destination)
      if (!advert) continue
      this.#act(this.#machine.receive(advert, packet.source, now), now, source)
      // there is a master, who is not this one: the addresses are there
      if (this.#leftover && this.state === 'backup' && advert.priority > 0) this.#giveBack()
    }
  }

  #understand(bytes: Uint8Array, source: string, hops: number, to: Uint8Array | undefined): Advert | undefined {
    const { peers, vrid, authentication } = this.options
    // another virtual router of the same link
    if (bytes[1] !== vrid) return undefined
    if (peers && !peers.includes(source)) {
      this.#reject('stranger')
      return undefined
    }
    const group = VRRP_GROUP[this.family]
    const destination = to ? formatAddress(wide(to), familyNumber(this.family)) : peers ? this.#source : group
    try {
      const expected = { version: this.version, family: this.family, oneHop: peers === undefined }
      const advert = decodeAdvert(
        bytes,
        { source, destination, hops },
        { ...expected, ...(authentication ? { authentication } : {}) },
      )
      // RFC 3768 section 7.1: one that is not of our rhythm is not of our router
      if (this.version === 2 && advert.interval !== this.#interval) throw new RejectedError('interval')
      this.statistics.received += 1
      return advert
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error
      this.#reject(error.reason)
      return undefined
    }
  }

  #reject(reason: Rejection | 'stranger'): void {
    this.statistics.rejected[reason] = (this.statistics.rejected[reason] ?? 0) + 1
  }

  #act(actions: readonly Action[], now: number, source = ''): void {
    for (const action of actions) {
      if (action.do === 'advertise') this.#advertise(action.priority)
      else if (action.do === 'become') this.#become(action.state)
      else if (action.do === 'announce') this.#announce(this.#schedule.begin(now))
      else this.tell({ type: action.what, router: this.name, source })
    }
  }

  #encode(priority: number, destination: string): Uint8Array {
    const { vrid, authentication } = this.options
    return encodeAdvert(
      {
        version: this.version,
        family: this.family,
        vrid,
        priority,
        interval: this.#interval,
        addresses: this.#advertised,
      },
      { source: this.#source, destination },
      authentication ? { authentication } : {},
    )
  }

  #advertise(priority: number): void {
    for (const destination of this.options.peers ?? [VRRP_GROUP[this.family]])
      this.#attempt(() => {
        sendRaw(this.#sender, destination, this.#encode(priority, destination), this.#ifindex)
        this.statistics.sent += 1
      })
  }

  #become(state: VrrpState): void {
    if (state === 'master') {
      this.statistics.becameMaster += 1
      this.#leftover = false
      for (const address of this.options.addresses) this.#attempt(() => addAddress(this.#on(address)))
    } else {
      this.#schedule.end()
      if (!this.#leftover || state !== 'backup') this.#giveBack()
    }
    this.tell({ type: 'state', router: this.name, state, priority: this.priority })
  }

  #giveBack(): void {
    this.#leftover = false
    for (const address of this.options.addresses) this.#attempt(() => removeAddress(this.#on(address)))
  }

  #announce(times: number): void {
    for (let i = 0; i < times; i += 1)
      for (const each of this.options.addresses)
        this.#attempt(() => {
          const { ifindex, address } = this.#on(each)
          const mac = linkAddress(each.device ?? this.options.device)
          if (mac) sendFrame(this.#frames, ifindex, announcement(address, mac))
        })
  }

  /** @throws KernelError ENODEV for a device that is not there */
  #on({ address, prefix, device }: VirtualAddress) {
    if (device === undefined || device === this.options.device) return { ifindex: this.#ifindex, address, prefix }
    return { ifindex: deviceIndex(device), address, prefix }
  }

  /** What the kernel refuses now may go well the next time: an election goes on. */
  #attempt(work: () => unknown): void {
    try {
      work()
    } catch (error) {
      this.#error(error)
    }
  }

  #error(error: unknown): void {
    if (!(error instanceof KernelError)) throw error
    this.tell({ type: 'error', router: this.name, reason: error.message })
  }

  /** Leaves the election, gives the addresses back, closes the sockets. */
  close(now: number): void {
    this.#act(this.#machine.stop(), now)
    for (const socket of [this.#receiver, this.#sender, this.#frames]) closeFd(socket)
  }
}

const AF_INET = 2
const AF_INET6 = 10
const familyNumber = (family: VrrpFamily) => (family === 4 ? AF_INET : AF_INET6)

function wide(bytes: Uint8Array): Uint8Array {
  const sixteen = new Uint8Array(16)
  sixteen.set(bytes)
  return sixteen
}

function networkBytes(address: string): Uint8Array {
  return parseAddress(address).subarray(0, address.includes(':') ? 16 : 4)
}

/** A device's link address; undefined for one without an address, which nobody asks for. */
function linkAddress(device: string): Uint8Array | undefined {
  const own = networkInterfaces()[device]?.[0]
  return own && Uint8Array.from(own.mac.split(':'), (part) => Number.parseInt(part, 16))
}

/** The address that adverts come from. */
function interfaceOf(device: string, family: VrrpFamily, virtual: ReadonlySet<string>) {
  const found = (networkInterfaces()[device] ?? []).filter(
    (own) => own.family === `IPv${family}` && !virtual.has(own.address),
  )
  // RFC 5798 section 5.1.2.1: IPv6 adverts come from the link-local address
  const own = family === 4 ? found[0] : found.find(({ address }) => /^fe[89ab]/i.test(address))
  if (!own)
    throw new SluiceError('SLUICE_BAD_DEVICE', {
      device,
      reason: family === 4 ? 'it is down or has no IPv4 address' : 'it is down or has no link-local address',
    })
  return { address: own.address }
}
