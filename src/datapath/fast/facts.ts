import { join } from 'node:path'
import {
  AttachType,
  closeFd,
  type Device,
  deviceDriver,
  devices as devicesHere,
  hasTcx,
  linkInfo,
  netnsOfId,
  objGet,
  offload,
  progQueryCount,
  withNetns,
  type XdpFeatures,
  xdpFeatures,
} from '../../kernel/index.js'
import { pin } from '../pins.js'
import type { Table } from '../table.js'

/** The other end of a veth. */
export interface Peer {
  readonly name: string
  /** Path of its network namespace; absent: it is in this one. */
  readonly netns?: string
  readonly mtu: number
  /** Checksums of what it sends are left to us. */
  readonly txChecksum: boolean
  readonly gro: boolean
  readonly xdp: boolean
}

/** What the choice of a device's mode is made by. */
export interface Facts {
  readonly device: string
  readonly ifindex: number
  readonly mtu: number
  readonly loopback: boolean
  /** How the device was made, as {@link Device.kind}. */
  readonly kind?: string
  readonly driver?: string
  /** Absent: the kernel does not tell (before 6.3). */
  readonly features?: XdpFeatures
  readonly lro: boolean
  /** The device takes VLAN tags off its frames before XDP sees them. */
  readonly rxVlan: boolean
  /** Names of VLAN devices over it. */
  readonly vlans: readonly string[]
  /** An XDP program of somebody else's. */
  readonly foreign?: { readonly id: number; readonly name?: string }
  /** Other programs at its TC ingress, which XDP would go around. */
  readonly others: number
  /** Of a veth: its other end; `hidden`: in a namespace that cannot be found from here. */
  readonly peer?: Peer | 'hidden'
}

/**
 * Looks at a device of this namespace.
 * @param table whose own programs are nobody else's; undefined: there is none yet
 */
export function gatherFacts(table: Table | undefined, device: Device, all: readonly Device[]): Facts {
  const { name, ifindex, kind, mtu, xdp } = device
  const driver = deviceDriver(name)
  const features = xdpFeatures(ifindex)
  const peer = kind === 'veth' ? peerOf(device, all) : undefined
  return {
    ...{ device: name, ifindex, mtu, loopback: device.type === 'loopback' },
    ...(kind === undefined ? {} : { kind }),
    ...(driver === undefined ? {} : { driver }),
    ...(features === undefined ? {} : { features }),
    lro: offload(name, 'lro'),
    rxVlan: offload(name, 'rxVlan'),
    vlans: all.filter((other) => other.kind === 'vlan' && other.link === name).map((other) => other.name),
    ...(xdp && xdp.id !== ownProgram(table, ifindex) ? { foreign: xdp } : {}),
    others: otherPrograms(table, ifindex),
    ...(peer === undefined ? {} : { peer }),
  }
}

/** The program of our own XDP link of a device. */
function ownProgram(table: Table | undefined, ifindex: number): number | undefined {
  if (!table) return undefined
  return withLink(join(table.directory, pin.linkFast(ifindex)), (link) => linkInfo(link).progId)
}

function otherPrograms(table: Table | undefined, ifindex: number): number {
  if (!hasTcx()) return 0
  const ours =
    table && withLink(join(table.directory, pin.link(ifindex)), (link) => linkInfo(link).tcx?.ifindex === ifindex)
  return progQueryCount(ifindex, AttachType.TCX_INGRESS) - (ours ? 1 : 0)
}

function withLink<T>(path: string, read: (link: number) => T): T | undefined {
  let link: number
  try {
    link = objGet(path)
  } catch {
    return undefined
  }
  try {
    return read(link)
  } finally {
    closeFd(link)
  }
}

function peerOf(device: Device, all: readonly Device[]): Peer | 'hidden' {
  if (device.linkNetns === undefined) {
    const found = all.find(({ name }) => name === device.link)
    return found ? describePeer(found) : 'hidden'
  }
  const netns = netnsOfId(device.linkNetns)
  if (netns === undefined) return 'hidden'
  try {
    return withNetns(netns, () => {
      const found = devicesHere().find(({ ifindex }) => ifindex === device.linkIndex)
      return found ? { ...describePeer(found), netns } : 'hidden'
    })
  } catch {
    // not ours to enter
    return 'hidden'
  }
}

function describePeer({ name, mtu, xdp }: Device): Peer {
  return { name, mtu, txChecksum: offload(name, 'txChecksum'), gro: offload(name, 'gro'), xdp: xdp !== undefined }
}

/** Runs a function where a peer is. */
export function atPeer<T>(peer: Peer, run: (name: string) => T extends PromiseLike<unknown> ? never : T): T {
  return peer.netns === undefined ? run(peer.name) : withNetns(peer.netns, () => run(peer.name))
}
