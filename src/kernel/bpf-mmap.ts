import type { Fd } from './bpf-object.js'
import { viewMemory } from './ffi.js'
import { libc, throwErrno } from './syscall.js'

const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
/** What mmap(2) returns on failure. */
const MAP_FAILED = 2n ** 64n - 1n
const mappings = new WeakMap<ArrayBuffer, { readonly address: bigint; readonly bytes: number }>()

/**
 * Shares the memory of an array that was made with BPF_F_MMAPABLE: what is written through typed arrays over it, the BPF
 * program sees at once, and the other way round. `Atomics` work on it against the program's own atomic operations.
 * The mapping keeps the map alive until {@link munmap} or the end of the process, its descriptor may be closed.
 *
 * @param bytes from the map's beginning; at most `maxEntries * roundUp(valueSize, 8)`, rounded up to whole pages.
 * @throws KernelError EINVAL for a map that is not mappable or shorter, EPERM for a frozen one.
 */
export function mapMmap(fd: Fd, bytes: number): ArrayBuffer {
  const address = libc.function('void *mmap(void *addr, size_t length, int prot, int flags, int fd, long offset)')(
    null,
    bytes,
    PROT_READ | PROT_WRITE,
    MAP_SHARED,
    fd,
    0,
  ) as bigint
  if (address === MAP_FAILED) throwErrno(`mmap(map fd ${fd}, ${bytes} bytes)`)
  const buffer = viewMemory(address, bytes)
  mappings.set(buffer, { address, bytes })
  return buffer
}

/**
 * Ends a mapping of {@link mapMmap}; a second time does nothing. Whoever touches the buffer afterwards ends the process
 * (SIGSEGV): ArrayBuffers over foreign memory cannot be detached in Node 20.
 *
 * @throws KernelError
 */
export function munmap(buffer: ArrayBuffer): void {
  const mapping = mappings.get(buffer)
  if (!mapping) return
  mappings.delete(buffer)
  if (libc.function('int munmap(void *addr, size_t length)')(mapping.address, mapping.bytes) < 0) throwErrno('munmap')
}
