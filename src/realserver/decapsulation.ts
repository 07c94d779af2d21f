import { attachDecap, detachDecap } from '../datapath/index.js'
import { SluiceError } from '../errors.js'

import { devices, ip } from './ip.js'
import { type ChangedSysctl, readSysctl, restoreSysctl, writeSysctl } from './sysctl.js'

/** How packets that the director tunnels are unwrapped, and why in this way. */
export type Decapsulation =
  | {
      readonly by: 'ipip'
      readonly why: string
      readonly device: string
      /** The device was made for this, and goes with it. */
      readonly made: boolean
      /** The device was up before. */
      readonly wasUp: boolean
      readonly sysctls: readonly ChangedSysctl[]
    }
  | { readonly by: 'bpf'; readonly why: string; readonly devices: readonly string[] }

/** The kernel's catch-all tunnel device: takes IPIP packets from every sender. */
const device = 'tunl0'

/** Tries to make the device. Whether the kernel has it in or as a module shows by that alone. */
function tunnelDevice(): { made: boolean } | { missing: string } {
  if (devices().some(({ ifname }) => ifname === device)) return { made: false }
  try {
    ip('link', 'add', 'name', device, 'type', 'ipip')
    return { made: true }
  } catch (error) {
    if (!SluiceError.is(error) || error.code !== 'SLUICE_COMMAND') throw error
    const reason = String(error.details.reason)
    // loading the module made the catch-all device by itself
    if (reason.includes('File exists')) return { made: false }
    return { missing: reason.replace(/^(Error|RTNETLINK answers): /, '').replace(/\.$/, '') }
  }
}

/**
 * The reverse path filter of the device must not ask for the way back: the client's packet comes out of the tunnel and the
 * answer leaves by another device. The larger one of `all` and the device's own value is in force, so where `all` is strict,
 * the loose value 2 overrules it for this device only.
 */
const reversePath = () => (readSysctl('net.ipv4.conf.all.rp_filter') === '0' ? '0' : '2')

/** Ethernet devices with an address: those by which a director can reach this server. */
const reachable = () =>
  devices()
    .filter(({ link_type, addr_info }) => link_type === 'ether' && addr_info.some(({ scope }) => scope === 'global'))
    .map(({ ifname }) => ifname)

export interface DecapsulationOptions {
  /** For our program; empty: every Ethernet device that has an address. */
  readonly devices?: readonly string[]
  /** Our program whatever the kernel has: it takes GRE off too. */
  readonly gre?: boolean
  /** Likewise, and GUE that comes to this UDP port. */
  readonly guePort?: number
}

/**
 * Chooses between the kernel's ipip device and our program, which takes either family off either; the device takes IPv4 in
 * IPv4 alone. Nothing that outlives a crash is made unless `record` has it.
 * @param inet6 whether a VIP is of IPv6
 */
export function startDecapsulation(
  { devices: only = [], gre = false, guePort = 0 }: DecapsulationOptions,
  inet6: boolean,
  record: (choice: Decapsulation) => void,
): Decapsulation {
  const reason =
    only.length > 0
      ? 'its devices are named'
      : inet6
        ? 'a VIP is of IPv6'
        : gre || guePort
          ? 'GRE or GUE is unwrapped too'
          : undefined
  const found = reason === undefined ? tunnelDevice() : { missing: reason }
  if ('made' in found) {
    const wasUp = devices().some(({ ifname, flags }) => ifname === device && flags.includes('UP'))
    const name = `net.ipv4.conf.${device}.rp_filter`
    const sysctls = [{ name, previous: readSysctl(name), set: reversePath() }]
    const choice = {
      by: 'ipip',
      why: 'the kernel has an ipip device',
      device,
      made: found.made,
      wasUp,
      sysctls,
    } as const
    record(choice)
    for (const { name, set } of sysctls) writeSysctl(name, set)
    ip('link', 'set', device, 'up')
    return choice
  }
  const choice = {
    by: 'bpf',
    why: reason ?? `the kernel has no ipip device (${found.missing})`,
    devices: only.length > 0 ? only : reachable(),
  } as const
  record(choice)
  for (const one of choice.devices) attachDecap(one, guePort)
  return choice
}

/** Undoes {@link startDecapsulation}; gives back lines about what was left as it is. */
export function stopDecapsulation(choice: Decapsulation): string[] {
  if (choice.by === 'bpf') {
    detachDecap()
    return []
  }
  if (!devices().some(({ ifname }) => ifname === choice.device)) return []
  if (choice.made) {
    ip('link', 'delete', choice.device)
    return []
  }
  if (!choice.wasUp) ip('link', 'set', choice.device, 'down')
  return choice.sysctls.map(restoreSysctl).filter((line) => line !== undefined)
}
