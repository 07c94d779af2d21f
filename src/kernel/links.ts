import { SluiceError } from '../errors.js'
import { stringAt, viewMemory } from './ffi.js'
import { errnoNumber, KernelError, libc, throwErrno } from './syscall.js'

/** A network device of this namespace. */
export interface Device {
  readonly ifindex: number
  readonly name: string
  /** How it was made: `veth`, `bridge`, `bond`, `vlan`, `ipip`, …; absent for hardware and the loopback. */
  readonly kind?: string
  /** Link layer: `ether`, `loopback`, `none`, `ipip`, … */
  readonly type: string
  /** MAC address; absent without one. */
  readonly address?: string
  /** Bytes. */
  readonly mtu: number
  /** Administratively up. */
  readonly up: boolean
  /** Name of the bridge, bond or other device that it is a port of. */
  readonly master?: string
  /** Number by which this namespace knows that of the other end (of a veth) or the lower device. */
  readonly linkNetns?: number
  /** Name of the other end or the lower device, where that is in this namespace. */
  readonly link?: string
  /** Its index, where it is in another one. */
  readonly linkIndex?: number
  /** The XDP program that stands at it. */
  readonly xdp?: { readonly id: number; readonly name?: string; readonly generic: boolean }
}

interface IpLink {
  readonly ifindex: number
  readonly ifname: string
  readonly link_type: string
  readonly address?: string
  readonly mtu: number
  readonly flags: readonly string[]
  readonly master?: string
  readonly link_netnsid?: number
  readonly link?: string
  readonly link_index?: number
  readonly xdp?: { readonly mode: number; readonly prog?: { readonly id: number; readonly name?: string } }
  readonly linkinfo?: { readonly info_kind?: string }
}

/**
 * All devices of this namespace, asked of `ip`: some milliseconds.
 * @throws SluiceError SLUICE_NO_PROGRAM without iproute2, SLUICE_COMMAND
 */
export function devices(): Device[] {
  const command = ['-json', '-details', 'link', 'show']
  // where ip stands is not on every user's path
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' }
  // most commands run no process: what they do not need they do not load
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const ran = spawnSync('ip', command, { encoding: 'utf8', env, maxBuffer: 256 << 20 })
  if (ran.error)
    throw new SluiceError('SLUICE_NO_PROGRAM', { program: 'ip', package: 'iproute2' }, { cause: ran.error })
  if (ran.status !== 0)
    throw new SluiceError('SLUICE_COMMAND', { command: `ip ${command.join(' ')}`, reason: ran.stderr.trim() })
  return (JSON.parse(ran.stdout) as Partial<IpLink>[])
    .filter((link): link is IpLink => link.ifindex !== undefined)
    .map((link) => ({
      ifindex: link.ifindex,
      name: link.ifname,
      type: link.link_type,
      mtu: link.mtu,
      up: link.flags.includes('UP'),
      ...(link.linkinfo?.info_kind === undefined ? {} : { kind: link.linkinfo.info_kind }),
      ...(link.address === undefined ? {} : { address: link.address }),
      ...(link.master === undefined ? {} : { master: link.master }),
      ...(link.link_netnsid === undefined ? {} : { linkNetns: link.link_netnsid }),
      ...(link.link === undefined ? {} : { link: link.link }),
      ...(link.link_index === undefined ? {} : { linkIndex: link.link_index }),
      ...(link.xdp?.prog === undefined ? {} : { xdp: xdpProgram(link.xdp.mode, link.xdp.prog) }),
    }))
}

/** `mode` of XDP in the stack, in linux/if_link.h. */
const XDP_ATTACHED_SKB = 2

function xdpProgram(mode: number, { id, name }: { readonly id: number; readonly name?: string }) {
  return { id, ...(name ? { name } : {}), generic: mode === XDP_ATTACHED_SKB }
}

/** @throws KernelError ENODEV */
export function deviceIndex(name: string): number {
  const found = deviceNames().find((each) => each.name === name)
  if (!found) throw new KernelError(`device ${name}`, errnoNumber('ENODEV'))
  return found.ifindex
}

/** Names and indexes of all devices of this namespace, by if_nameindex(3): no process is started. @throws KernelError */
export function deviceNames(): { readonly ifindex: number; readonly name: string }[] {
  const list = libc.function('void *if_nameindex(void)')() as bigint | null
  if (!list) throwErrno('if_nameindex()')
  try {
    const found: { ifindex: number; name: string }[] = []
    // struct if_nameindex { unsigned index; char *name }, ended by one whose index is 0
    for (let at = list; ; at += 16n) {
      const entry = new DataView(viewMemory(at, 16))
      const ifindex = entry.getUint32(0, true)
      if (ifindex === 0) return found
      found.push({ ifindex, name: stringAt(entry.getBigUint64(8, true)) })
    }
  } finally {
    libc.function('void if_freenameindex(void *list)')(list)
  }
}
