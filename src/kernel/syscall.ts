import koffi from 'koffi'

/** A system call or library call that failed. `code` is the errno's name, `call` what was tried. */
export class KernelError extends Error {
  override readonly name = 'KernelError'
  readonly code: string

  constructor(
    readonly call: string,
    readonly errno: number,
    /** The last lines of the verifier's or the library's log, where there is one. */
    readonly log = '',
  ) {
    const code = errnoName(errno)
    super(`${call}: ${code}${log === '' ? '' : `: ${log.trim().split('\n').at(-1)}`}`)
    this.code = code
  }
}

const names = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]))

export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`
}

const libc = koffi.load('libc.so.6')

const declared = new Map<string, ReturnType<typeof libc.func>>()

/** A function of the C library by its prototype, declared at its first use. */
export function c(prototype: string): ReturnType<typeof libc.func> {
  let found = declared.get(prototype)
  if (!found) {
    found = libc.func(prototype)
    declared.set(prototype, found)
  }
  return found
}

/** Throws what errno says where a call returned a negative number. */
export function checked(call: string, result: number): number {
  if (result < 0) throw new KernelError(call, koffi.errno())
  return result
}

/** Memory outside the JavaScript heap: the kernel is given its address, JavaScript sees its bytes. */
export interface Memory {
  readonly address: bigint
  readonly bytes: Uint8Array
  readonly view: DataView
}

const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_PRIVATE_ANONYMOUS = 0x22

/** mmap(2); `fd` -1: memory of our own. */
export function mapMemory(bytes: number, fd = -1): { pointer: unknown; buffer: ArrayBuffer } {
  const flags = fd < 0 ? MAP_PRIVATE_ANONYMOUS : MAP_SHARED
  const mmap = c('void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset)')
  const pointer = mmap(null, bytes, PROT_READ_WRITE, flags, fd, 0)
  if (pointer === null || BigInt.asIntN(64, koffi.address(pointer)) === -1n)
    throw new KernelError('mmap', koffi.errno())
  return { pointer, buffer: koffi.view(pointer, bytes) }
}

export function unmapMemory(pointer: unknown, bytes: number): void {
  checked('munmap', c('int munmap(void *address, size_t length)')(pointer, bytes))
}

export function allocate(bytes: number): Memory {
  const { pointer, buffer } = mapMemory(bytes)
  return { address: koffi.address(pointer), bytes: new Uint8Array(buffer), view: new DataView(buffer) }
}

export function closeFd(fd: number): void {
  c('int close(int fd)')(fd)
}
