import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { binDirectory } from './paths.js'

/** Helpers of the tests; no part of the package's face. */

export const sluice = join(binDirectory, 'sluice')

const list = (folder: string): string[] => {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

/** What a lab could leave on the machine under a prefix, or change of it. */
export function machine(prefix: string) {
  const processes = list('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return command.includes(`/labs/${prefix}.`) ? [command] : []
      } catch {
        return []
      }
    })
  return {
    processes,
    namespaces: list('/run/netns').filter((name) => name.startsWith(prefix)),
    records: list('/run/sluice/labs').filter((name) => name.startsWith(prefix)),
    links: execFileSync('ip', ['-brief', 'link'], { encoding: 'utf8' }),
    routes: execFileSync('ip', ['route'], { encoding: 'utf8' }),
    forwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
  }
}

/** Runs a program in a namespace and gives back its output. */
export function inside(namespace: string, ...argv: string[]) {
  const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', namespace, ...argv], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10)
}
