import type { Fd } from './bpf-object.js'
import { lastErrno } from './ffi.js'
import { errnoName, KernelError, libc, Memory } from './syscall.js'

const POLLIN = 1

/**
 * Blocks this thread until a descriptor can be read or the time is over: for a worker that lives by it.
 * @param milliseconds rounded up to whole ones; undefined: without end
 * @returns the descriptors that can be read, or have an error to tell
 * @throws KernelError
 */
export function poll(descriptors: readonly Fd[], milliseconds?: number): Fd[] {
  const memory = new Memory(Math.max(8, descriptors.length * 8))
  for (const [i, fd] of descriptors.entries()) {
    memory.view.setInt32(i * 8, fd, true)
    memory.view.setInt16(i * 8 + 4, POLLIN, true)
  }
  const timeout = milliseconds === undefined ? -1 : Math.max(0, Math.ceil(milliseconds))
  const wait = libc.function('int poll(void *descriptors, unsigned long count, int timeout)')
  if (wait(memory.buffer, descriptors.length, timeout) < 0) {
    const errno = lastErrno()
    if (errnoName(errno) === 'EINTR') return []
    throw new KernelError('poll()', errno)
  }
  return descriptors.filter((_, i) => memory.view.getInt16(i * 8 + 6, true) !== 0)
}
