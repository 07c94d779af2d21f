import { closeSync, fstatSync, openSync, statSync } from 'node:fs'
import { SluiceError } from '../errors.js'
import { lastErrno } from './ffi.js'
import { errnoName, KernelError, libc } from './syscall.js'

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4

export interface Lock {
  /** The descriptor that holds it: a process that inherits it holds the lock too, until it ends. */
  readonly fd: number
  /** Lets others have it; a second time does nothing. */
  release(): void
}

export interface LockOptions {
  /** How long to wait for others, milliseconds. Default 10,000; 0 tries once. */
  readonly timeoutMs?: number
}

/**
 * Locks a file or directory against other processes by flock(2), those of the BPF file system included. The kernel releases it
 * when the process ends, however it ends. Waiting blocks the thread. Two locks of one process exclude each other too.
 *
 * @param kind shared with other shared ones, or exclusive.
 * @throws SluiceError SLUICE_LOCKED after the timeout
 * @throws KernelError ENOENT when the path is not there, or goes while it is waited for
 */
export function lock(path: string, kind: 'shared' | 'exclusive', options: LockOptions = {}): Lock {
  const timeoutMs = options.timeoutMs ?? 10_000
  const deadline = performance.now() + timeoutMs
  const operation = (kind === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB
  for (;;) {
    const fd = open(path)
    let keep = false
    try {
      while (!tryLock(fd, operation, path)) {
        if (performance.now() >= deadline) throw new SluiceError('SLUICE_LOCKED', { seconds: timeoutMs / 1000 })
        pause()
      }
      // whoever held it may have removed the file, or put another in its place: that one would be locked by nobody
      keep = isStill(path, fd)
      if (keep) return holding(fd)
    } finally {
      if (!keep) closeSync(fd)
    }
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw KernelError.from(`open(${path})`, error)
  }
}

function tryLock(fd: number, operation: number, path: string): boolean {
  for (;;) {
    if (libc.function('int flock(int fd, int operation)')(fd, operation) === 0) return true
    const errno = lastErrno()
    if (errnoName(errno) === 'EAGAIN') return false
    if (errnoName(errno) !== 'EINTR') throw new KernelError(`flock(${path})`, errno)
  }
}

function isStill(path: string, fd: number): boolean {
  const ours = fstatSync(fd, { bigint: true })
  const there = statSync(path, { bigint: true, throwIfNoEntry: false })
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev
}

function holding(fd: number): Lock {
  let held = true
  return {
    fd,
    release() {
      if (!held) return
      held = false
      closeSync(fd)
    },
  }
}

const never = new Int32Array(new SharedArrayBuffer(4))

/** 1 to 4 ms, at random, so that those who wait do not come all at once. */
function pause(): void {
  Atomics.wait(never, 0, 0, 1 + Math.random() * 3)
}
