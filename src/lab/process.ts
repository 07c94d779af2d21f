import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that cannot be taken for another: process ids are reused, a pair of id and start time is not. */
export interface ProcessIdentity {
  readonly pid: number
  /** Start time in clock ticks since boot, field 22 of proc_pid_stat(5). */
  readonly start: number
}

interface Stat extends ProcessIdentity {
  readonly name: string
  readonly state: string
  readonly group: number
}

function stat(pid: number): Stat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // the name stands in parentheses and may itself hold parentheses and spaces
  const close = text.lastIndexOf(')')
  const fields = text.slice(close + 2).split(' ')
  return {
    pid,
    name: text.slice(text.indexOf('(') + 1, close),
    state: fields[0] ?? '',
    group: Number(fields[2]),
    start: Number(fields[19]),
  }
}

const dead = new Set(['Z', 'X', 'x'])
const alive = (found: Stat | undefined): found is Stat => found !== undefined && !dead.has(found.state)

/** Undefined when there is no such process. */
export function identify(pid: number): ProcessIdentity | undefined {
  const found = stat(pid)
  return found && { pid, start: found.start }
}

export const self = (): ProcessIdentity => identify(process.pid) ?? { pid: process.pid, start: 0 }

/** False for a zombie, and for another process that has the id now. */
export function isAlive(identity: ProcessIdentity): boolean {
  const found = stat(identity.pid)
  return alive(found) && found.start === identity.start
}

function processes(): Stat[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => stat(Number(entry)))
    .filter(alive)
}

/** The living members of the group that `leader` led. Its number stays taken while one of them lives. */
function membersOf(leader: ProcessIdentity): Stat[] {
  const now = stat(leader.pid)
  if (now && now.start !== leader.start) return [] // the number has passed to another process
  return processes().filter((one) => one.group === leader.pid && one.start >= leader.start)
}

/** Living processes whose network namespace has this inode. */
export function processesInNamespace(inode: number): { pid: number; name: string }[] {
  const link = `net:[${inode}]`
  return processes().filter((one) => namespaceOf(one.pid) === link)
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined // it ended meanwhile, or it is a kernel thread
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // it ended by itself meanwhile
  }
}

/** Ends a process and its group: asks by SIGTERM, and by SIGKILL what has not gone after `patience` milliseconds. */
export async function endGroup(leader: ProcessIdentity, patience = 2000): Promise<void> {
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    for (const member of membersOf(leader)) signal(member.pid, name)
    const until = Date.now() + patience
    while (Date.now() < until) {
      if (membersOf(leader).length === 0) return
      await sleep(10)
    }
  }
}

export interface Launch {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Where its output goes: pipes, or one open file for both. */
  readonly output: 'pipe' | number
  /** Called before the program runs. When it throws, the program never runs. */
  register(identity: ProcessIdentity): void
}

/**
 * Starts a program in a session of its own, so that a terminal's Ctrl-C does not reach it, and not before it is registered:
 * a shell waits for one line on its input and becomes the program then. Should this process die before that, the shell sees
 * the end of its input and ends, and no program runs that nobody knows of.
 */
export async function launch(argv: readonly string[], options: Launch): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', 'read -r _ && exec "$@" </dev/null', 'sluice-lab', ...argv], {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['pipe', options.output, options.output],
  })
  if (child.pid === undefined) await once(child, 'spawn')
  const identity = identify(child.pid as number)
  child.stdin?.on('error', () => {}) // a shell that is dead already shows by its exit status
  try {
    if (!identity) throw new Error(`process ${child.pid} is gone`)
    options.register(identity)
  } catch (error) {
    child.stdin?.destroy()
    throw error
  }
  child.stdin?.end('\n')
  return child
}
