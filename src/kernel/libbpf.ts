import koffi from 'koffi'
import { SluiceError } from '../errors.js'
import { allocate, KernelError } from './syscall.js'

/** The system's libbpf, for what is more than a system call: loading objects, and filters of the clsact qdisc. */

let library: ReturnType<typeof koffi.load> | undefined

function libbpf(): ReturnType<typeof koffi.load> {
  if (library) return library
  try {
    library = koffi.load('libbpf.so.1')
  } catch (error) {
    throw new SluiceError('SLUICE_NO_LIBBPF', { reason: (error as Error).message }, { cause: error })
  }
  // what it would print goes into the log that comes with the error
  library.func('void *libbpf_set_print(void *print)')(null)
  return library
}

const declared = new Map<string, ReturnType<ReturnType<typeof koffi.load>['func']>>()

/** A function of libbpf by its prototype, declared at its first use. */
export function bpfLibrary(prototype: string): ReturnType<ReturnType<typeof koffi.load>['func']> {
  let found = declared.get(prototype)
  if (!found) {
    found = libbpf().func(prototype)
    declared.set(prototype, found)
  }
  return found
}

export interface LoadObjectOptions {
  /** max_entries by map name, in place of the object's. */
  readonly maxEntries?: Readonly<Record<string, number>>
  /** Bytes to write into .rodata before it is frozen. */
  readonly rodata?: readonly { readonly offset: number; readonly bytes: Uint8Array }[]
}

export interface LoadedObject {
  /** Valid until close. @throws KernelError ENOENT */
  mapFd(name: string): number
  /** Valid until close. @throws KernelError ENOENT */
  progFd(name: string): number
  close(): void
}

const LOG_BYTES = 1 << 20

/** struct bpf_object_open_opts of libbpf 1.0, whose size tells which fields it has. */
const OPEN_OPTS = { size: 80, name: 8, logBuffer: 48, logSize: 56, logLevel: 64 } as const

/**
 * Loads a compiled object: creates its maps, verifies its programs.
 *
 * @throws KernelError with the end of the verifier's log
 * @throws SluiceError SLUICE_NO_LIBBPF
 */
export function loadObject(object: Uint8Array, options: LoadObjectOptions = {}): LoadedObject {
  const log = allocate(LOG_BYTES)
  const opts = allocate(OPEN_OPTS.size)
  opts.view.setBigUint64(0, BigInt(OPEN_OPTS.size), true)
  opts.view.setBigUint64(OPEN_OPTS.logBuffer, log.address, true)
  opts.view.setBigUint64(OPEN_OPTS.logSize, BigInt(LOG_BYTES), true)
  const fail = (call: string, result: number) => new KernelError(call, -result, tail(log.bytes))

  const open = bpfLibrary('void *bpf_object__open_mem(const void *buffer, size_t size, uint64_t opts)')
  const handle = open(object, object.length, opts.address)
  if (handle === null) throw fail('bpf_object__open_mem', -koffi.errno())
  const close = () => bpfLibrary('void bpf_object__close(void *object)')(handle)
  const findMap = bpfLibrary('void *bpf_object__find_map_by_name(void *object, const char *name)')
  try {
    for (const [name, entries] of Object.entries(options.maxEntries ?? {})) {
      const result = bpfLibrary('int bpf_map__set_max_entries(void *map, uint32_t entries)')(
        findMap(handle, name),
        entries,
      )
      if (result < 0) throw fail(`bpf_map__set_max_entries ${name}`, result)
    }
    if (options.rodata) writeRodata(findMap(handle, '.rodata'), options.rodata)
    const result = bpfLibrary('int bpf_object__load(void *object)')(handle)
    if (result < 0) throw fail('loading the program', result)
  } catch (error) {
    close()
    throw error
  }
  const fdOf = (what: string, name: string, find: string, fd: string) => {
    const found = bpfLibrary(`void *${find}(void *object, const char *name)`)(handle, name)
    if (found === null) throw new KernelError(`${what} ${name}`, koffi.os.errno.ENOENT as number)
    return bpfLibrary(`int ${fd}(void *found)`)(found) as number
  }
  return {
    mapFd: (name) => fdOf('map', name, 'bpf_object__find_map_by_name', 'bpf_map__fd'),
    progFd: (name) => fdOf('program', name, 'bpf_object__find_program_by_name', 'bpf_program__fd'),
    close,
  }
}

function writeRodata(map: unknown, writes: NonNullable<LoadObjectOptions['rodata']>): void {
  const size = allocate(8)
  const data = bpfLibrary('void *bpf_map__initial_value(void *map, uint64_t size)')(map, size.address)
  if (data === null) throw new KernelError('bpf_map__initial_value', koffi.errno())
  const bytes = new Uint8Array(koffi.view(data, Number(size.view.getBigUint64(0, true))))
  for (const { offset, bytes: value } of writes) bytes.set(value, offset)
}

function tail(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  const text = new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end)).trim()
  return text.split('\n').slice(-12).join('\n')
}
