import { spawnSync } from 'node:child_process'
import koffi from 'koffi'
import { SluiceError } from '../errors.js'
import { c } from './syscall.js'

export interface DeviceName {
  readonly ifindex: number
  readonly name: string
}

/** Devices of this network namespace by if_nameindex(3): cheap. */
export function deviceNames(): DeviceName[] {
  const list = c('void *if_nameindex(void)')()
  if (list === null) return []
  const found: DeviceName[] = []
  for (let at = 0; ; at += 16) {
    const ifindex = koffi.decode(list, at, 'uint32_t') as number
    if (ifindex === 0) break
    found.push({ ifindex, name: koffi.decode(list, at + 8, 'const char *') as string })
  }
  c('void if_freenameindex(void *list)')(list)
  return found
}

export interface Device extends DeviceName {
  /** `ether`, `loopback`, `none`, … */
  readonly type: string
  /** `veth`, `bridge`, `bond`, `vlan`, …; absent for a plain device. */
  readonly kind?: string
  /** The bridge, bond or VRF that it is a port of. */
  readonly master?: string
  readonly address: string
  readonly mtu: number
  readonly up: boolean
}

interface IpLink {
  ifindex: number
  ifname: string
  link_type: string
  address?: string
  mtu: number
  flags: string[]
  master?: string
  linkinfo?: { info_kind?: string }
}

/** Devices with all that iproute2 knows of them: a process is run for it. */
export function devices(): Device[] {
  const got = spawnSync('ip', ['-json', '-details', 'link', 'show'], { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (got.error || got.status !== 0)
    throw new SluiceError('SLUICE_BPF', { call: 'ip link show', reason: got.error?.message ?? got.stderr.trim() })
  return (JSON.parse(got.stdout) as IpLink[]).map((link) => ({
    ifindex: link.ifindex,
    name: link.ifname,
    type: link.link_type,
    ...(link.linkinfo?.info_kind === undefined ? {} : { kind: link.linkinfo.info_kind }),
    ...(link.master === undefined ? {} : { master: link.master }),
    address: link.address ?? '',
    mtu: link.mtu,
    up: link.flags.includes('UP'),
  }))
}
