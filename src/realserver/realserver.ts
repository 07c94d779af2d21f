import { isIP } from 'node:net'
import { SluiceError } from '../errors.js'
import { type Decapsulation, startDecapsulation, stopDecapsulation } from './decapsulation.js'
import { devices } from './ip.js'
import { NamespaceState } from './namespace-state.js'
import { type ChangedSysctl, readSysctl, restoreSysctl, writeSysctl } from './sysctl.js'
import { addToLoopback, isOnLoopback, parseVip, removeFromLoopback } from './vip.js'

interface State {
  readonly vips: readonly { readonly address: string; readonly added: boolean }[]
  readonly sysctls: readonly ChangedSysctl[]
  readonly decapsulation?: Decapsulation
}

/**
 * A server that holds the VIP must neither answer ARP for it (`arp_ignore` 1: only for addresses of the device asked) nor name
 * it in its own ARP requests (`arp_announce` 2), or clients reach the server past the director. Kernel documentation,
 * networking/ip-sysctl. IPv6 needs neither: neighbours are told only about addresses of the device asked.
 */
const arp: readonly (readonly [name: string, value: string])[] = [
  ['net.ipv4.conf.all.arp_ignore', '1'],
  ['net.ipv4.conf.lo.arp_ignore', '1'],
  ['net.ipv4.conf.all.arp_announce', '2'],
  ['net.ipv4.conf.lo.arp_announce', '2'],
]

export interface RealServerOptions {
  /** Unwrap what the director sends through an IP-in-IP tunnel. */
  readonly tunnel?: boolean
  /** Unwrap GRE too, and GUE that comes to this UDP port: by our program, also where the kernel has an ipip device. */
  readonly guePort?: number
  readonly gre?: boolean
  /** Devices on which our program unwraps; absent: the kernel's ipip device where it does, else every Ethernet device that has an address. */
  readonly devices?: readonly string[]
}

/** What is in force in this network namespace. */
export interface RealServerStatus {
  readonly vips: readonly { readonly address: string; readonly onLoopback: boolean }[]
  readonly sysctls: readonly { readonly name: string; readonly value: string; readonly previous: string }[]
  readonly decapsulation: Decapsulation | null
}

const nothing: State = { vips: [], sysctls: [] }

/**
 * Makes this network namespace a real server for direct routing (or tunnel): the VIPs on `lo`, ARP silent about them.
 * May be repeated, and called again for more VIPs. What was there before is recorded once, at the first call. Where the first
 * call fails, nothing of it stays.
 * @throws SluiceError `SLUICE_BAD_VIP`, `SLUICE_NO_DEVICE`, `SLUICE_NOT_ROOT`, `SLUICE_COMMAND`; and what attaching our program throws
 */
export function startRealServer(vips: readonly string[], options: RealServerOptions = {}): RealServerStatus {
  const wanted = [...new Set(vips.map(parseVip))]
  const missing = options.devices?.find((name) => !devices().some(({ ifname }) => ifname === name))
  if (missing !== undefined) throw new SluiceError('SLUICE_NO_DEVICE', { device: missing })
  const store = new NamespaceState<State>('realserver')
  const before = store.load()
  try {
    start(wanted, options, store, before ?? nothing)
  } catch (error) {
    if (!before) stopRealServer()
    throw error
  }
  return realServerStatus()
}

function start(
  wanted: readonly string[],
  options: RealServerOptions,
  store: NamespaceState<State>,
  before: State,
): void {
  let state = before
  const save = (change: Partial<State>) => {
    state = { ...state, ...change }
    store.save(state)
  }
  if (wanted.some((vip) => isIP(vip) === 4)) {
    const unrecorded = arp.filter(([name]) => !state.sysctls.some((changed) => changed.name === name))
    save({
      sysctls: [...state.sysctls, ...unrecorded.map(([name, set]) => ({ name, previous: readSysctl(name), set }))],
    })
    for (const [name, value] of arp) writeSysctl(name, value)
  }
  for (const address of wanted) {
    const present = isOnLoopback(address)
    const recorded = state.vips.some((vip) => vip.address === address)
    if (!recorded) save({ vips: [...state.vips, { address, added: !present }] })
    if (!present) addToLoopback(address)
  }
  if (options.tunnel || options.gre || options.guePort) {
    const inet6 = state.vips.some(({ address }) => isIP(address) === 6)
    const device = state.decapsulation?.by === 'ipip' ? state.decapsulation : undefined
    // the kernel's device, which is there already, does as long as nothing asks for more
    if (device && !inet6 && !options.devices?.length && !options.gre && !options.guePort) return
    startDecapsulation(options, inet6, (decapsulation) => save({ decapsulation }))
    if (device) stopDecapsulation(device)
  }
}

/**
 * Undoes exactly what {@link startRealServer} did for these VIPs, or for all when none is named. The kernel's parameters get
 * their previous values when the last VIP goes. Does nothing where nothing was started.
 * @returns lines about what was left as it is, because somebody else has changed it since
 */
export function stopRealServer(vips: readonly string[] = []): string[] {
  const named = vips.map(parseVip)
  const store = new NamespaceState<State>('realserver')
  const state = store.load()
  if (!state) return []
  const going = state.vips.filter(({ address }) => named.length === 0 || named.includes(address))
  for (const { address, added } of going) if (added && isOnLoopback(address)) removeFromLoopback(address)
  const staying = state.vips.filter((vip) => !going.includes(vip))
  if (staying.length > 0) {
    store.save({ ...state, vips: staying })
    return []
  }
  const notes = state.decapsulation ? stopDecapsulation(state.decapsulation) : []
  notes.push(...state.sysctls.map(restoreSysctl).filter((line) => line !== undefined))
  store.delete()
  return notes
}

/** What {@link startRealServer} has put in force here. */
export function realServerStatus(): RealServerStatus {
  const state = new NamespaceState<State>('realserver').load() ?? nothing
  return {
    vips: state.vips.map(({ address }) => ({ address, onLoopback: isOnLoopback(address) })),
    sysctls: state.sysctls.map(({ name, previous }) => ({ name, value: readSysctl(name), previous })),
    decapsulation: state.decapsulation ?? null,
  }
}
