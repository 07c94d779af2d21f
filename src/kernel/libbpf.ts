import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { SluiceError } from '../errors.js'
import type { Fd } from './bpf-object.js'
import { callbackPointer, type ForeignFunction, Library, lastErrno, viewMemory } from './ffi.js'
import { KernelError, libc, Memory } from './syscall.js'

const library = new Library('libbpf.so.1')
let opened = false

/**
 * A function of the system's libbpf, which is opened when the first one is asked for. It writes nothing to stderr.
 * @throws SluiceError SLUICE_NO_LIBBPF
 */
export function libbpf(declaration: string): ForeignFunction {
  try {
    if (!opened) {
      library.function('void *libbpf_set_print(void *print)')(null)
      opened = true
    }
    return library.function(declaration)
  } catch (error) {
    throw new SluiceError('SLUICE_NO_LIBBPF', { reason: (error as Error).message }, { cause: error })
  }
}

/** What is read before a map or program is created. Names are the C names in the object's source. */
export interface ObjectOptions {
  /** The object's name, the beginning of the names of its data sections' maps. Default: the file's, or `object`. */
  readonly name?: string
  /** Entries by map name, instead of what the source says. */
  readonly maxEntries?: Readonly<Record<string, number>>
  /** Maps that are there already, by map name: the object's own of that name is not made. */
  readonly reuse?: Readonly<Record<string, Fd>>
  /** Bytes put over the constants (`const volatile`) at an offset of `.rodata`. */
  readonly rodata?: readonly { readonly offset: number; readonly bytes: Uint8Array }[]
  /** The same for any section, such as `.data`, by its name. */
  readonly sections?: Readonly<Record<string, readonly { readonly offset: number; readonly bytes: Uint8Array }[]>>
  /** `enum bpf_attach_type` by program name. */
  readonly expectedAttachType?: Readonly<Record<string, number>>
  /** False by program name: it is not loaded. */
  readonly autoload?: Readonly<Record<string, boolean>>
}

/** An object whose maps and programs are in the kernel. They go with {@link close} unless pinned, attached or shared. */
export interface LoadedObject {
  /** @throws Error for a name that the object does not have. */
  mapFd(name: string): Fd
  /** @throws Error for a name that the object does not have, or that was not loaded. */
  progFd(name: string): Fd
  /** Names of the maps, those of data sections (`name.rodata`) included. */
  maps(): string[]
  /** Names of the programs that were loaded. */
  programs(): string[]
  /** Closes every descriptor; a second time does nothing. */
  close(): void
}

/**
 * Loads a compiled BPF object into the kernel.
 *
 * @param source path or contents of the ELF file.
 * @throws KernelError with the end of the verifier's and libbpf's log in `log`: ENOENT or EINVAL for what is no BPF object,
 * EINVAL or EACCES when the verifier refuses, EPERM without the capabilities, ENOMEM, E2BIG.
 * @throws SluiceError SLUICE_NO_LIBBPF
 * @throws Error when an option names what is not in the object.
 */
export function loadObject(source: string | Uint8Array, options: ObjectOptions = {}): LoadedObject {
  const name = options.name ?? (typeof source === 'string' ? (basename(source).split('.')[0] ?? 'object') : 'object')
  const elf = Memory.of(typeof source === 'string' ? readObjectFile(source) : source)
  const log = new LoadLog()
  const restore = log.listen()
  try {
    const object = libbpf('void *bpf_object__open_mem(void *buf, size_t size, void *opts)')(
      elf.buffer,
      elf.bytes.byteLength,
      openOptions(name, log).buffer,
    ) as bigint | null
    if (!object) throw new KernelError(`opening BPF object ${name}`, lastErrno(), log.asOptions())
    try {
      prepare(object, options)
      const result = libbpf('int bpf_object__load(void *obj)')(object) as number
      if (result < 0) throw new KernelError(`loading BPF object ${name}`, -result, log.asOptions())
      return new Loaded(name, object)
    } catch (error) {
      libbpf('void bpf_object__close(void *obj)')(object)
      throw error
    }
  } finally {
    restore()
    openOpts?.clear()
  }
}

function readObjectFile(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw KernelError.from(`reading ${path}`, error)
  }
}

/** Bytes of struct bpf_object_open_opts up to and with kernel_log_level, in libbpf 1.0 and all later. */
const OPEN_OPTS_SIZE = 80

// stays, so that what it points to is not collected while libbpf looks at it
let openOpts: Memory | undefined

function openOptions(name: string, log: LoadLog): Memory {
  openOpts ??= new Memory(OPEN_OPTS_SIZE)
  openOpts.clear()
  openOpts.setU64(0, BigInt(OPEN_OPTS_SIZE))
  openOpts.setPointer(8, Memory.string(name))
  openOpts.setPointer(56, log.kernel)
  openOpts.setU64(64, BigInt(log.kernel.bytes.byteLength))
  // level 0: libbpf asks for a log only when a program was refused, by trying again
  openOpts.setU32(72, 0)
  return openOpts
}

