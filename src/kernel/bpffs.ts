import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync, statfsSync } from 'node:fs'
import { SluiceError } from '../errors.js'

const BPF_FS_MAGIC = 0xcafe4a11
const MOUNT_POINT = '/sys/fs/bpf'

let found: string | undefined

/**
 * The path by which this process reaches the BPF file system in which pins outlive it.
 *
 * `ip netns exec` runs its command in a mount namespace of its own with a new /sys: a BPF file system there would die
 * with the command. So the place is that of the nearest ancestor in another mount namespace, reached through /proc; with
 * no such ancestor, our own. Where none is mounted yet, it is mounted, as iproute2 does.
 *
 * @throws SluiceError SLUICE_NO_BPFFS
 */
export function findBpffs(): string {
  found ??= search()
  return found
}

function search(): string {
  const ancestor = outerAncestor()
  const path = ancestor === undefined ? MOUNT_POINT : `/proc/${ancestor}/root${MOUNT_POINT}`
  if (isBpffs(path)) return path
  const mount = ['mount', '-t', 'bpf', 'bpf', MOUNT_POINT]
  const command = ancestor === undefined ? mount : ['nsenter', `--mount=/proc/${ancestor}/ns/mnt`, ...mount]
  const got = spawnSync(command[0] as string, command.slice(1), { encoding: 'utf8' })
  if (got.status === 0 && isBpffs(path)) return path
  throw new SluiceError('SLUICE_NO_BPFFS', { path })
}

/** The nearest ancestor in another mount namespace, if there is one that we may look into. */
function outerAncestor(): number | undefined {
  const own = mountNamespace('self')
  for (let pid = parentOf('self'); pid !== undefined && pid > 0; pid = parentOf(String(pid))) {
    const theirs = mountNamespace(String(pid))
    if (theirs === undefined) return undefined
    if (theirs !== own) return pid
  }
  return undefined
}

function mountNamespace(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`)
  } catch {
    return undefined
  }
}

function parentOf(pid: string): number | undefined {
  try {
    const [, parent] = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
    return parent === undefined ? undefined : Number(parent)
  } catch {
    return undefined
  }
}

function isBpffs(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC
  } catch {
    return false
  }
}
