import { existsSync } from 'node:fs'
import { deviceNames, readSysctl, writeSysctl } from '../kernel/index.js'
import type { Table } from './table.js'

/**
 * Sysctls that the datapath needs on the loopback: its forwarding switch (of each family) is asked by the route lookup of
 * packets that the director sends on, and its accept_local lets replies to an IPv4 client on the director in. IPv6 has no
 * such check. A kernel without IPv6 lacks the last one.
 */
const needed = [
  ['net.ipv4.conf.lo.forwarding', 'savedForwarding'],
  ['net.ipv4.conf.lo.accept_local', 'savedAcceptLocal'],
  ['net.ipv6.conf.lo.forwarding', 'savedForwarding6'],
] as const

const isInet6 = (name: string) => name.startsWith('net.ipv6.')

const hasInet6 = () => existsSync('/proc/sys/net/ipv6/conf/lo')

/** Sets them, remembering what they were. */
export function switchOn(table: Table): void {
  for (const [name, saved] of needed) {
    if (isInet6(name) && !hasInet6()) continue
    const value = Number(readSysctl(name))
    if (value === 1) continue
    // the old value goes on record first: after a crash between the two, detach restores what stands there anyway
    if (table.settings[saved] === 0) table.settings[saved] = value + 1
    if (isInet6(name)) keepingDefaultRoutes(() => writeSysctl(name, '1'))
    else writeSysctl(name, '1')
  }
}

/** Puts back what {@link switchOn} changed. */
export function switchBack(table: Table): void {
  for (const [name, saved] of needed) {
    if (table.settings[saved] === 0) continue
    if (!isInet6(name) || hasInet6()) writeSysctl(name, String(table.settings[saved] - 1))
    table.settings[saved] = 0
  }
}

/**
 * Switching IPv6 forwarding on, on any one device, makes the kernel forget the default routes that routers advertised on
 * all devices, unless a device's accept_ra is 2 ("also where it forwards"). It is, meanwhile, where it was 1: on a device
 * that does not forward both mean the same.
 */
function keepingDefaultRoutes(change: () => void): void {
  const names = deviceNames()
    .map(({ name }) => `net/ipv6/conf/${name}/accept_ra`)
    .filter((name) => existsSync(`/proc/sys/${name}`) && readSysctl(name) === '1')
  for (const name of names) writeSysctl(name, '2')
  try {
    change()
  } finally {
    for (const name of names) writeSysctl(name, '1')
  }
}
