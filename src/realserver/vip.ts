import { isIP } from 'node:net'
import { SluiceError } from '../errors.js'
import { devices, ip } from './ip.js'

/** The address as the kernel writes it. @throws SluiceError `SLUICE_BAD_VIP` */
export function parseVip(text: string): string {
  const family = isIP(text)
  if (family === 0 || text.includes('%')) throw new SluiceError('SLUICE_BAD_VIP', { address: text })
  return family === 4 ? text : new URL(`http://[${text}]`).hostname.slice(1, -1)
}

/** With the prefix length of one host: a longer net on `lo` would take addresses of other machines. */
const host = (vip: string) => `${vip}/${isIP(vip) === 4 ? 32 : 128}`

export const isOnLoopback = (vip: string): boolean =>
  devices().some((device) => device.ifname === 'lo' && device.addr_info.some(({ local }) => local === vip))

export const addToLoopback = (vip: string): unknown =>
  ip('address', 'add', host(vip), 'dev', 'lo', ...(isIP(vip) === 6 ? ['nodad'] : []))

export const removeFromLoopback = (vip: string): unknown => ip('address', 'delete', host(vip), 'dev', 'lo')
