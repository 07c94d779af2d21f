import { addressOf, errnoNumbers, Library, lastErrno } from './ffi.js'

/** The C library; its functions are declared where they are used. */
export const libc = new Library('libc.so.6')

let names: Map<number, string> | undefined

/** `ENOENT` for 2; `E999` for a number without a name. */
export function errnoName(errno: number): string {
  if (!names) {
    names = new Map()
    // the first name stands where a number has two (EAGAIN before EWOULDBLOCK)
    for (const [name, number] of Object.entries(errnoNumbers()).sort(([a], [b]) => (a < b ? -1 : 1)))
      if (!names.has(number)) names.set(number, name)
  }
  return names.get(errno) ?? `E${errno}`
}

/** 2 for `ENOENT`. @throws Error for a name that this machine does not know */
export function errnoNumber(name: string): number {
  const number = errnoNumbers()[name]
  if (number === undefined) throw new Error(`no errno ${name}`)
  return number
}

/** The kernel, or a C library on its behalf, refused a call. The message is one line. */
export class KernelError extends Error {
  override readonly name = 'KernelError'
  /** errno, positive. */
  readonly errno: number
  /** errno's name, such as `ENOENT`. */
  readonly code: string
  /** The call that failed, with what it was about. */
  readonly call: string
  /** The end of the kernel's and the library's log, where the call has one, else empty. */
  readonly log: string

  /**
   * @param call what failed, such as `bpf(BPF_OBJ_GET, /sys/fs/bpf/x)`.
   * @param errno positive.
   * @param options.reason what to say in place of errno's text, one line.
   */
  constructor(
    call: string,
    errno: number,
    options: ErrorOptions & { readonly reason?: string | undefined; readonly log?: string } = {},
  ) {
    const code = errnoName(errno)
    super(`${call}: ${code} (${options.reason ?? errorText(errno)})`, options)
    this.errno = errno
    this.code = code
    this.call = call
    this.log = options.log ?? ''
  }

  /** From an error of Node's own file functions. */
  static from(call: string, error: unknown): KernelError {
    const { errno, code } = error as NodeJS.ErrnoException
    if (errno === undefined) throw error
    const number = errnoNumbers()[code ?? ''] ?? Math.abs(errno)
    return new KernelError(call, number, { cause: error })
  }
}

function errorText(errno: number): string {
  return libc.function('const char *strerror(int errnum)')(errno) as string
}

const numbers = {
  x64: { bpf: 321, membarrier: 324 },
  arm64: { bpf: 280, membarrier: 283 },
} as const

/**
 * The number of a system call on this machine.
 * @throws Error on an architecture that has none here.
 */
export function syscallNumber(name: keyof (typeof numbers)['x64']): number {
  const table = numbers[process.arch as keyof typeof numbers]
  if (!table) throw new Error(`system call numbers of ${process.arch} are not known`)
  return table[name]
}

/**
 * syscall(2) with up to three arguments; memory is given by its address.
 * @returns the result, or -1 with errno in {@link lastErrno}.
 */
export function syscall(
  number: number,
  a: number | bigint = 0,
  b: number | bigint = 0,
  c: number | bigint = 0,
): number {
  // syscall() takes its arguments from the registers of a plain call, so that the prototype need not be variadic
  return libc.function('long syscall(long number, long a, long b, long c)')(number, a, b, c) as number
}

/** Throws a {@link KernelError} for the call that just returned -1. To be called before anything else. */
export function throwErrno(call: string): never {
  throw new KernelError(call, lastErrno())
}

/** Closes a descriptor. @throws KernelError */
export function closeFd(fd: number): void {
  if (libc.function('int close(int fd)')(fd) < 0) throwErrno(`close(${fd})`)
}

/**
 * Memory of its own, with its address: what a kernel structure is put together in. As an argument of a foreign call give its
 * `buffer`, which then lives until the call is over; an address alone keeps nothing alive.
 */
export class Memory {
  readonly buffer: ArrayBuffer
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly address: bigint
  readonly #targets: Memory[] = []

  constructor(size: number) {
    this.buffer = new ArrayBuffer(size)
    this.bytes = new Uint8Array(this.buffer)
    this.view = new DataView(this.buffer)
    this.address = addressOf(this.buffer)
  }

  static of(bytes: Uint8Array): Memory {
    const memory = new Memory(bytes.byteLength)
    memory.bytes.set(bytes)
    return memory
  }

  /** A C string. */
  static string(text: string): Memory {
    const encoded = new TextEncoder().encode(text)
    const memory = new Memory(encoded.byteLength + 1)
    memory.bytes.set(encoded)
    return memory
  }

  u32(offset: number): number {
    return this.view.getUint32(offset, true)
  }

  setU32(offset: number, value: number): void {
    this.view.setUint32(offset, value, true)
  }

  u64(offset: number): bigint {
    return this.view.getBigUint64(offset, true)
  }

  setU64(offset: number, value: bigint): void {
    this.view.setBigUint64(offset, value, true)
  }

  /** Stores the address of other memory, which from then on lives as long as this one, or until {@link clear}. */
  setPointer(offset: number, target: Memory): void {
    this.setU64(offset, target.address)
    this.#targets.push(target)
  }

  clear(): void {
    this.bytes.fill(0)
    this.#targets.length = 0
  }

  /** The text up to the first NUL of a field. */
  text(offset: number, size: number): string {
    const field = this.bytes.subarray(offset, offset + size)
    const end = field.indexOf(0)
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
  }
}
