import { once } from 'node:events'
import { existsSync, lstatSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs'
import { SluiceError } from '../errors.js'
import { launch, type ProcessIdentity } from './process.js'
import { run, systemEnvironment } from './program.js'

/** Magic number of the file system of namespaces, from linux/magic.h. */
const NSFS_MAGIC = 0x6e736673

export const namespacePath = (name: string): string => `/run/netns/${name}`

/**
 * Settings of a new namespace. IPv4's defaults are copied from the machine's own namespace, which must not change what a lab
 * shows; duplicate address detection would keep IPv6 addresses unusable for a second or two.
 */
const settings = [
  ['ipv4/ip_forward', 0],
  ['ipv4/conf/all/rp_filter', 0],
  ['ipv4/conf/default/rp_filter', 0],
  ['ipv4/conf/all/arp_ignore', 0],
  ['ipv4/conf/default/arp_ignore', 0],
  ['ipv4/conf/all/arp_announce', 0],
  ['ipv4/conf/default/arp_announce', 0],
  ['ipv4/conf/all/send_redirects', 0],
  ['ipv4/conf/default/send_redirects', 0],
  ['ipv6/conf/all/accept_dad', 0],
  ['ipv6/conf/default/accept_dad', 0],
  ['bridge/bridge-nf-call-iptables', 0],
  ['bridge/bridge-nf-call-ip6tables', 0],
  ['bridge/bridge-nf-call-arptables', 0],
] as const

/**
 * Makes a namespace that carries `mark` from before it has a name: a shell in a new namespace writes the mark as the alias of
 * its `lo`, and only then gives the namespace its name, which fails where the name is taken.
 * @param register is told of the shell before it runs: it could outlive us, and name a namespace that nobody waits for
 * @throws SluiceError `SLUICE_LAB_FOREIGN` when the name is taken; `SLUICE_COMMAND`
 */
export async function createNamespace(
  name: string,
  mark: string,
  register: (shell: ProcessIdentity) => void,
): Promise<void> {
  if (existsSync(namespacePath(name)))
    throw new SluiceError('SLUICE_LAB_FOREIGN', { what: `network namespace ${name}` })
  const lines = settings.map(
    ([path, value]) => `[ ! -e /proc/sys/net/${path} ] || echo ${value} > /proc/sys/net/${path}`,
  )
  const script = [
    'set -e',
    'ip link set dev lo alias "$1"',
    'ip link set dev lo up',
    ...lines,
    'ip netns attach "$2" $$',
  ]
  const argv = ['unshare', '--net', 'sh', '-c', script.join('\n'), 'sh', mark, name]
  const child = await launch(argv, { cwd: '/', env: systemEnvironment(), output: 'pipe', register })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => output.push(text))
  }
  const [status] = (await once(child, 'close')) as [number | null]
  if (status === 0) return
  const reason = output.join('').trim().split('\n').at(-1) || `status ${status}`
  throw new SluiceError('SLUICE_COMMAND', { command: `making the network namespace ${name}`, reason })
}

/** What is found under a namespace's name. */
export type Finding = 'ours' | 'foreign' | 'absent' | 'unfinished'

/** `unfinished`: the empty file that a crash between its making and its mounting leaves. */
export async function findNamespace(name: string, mark: string): Promise<Finding> {
  const path = namespacePath(name)
  try {
    if (statfsSync(path).type !== NSFS_MAGIC) {
      const found = lstatSync(path)
      return found.isFile() && found.size === 0 ? 'unfinished' : 'foreign'
    }
  } catch {
    return 'absent'
  }
  const [loopback] = JSON.parse(await run('ip', ['-json', '-n', name, 'link', 'show', 'dev', 'lo'])) as [
    { ifalias?: string }?,
  ]
  return loopback?.ifalias === mark ? 'ours' : 'foreign'
}

/** Inode of the namespace with this name. */
export const namespaceInode = (name: string): number => statSync(namespacePath(name)).ino

export async function deleteNamespace(name: string): Promise<void> {
  await run('ip', ['netns', 'delete', name])
}

/** Removes the empty file that stands where a namespace's name should. */
export function deleteUnfinished(name: string): void {
  if (readFileSync(namespacePath(name)).length === 0) rmSync(namespacePath(name), { force: true })
}
