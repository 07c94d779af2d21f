import koffi from 'koffi'
import { SluiceError } from '../errors.js'
import { openNetns as openReadOnly } from './netns.js'
import { c, checked, closeFd } from './syscall.js'

const LOCK_SHARED = 1
const LOCK_EXCLUSIVE = 2
const LOCK_NON_BLOCKING = 4

export interface Lock {
  release(): void
}

/**
 * flock(2) on a file or directory: the kernel releases it when its holder ends, however it ends.
 *
 * @throws SluiceError SLUICE_LOCKED after `timeoutMs`
 */
export function lock(path: string, kind: 'shared' | 'exclusive', timeoutMs = 10_000): Lock {
  const fd = openReadOnly(path)
  const flock = c('int flock(int fd, int operation)')
  const operation = (kind === 'shared' ? LOCK_SHARED : LOCK_EXCLUSIVE) | LOCK_NON_BLOCKING
  const until = performance.now() + timeoutMs
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  while (flock(fd, operation) < 0) {
    const errno = koffi.errno()
    if (errno !== koffi.os.errno.EAGAIN && errno !== koffi.os.errno.EINTR) checked('flock', -1)
    if (performance.now() > until) {
      closeFd(fd)
      throw new SluiceError('SLUICE_LOCKED', { seconds: timeoutMs / 1000 })
    }
    Atomics.wait(sleeper, 0, 0, 1)
  }
  return { release: () => closeFd(fd) }
}
