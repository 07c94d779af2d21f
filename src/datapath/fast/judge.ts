import type { SluiceErrorCode } from '../../errors.js'
import type { Facts } from './facts.js'

/** How packets reach the datapath: TC alone, or XDP in front of it, in the driver or in the stack. */
export type Mode = 'tc' | 'xdp' | 'xdp-generic'

/** What can be asked for: `auto` looks at the device. */
export type AskedMode = Mode | 'auto'

/** What can be changed about a device so that XDP can do its work there. */
export type Fix = 'lro' | 'rxVlan' | 'peerTx' | 'peerGro'

export interface Judgement {
  readonly mode: Mode
  /** Why this mode, and what is to be known about it; one line. */
  readonly why: string
  /** To be made before; none unless they were allowed. */
  readonly fixes: readonly Fix[]
}

/** Why a device cannot have the mode that was asked for. */
export interface Refusal {
  readonly code: Extract<SluiceErrorCode, 'SLUICE_NO_XDP' | 'SLUICE_XDP_TAKEN'>
  readonly details: Readonly<Record<string, string>>
}

/**
 * The longest packet, with its Ethernet header, that a driver with a page a frame has room for: a page of 4,096 without
 * XDP's headroom (256) and the kernel's own record behind the frame (320).
 */
const PAGE_ROOM = 4096 - 256 - 320 - 14

/** Drivers of real devices that have XDP since 6.1 or longer: for kernels that do not tell. */
const nativeDrivers = new Set([
  ...['atlantic', 'bnxt_en', 'ena', 'fsl_dpaa2_eth', 'i40e', 'ice', 'igb', 'igc', 'ixgbe', 'ixgbevf', 'mlx4_en'],
  ...['mlx5_core', 'mvneta', 'mvpp2', 'nfp', 'qede', 'sfc', 'stmmac', 'tsnep', 'virtio_net', 'tun', 'veth'],
])

/** Devices of virtual machines and of this one: they hand over what the other side's stack made, large packets whole. */
const virtualDrivers = new Set(['virtio_net', 'veth', 'tun', 'hv_netvsc', 'xen_netfront', 'vmxnet3', 'netdevsim'])

const DISPATCHER = 'xdp_dispatcher'

/** Something that keeps XDP off a device; one with a fix can be helped. */
interface Obstacle {
  readonly reason: string
  readonly fix?: Fix
  readonly taken?: string
}

/** How another's program is called. */
function programName({ id, name }: NonNullable<Facts['foreign']>): string {
  const known = name ? `${name} (id ${id})` : `id ${id}`
  return name === DISPATCHER ? `libxdp's dispatcher, ${known}` : known
}

function obstacles(facts: Facts, native: boolean): Obstacle[] {
  const { foreign, driver, kind, features, mtu, peer, vlans } = facts
  const found: Obstacle[] = []
  if (facts.loopback) found.push({ reason: 'clients on the director need the way through the stack' })
  if (foreign)
    found.push({ reason: `another XDP program stands there: ${programName(foreign)}`, taken: programName(foreign) })
  const called = driver ?? kind ?? 'unknown'
  const able = features ? features.basic && features.redirect : driver !== undefined && nativeDrivers.has(driver)
  if (native && !able) found.push({ reason: `its driver (${called}) runs no XDP programs` })
  if (native && mtu > PAGE_ROOM) found.push({ reason: `its MTU of ${mtu} does not fit into a page; ${PAGE_ROOM} does` })
  if (native && peer !== undefined && peer !== 'hidden' && peer.mtu > PAGE_ROOM)
    found.push({
      reason: `the MTU of its other end ${peer.name}, ${peer.mtu}, does not fit into a page; ${PAGE_ROOM} does`,
    })
  if (native && facts.lro) found.push({ reason: 'it joins packets by itself (LRO), which XDP would lose', fix: 'lro' })
  if (native && facts.rxVlan && vlans.length > 0)
    found.push({
      reason: `it takes the VLAN tags off packets for ${vlans.join(', ')}, which XDP could not tell from its own`,
      fix: 'rxVlan',
    })
  return found
}

/** What keeps a veth's packets on their way through TC, or could be better. */
function notes({ peer, kind }: Facts, fix: boolean): { readonly texts: string[]; readonly fixes: Fix[] } {
  if (kind !== 'veth') return { texts: [], fixes: [] }
  if (peer === undefined || peer === 'hidden')
    return { texts: ['its other end cannot be seen from here: TC takes what XDP may not'], fixes: [] }
  const texts: string[] = []
  const fixes: Fix[] = []
  if (peer.txChecksum) {
    if (fix) fixes.push('peerTx')
    else texts.push(`${peer.name} leaves checksums to it, so TC takes what its stack sends (--fix switches that off)`)
  }
  if (!peer.gro && !peer.xdp) {
    if (fix) fixes.push('peerGro')
    else texts.push(`${peer.name} has neither GRO nor XDP, so TC sends what goes out there (--fix switches GRO on)`)
  }
  return { texts, fixes }
}

/**
 * Decides how a device is to be attached.
 * @param fix what can be changed about it may be
 */
export function judge(facts: Facts, asked: AskedMode, fix: boolean): Judgement | Refusal {
  if (asked === 'tc') return { mode: 'tc', why: 'asked for', fixes: [] }
  if (asked === 'auto') return judgeAuto(facts, fix)
  const native = asked === 'xdp'
  const found = obstacles(facts, native)
  const last = found.find((obstacle) => !(fix && obstacle.fix))
  if (last) return refuse(facts, asked, last)
  const { texts, fixes } = native ? notes(facts, fix) : { texts: [], fixes: [] }
  const helped = found.flatMap((obstacle) => obstacle.fix ?? [])
  return { mode: asked, why: ['asked for', ...texts].join('; '), fixes: [...helped, ...fixes] }
}

function refuse({ device, loopback }: Facts, mode: 'xdp' | 'xdp-generic', { reason, fix, taken }: Obstacle): Refusal {
  if (taken !== undefined) return { code: 'SLUICE_XDP_TAKEN', details: { device, program: taken } }
  const native = mode === 'xdp'
  const works = loopback || !native ? '--mode tc works there' : '--mode xdp-generic and --mode tc work there'
  const details = { device, mode: native ? 'native XDP' : 'generic XDP', reason }
  return {
    code: 'SLUICE_NO_XDP',
    details: { ...details, works: fix ? `--fix switches that off; else ${works}` : works },
  }
}

function judgeAuto(facts: Facts, fix: boolean): Judgement {
  const tc = (reason: string): Judgement => ({ mode: 'tc', why: `no XDP: ${reason}`, fixes: [] })
  const { driver, kind, others } = facts
  if (facts.loopback) return tc('clients on the director need the way through the stack')
  if (kind !== undefined || (driver !== undefined && virtualDrivers.has(driver)))
    return tc(`a device of kind ${kind ?? driver} hands large packets over whole, which TC can send on whole`)
  if (others > 0) return tc(`${others === 1 ? 'another program stands' : `${others} others stand`} at its TC ingress`)
  const found = obstacles(facts, true)
  const last = found.find((obstacle) => !(fix && obstacle.fix))
  if (last) return tc(last.fix ? `${last.reason} (--fix switches that off)` : last.reason)
  return {
    mode: 'xdp',
    why: `its driver (${driver}) runs XDP programs`,
    fixes: found.flatMap(({ fix: each }) => each ?? []),
  }
}
