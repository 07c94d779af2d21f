import { libc, Memory, throwErrno } from './syscall.js'

const AT_FDCWD = -100
const RENAME_EXCHANGE = 2

/**
 * Exchanges the names of two files or directories in one step: at no moment is either missing.
 * @throws KernelError ENOENT, EINVAL where the file system cannot
 */
export function renameExchange(a: string, b: string): void {
  const [first, second] = [Memory.string(a), Memory.string(b)]
  const result = libc.function('int renameat2(int fromfd, void *from, int tofd, void *to, unsigned int flags)')(
    AT_FDCWD,
    first.buffer,
    AT_FDCWD,
    second.buffer,
    RENAME_EXCHANGE,
  ) as number
  if (result < 0) throwErrno(`renameat2(${a}, ${b})`)
}
