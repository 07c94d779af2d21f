import { readFileSync } from 'node:fs'
import { SluiceSysctl } from './layouts.js'

/** IPVS's defaults of `net.ipv4.vs.*`, by `enum sluice_sysctl`; what is not named here begins at 0. */
const defaults: Readonly<Partial<Record<keyof typeof SluiceSysctl, number>>> = {
  AM_DROPRATE: 10,
  AMEMTHRESH: 1024,
  CONN_REUSE_MODE: 1,
  LBLC_EXPIRATION: 86400,
  LBLCR_EXPIRATION: 86400,
  PMTU_DISC: 1,
  RUN_ESTIMATION: 1,
  SNAT_REROUTE: 1,
  SYNC_PORTS: 1,
  SYNC_THRESHOLD: 3,
  SYNC_PERIOD: 50,
  SYNC_VERSION: 1,
}

/** The words that a new table's `settings.sysctl` begins with, and that stand for it while there is no table. */
export function defaultSysctls(): Int32Array {
  const words = new Int32Array(SluiceSysctl.COUNT)
  for (const [name, value] of Object.entries(defaults)) words[SluiceSysctl[name as keyof typeof SluiceSysctl]] = value
  words[SluiceSysctl.SYNC_QLEN_MAX] = Math.floor(bufferPages(readZones()) / 32)
  return words
}

const readZones = () => readFileSync('/proc/zoneinfo', 'utf8')

/** The pages that the kernel would use for buffers when nothing else is in memory: those of the zones above their high mark. */
function bufferPages(zoneinfo: string): number {
  let pages = 0
  for (const zone of zoneinfo.split(/^Node /m)) {
    if (!/zone\s+(DMA|DMA32|Normal)\s/.test(zone)) continue
    const field = (name: string) => Number(new RegExp(`^\\s+${name}\\s+(\\d+)`, 'm').exec(zone)?.[1] ?? 0)
    pages += Math.max(0, field('managed') - field('high'))
  }
  return pages
}
