import { readSync, writeSync } from 'node:fs'
import type { Fd } from './bpf-object.js'
import { libc, throwErrno } from './syscall.js'

const EFD_CLOEXEC_NONBLOCK = 0x80000 | 0x800

/**
 * A descriptor by which one thread wakes another that waits in {@link poll}: eventfd(2). Threads share descriptors, so its
 * number is all that has to be told.
 * @throws KernelError
 */
export function eventFd(): Fd {
  const fd = libc.function('int eventfd(unsigned int value, int flags)')(0, EFD_CLOEXEC_NONBLOCK) as number
  if (fd < 0) throwErrno('eventfd()')
  return fd
}

/** Makes it readable. */
export function signalEvent(fd: Fd): void {
  writeSync(fd, new Uint8Array(new BigUint64Array([1n]).buffer))
}

/** Makes it unreadable, until the next signal. */
export function clearEvent(fd: Fd): void {
  try {
    readSync(fd, new Uint8Array(8))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
  }
}
