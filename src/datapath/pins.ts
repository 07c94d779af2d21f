import { mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { findBpffs, netnsCookie } from '../kernel/index.js'

/** Where the tables of all namespaces are pinned: one directory a namespace, named by the netns cookie. */
export function pinRoot(): string {
  return join(findBpffs(), 'sluice')
}

/** The cookie, unlike the namespace's inode number, is never used again for another namespace. */
export function pinName(cookie: bigint = netnsCookie()): string {
  return cookie.toString(16)
}

/** The BPF file system refuses names with a dot. */
export const SCRATCH = 'new-'

/** What a table's directory is called while it is made. */
export function scratchOf(directory: string): string {
  return join(dirname(directory), `${SCRATCH}${basename(directory)}`)
}

/** What stands beside a table while another version takes it over: the one that comes, then the one that goes. */
export function besideOf(directory: string): string {
  return join(dirname(directory), `beside-${basename(directory)}`)
}

/** Names inside a namespace's directory, beside the maps, which have their own. */
export const pin = {
  /** The program at TC ingress. */
  program: 'tc',
  /** The program at TC egress, for servers on the director itself. */
  programOut: 'tc-out',
  /** The program that takes connections of other directors into the table. */
  arrive: 'arrive',
  /** Which generation of the program is in force: shared by all of them. */
  turn: 'turn',
  /** A link that tells whether the namespace still exists. */
  netns: 'netns',
  /** What IPVS shows in /proc/net, under the same names: iterators' links, to be read as files. */
  files: { services: 'ip_vs', connections: 'ip_vs_conn', stats: 'ip_vs_stats', statsPerCpu: 'ip_vs_stats_percpu' },
  /** The program at XDP, once a device has had it. */
  programFast: 'xdp',
  /** A device's XDP link. */
  linkFast: (ifindex: number) => `xdp-${ifindex}`,
  isLinkFast: (name: string) => name.startsWith('xdp-'),
  /** A device's TCX link. */
  link: (ifindex: number) => `link-${ifindex}`,
  /** A device's TCX link at egress. */
  linkOut: (ifindex: number) => `out-${ifindex}`,
  /** Is it a link: a device's, or the namespace's? */
  isLink: (name: string) => /^(netns$|link-|out-|xdp-)/.test(name),
  /** The interface index that a pin's name tells, if it is a link's. */
  ifindexOf: (name: string) => (name.startsWith('link-') ? Number(name.slice(5)) : undefined),
} as const

export function ensurePinRoot(): string {
  const root = pinRoot()
  mkdirSync(root, { recursive: true, mode: 0o700 })
  return root
}

/** Unpins all that stands in `directory`, then the directory itself. What nobody holds open, the kernel frees. */
export function removePins(directory: string): void {
  for (const name of listPins(directory)) unlinkSync(join(directory, name))
  try {
    rmdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** The names pinned in `directory`; none if it does not exist. */
export function listPins(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
