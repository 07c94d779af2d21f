import { readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs'
import { SluiceError } from '../errors.js'
import { lock } from './lock.js'
import { KernelError, libc, throwErrno } from './syscall.js'

const MOUNT_POINT = '/sys/fs/bpf'
const BPF_FS_MAGIC = 0xcafe4a11
/** nosuid, nodev, noexec and relatime: MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME */
const MOUNT_FLAGS = 2 | 4 | 8 | 0x200000

/** A process as far as the search asks about it. */
export interface ProcessFacts {
  /** `self` for this one. */
  readonly pid: number | 'self'
  /** Its mount namespace; undefined where we may not know. */
  readonly mountNamespace: string | undefined
}

/**
 * The process in whose mount namespace pins outlive us, among this process and its ancestors, nearest first.
 *
 * `ip netns exec` gives its command a mount namespace with a fresh /sys, and what is mounted below that dies with the
 * command. So does whatever a service manager or unshare(1) sets apart. The outermost namespace that we can reach is the one
 * that all of them come from, and all commands of a machine (or of a container, which shows no processes but its own)
 * arrive at the same. Of the processes in it the oldest is taken: it will be there longest.
 *
 * Where an ancestor's namespace may not be read, whether the outermost that may be is private cannot be told by comparing;
 * then `isPrivate` is asked.
 *
 * @returns undefined where only a private namespace can be reached.
 */
export function chooseProcess(
  chain: readonly [self: ProcessFacts, ...ancestors: ProcessFacts[]],
  isPrivate: (process: ProcessFacts) => boolean,
): ProcessFacts | undefined {
  const own = chain[0]
  const chosen = chain.findLast((process) => process.mountNamespace !== undefined) ?? own
  if (chosen !== chain.at(-1) && isPrivate(chosen)) return undefined
  return chosen.mountNamespace === own.mountNamespace ? own : chosen
}

/** What an ordinary /sys is mounted from: by service managers and container runtimes, and by hand. */
const ORDINARY_SOURCES = ['sysfs', 'sys', 'none']

/**
 * Whether /proc/PID/mountinfo shows the /sys that `ip netns exec` mounts: it gives it the network namespace's name for a
 * source.
 */
export function hasPrivateSys(mountinfo: string): boolean {
  const sys = mountinfo.split('\n').findLast((line) => line.split(' ')[4] === '/sys')
  const [type, source = ''] = sys?.split(' - ')[1]?.split(' ') ?? []
  return type === 'sysfs' && !ORDINARY_SOURCES.includes(source)
}

let found: { readonly path: string; readonly device: number } | undefined

/**
 * The BPF file system in which pins outlive this process and are seen by all commands of this machine or container: mounted
 * on the way if need be. Often `/sys/fs/bpf`; from inside `ip netns exec`, `/proc/PID/root/sys/fs/bpf` of an ancestor.
 * The path may change when that ancestor ends, so a process that stays asks anew for each use; that is cheap.
 *
 * @throws SluiceError SLUICE_NO_BPFFS where only one that dies with the command can be reached, or none can be mounted;
 * SLUICE_NOT_ROOT where it would have to be mounted and may not
 */
export function findBpffs(): string {
  // the device tells whether the way still leads to the same file system
  if (found && statSync(found.path, { throwIfNoEntry: false })?.dev === found.device) return found.path
  const chosen = chooseProcess(ancestry(), ({ pid }) => hasPrivateSys(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')))
  if (!chosen) throw new SluiceError('SLUICE_NO_BPFFS', { path: `${MOUNT_POINT} of a process outside "ip netns exec"` })
  const path = chosen.pid === 'self' ? MOUNT_POINT : `/proc/${chosen.pid}/root${MOUNT_POINT}`
  if (!isBpffs(path)) mountBpffs(path, chosen.pid)
  found = { path, device: statSync(path).dev }
  return path
}

/**
 * Makes {@link findBpffs} answer with the file system that an open directory is in: for a process that outlives its
 * ancestors, by whose place among them it could be found no more.
 */
export function inheritBpffs(directory: number): void {
  const path = `/proc/self/fd/${directory}`
  found = { path, device: statSync(path).dev }
}

function ancestry(): [ProcessFacts, ...ProcessFacts[]] {
  const chain: [ProcessFacts, ...ProcessFacts[]] = [{ pid: 'self', mountNamespace: mountNamespaceOf('self') }]
  // 0: the parent is outside our view of processes
  for (let pid = process.ppid; pid > 0; pid = parentOf(pid)) chain.push({ pid, mountNamespace: mountNamespaceOf(pid) })
  return chain
}

function mountNamespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`)
  } catch {
    return undefined
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0 // it ended meanwhile; its children are init's now
  }
}

function isBpffs(path: string): boolean {
  try {
    return statfsSync(path).type >>> 0 === BPF_FS_MAGIC
  } catch {
    return false
  }
}

function mountBpffs(path: string, pid: number | 'self'): void {
  try {
    // two that mount at once would put one file system over the other, and the pins in the lower one out of sight
    const held = lock(path, 'exclusive')
    try {
      if (isBpffs(path)) return
      if (pid === 'self') mountHere(path)
      else mountThere(pid)
    } finally {
      held.release()
    }
  } catch (error) {
    const denied = error instanceof KernelError && (error.code === 'EPERM' || error.code === 'EACCES')
    if (denied)
      throw new SluiceError('SLUICE_NOT_ROOT', { what: `mount a BPF file system at ${path}` }, { cause: error })
    throw new SluiceError('SLUICE_NO_BPFFS', { path }, { cause: error })
  }
}

function mountHere(path: string): void {
  const mount = libc.function(
    'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  )
  if (mount('bpf', path, 'bpf', MOUNT_FLAGS, 'mode=0700') < 0) throwErrno(`mount(${path})`)
}

/** A process with threads, as Node is, cannot enter another mount namespace. */
function mountThere(pid: number): void {
  const mount = ['mount', '-t', 'bpf', '-o', 'nosuid,nodev,noexec,relatime,mode=0700', 'bpf', MOUNT_POINT]
  // its root too: a namespace's own may be the initial RAM file system, which holds nothing
  // most commands run no process: what they do not need they do not load
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const ran = spawnSync('nsenter', [`--target=${pid}`, '--mount', '--root', ...mount], { encoding: 'utf8' })
  if (ran.error) throw ran.error
  if (ran.status !== 0) throw new Error(`nsenter ${mount.join(' ')}: ${ran.stderr.trim()}`)
}