function prepare(object: bigint, options: ObjectOptions): void {
  for (const [map, entries] of Object.entries(options.maxEntries ?? {})) {
    const result = libbpf('int bpf_map__set_max_entries(void *map, uint32_t max_entries)')(
      findMap(object, map),
      entries,
    )
    if (result < 0) throw new KernelError(`setting the entries of map ${map} to ${entries}`, -result)
  }
  for (const [map, fd] of Object.entries(options.reuse ?? {})) {
    const result = libbpf('int bpf_map__reuse_fd(void *map, int fd)')(findMap(object, map), fd)
    if (result < 0) throw new KernelError(`using map ${map} again`, -result)
  }
  const sections = { ...options.sections, ...(options.rodata ? { '.rodata': options.rodata } : {}) }
  for (const [section, patches] of Object.entries(sections)) {
    const size = new Memory(8)
    const start = libbpf('void *bpf_map__initial_value(void *map, void *psize)')(findMap(object, section), size.buffer)
    if (!start) throw new Error(`section ${section} of the BPF object has no initial value`)
    const contents = new Uint8Array(viewMemory(start as bigint, Number(size.u64(0))))
    for (const { offset, bytes } of patches) contents.set(bytes, offset)
  }
  for (const [program, type] of Object.entries(options.expectedAttachType ?? {}))
    libbpf('int bpf_program__set_expected_attach_type(void *prog, int type)')(findProgram(object, program), type)
  for (const [program, wanted] of Object.entries(options.autoload ?? {}))
    libbpf('int bpf_program__set_autoload(void *prog, bool autoload)')(findProgram(object, program), wanted)
}

function findMap(object: bigint, name: string): bigint {
  const map = libbpf('void *bpf_object__find_map_by_name(void *obj, const char *name)')(object, name) as bigint | null
  if (!map) throw new Error(`the BPF object has no map ${name}`)
  return map
}

function findProgram(object: bigint, name: string): bigint {
  const program = libbpf('void *bpf_object__find_program_by_name(void *obj, const char *name)')(object, name)
  if (!program) throw new Error(`the BPF object has no program ${name}`)
  return program as bigint
}

class Loaded implements LoadedObject {
  readonly #maps = new Map<string, Fd>()
  readonly #programs = new Map<string, Fd>()
  #object: bigint | undefined

  constructor(
    private readonly name: string,
    object: bigint,
  ) {
    this.#object = object
    const nextMap = libbpf('void *bpf_object__next_map(void *obj, void *map)')
    const mapName = libbpf('const char *bpf_map__name(void *map)')
    const mapFd = libbpf('int bpf_map__fd(void *map)')
    for (let map = nextMap(object, null); map; map = nextMap(object, map)) this.#maps.set(mapName(map), mapFd(map))
    const nextProgram = libbpf('void *bpf_object__next_program(void *obj, void *prog)')
    const programName = libbpf('const char *bpf_program__name(void *prog)')
    const programFd = libbpf('int bpf_program__fd(void *prog)')
    for (let program = nextProgram(object, null); program; program = nextProgram(object, program)) {
      const fd = programFd(program) as number
      if (fd >= 0) this.#programs.set(programName(program), fd)
    }
  }

  mapFd(name: string): Fd {
    return this.#find('map', this.#maps, name)
  }

  progFd(name: string): Fd {
    return this.#find('loaded program', this.#programs, name)
  }

  #find(what: string, among: ReadonlyMap<string, Fd>, name: string): Fd {
    const fd = among.get(name)
    if (this.#object === undefined) throw new Error(`BPF object ${this.name} is closed`)
    if (fd === undefined) throw new Error(`BPF object ${this.name} has no ${what} ${name}`)
    return fd
  }

  maps(): string[] {
    return [...this.#maps.keys()]
  }

  programs(): string[] {
    return [...this.#programs.keys()]
  }

  close(): void {
    if (this.#object === undefined) return
    libbpf('void bpf_object__close(void *obj)')(this.#object)
    this.#object = undefined
  }
}

/** Room for the verifier's log. Pages that nobody writes to cost nothing; too little would turn every error into ENOSPC. */
const KERNEL_LOG_SIZE = 16 << 20
/** Lines of each log that an error carries: the reason stands at the end. */
const LAST_LINES = 12
const LIBBPF_WARN = 0

/** What the kernel and libbpf say while an object is loaded. */
class LoadLog {
  readonly kernel = new Memory(KERNEL_LOG_SIZE)
  readonly #warnings: string[] = []

  /** Takes libbpf's warnings until the function returned is called. */
  listen(): () => void {
    const setPrint = libbpf('void *libbpf_set_print(void *print)')
    listener = (warning) => this.#warnings.push(warning)
    printPointer ??= callbackPointer('int SluiceLibbpfPrint(int level, void *format, void *arguments)', print)
    setPrint(printPointer)
    return () => {
      setPrint(null)
      listener = undefined
    }
  }

  asOptions(): { log: string; reason: string | undefined } {
    const end = this.kernel.bytes.indexOf(0)
    const verifier = lines(new TextDecoder().decode(this.kernel.bytes.subarray(0, Math.max(end, 0))))
    const library = lines(this.#warnings.join(''))
    return {
      log: [...verifier.slice(-LAST_LINES), ...library.slice(-LAST_LINES)].join('\n'),
      reason: verifier.findLast((line) => !isStatistics(line)) ?? library.find((line) => line.includes('failed')),
    }
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '')
}

/** What the verifier adds after its reason. */
function isStatistics(line: string): boolean {
  return /^(processed \d+ insns|verification time|stack depth|insns processed)/.test(line)
}

let listener: ((line: string) => void) | undefined
let printPointer: bigint | undefined
let line: Memory | undefined

/**
 * libbpf's print callback. Its third argument is a va_list: an array on x86-64 and a structure larger than two registers on
 * aarch64, so that on both what is passed is its address, and vsnprintf takes it as it came.
 */
function print(level: number, format: bigint, args: bigint): number {
  if (level !== LIBBPF_WARN || !listener) return 0
  line ??= new Memory(4096)
  libc.function('int vsnprintf(void *text, size_t size, void *format, void *arguments)')(
    line.buffer,
    line.bytes.byteLength,
    format,
    args,
  )
  listener(line.text(0, line.bytes.byteLength))
  return 0
}
