import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'

/**
 * The only file that knows koffi: what the rest of the kernel's face needs of a foreign function interface, and no more,
 * so that another one (Node's own `node:ffi` one day) can take its place.
 */

/** A function of a C library. Integers of 64 bits come as `number` where they fit, else as `bigint`. */
// biome-ignore lint/suspicious/noExplicitAny: the C declaration, not TypeScript, knows the types
export type ForeignFunction = (...args: any[]) => any

let loaded: typeof Koffi | undefined

/** koffi takes 10 ms to load: a command that only prints its help should not pay for it. */
function koffi(): typeof Koffi {
  // require() rather than import: it is lazy, synchronous, and spares the 3 ms of the ES module loader
  loaded ??= createRequire(import.meta.url)('koffi') as typeof Koffi
  return loaded
}

/** A shared library, opened when its first function is asked for; each function is declared once, on its first use. */
export class Library {
  readonly #soname: string
  readonly #functions = new Map<string, ForeignFunction>()
  #handle: Koffi.LibraryHandle | undefined

  /** @param soname what dlopen(3) takes. */
  constructor(soname: string) {
    this.#soname = soname
  }

  /**
   * @param declaration C prototype, such as `int close(int fd)`.
   * @throws Error when the library or the symbol is not there.
   */
  function(declaration: string): ForeignFunction {
    let found = this.#functions.get(declaration)
    if (!found) {
      this.#handle ??= koffi().load(this.#soname)
      found = this.#handle.func(declaration)
      this.#functions.set(declaration, found)
    }
    return found
  }
}

/** errno of the last foreign call: to be asked before anything else is done. */
export function lastErrno(): number {
  return koffi().errno()
}

/** errno numbers by name (`ENOENT` → 2) of this machine. */
export function errnoNumbers(): Readonly<Record<string, number>> {
  return koffi().os.errno
}

/** Where a buffer's memory stands. It does not move, and lives as long as the buffer. */
export function addressOf(buffer: ArrayBuffer): bigint {
  return koffi().address(buffer)
}

/** An ArrayBuffer over memory that is not Node's; nobody frees it. */
export function viewMemory(address: bigint, bytes: number): ArrayBuffer {
  return koffi().view(address, bytes)
}

/** The C string at an address, read as UTF-8. */
export function stringAt(address: bigint): string {
  return koffi().decode.string(address)
}

/** A pointer to `callback` that C can call during a foreign call of this thread; it is never freed. */
export function callbackPointer(prototype: string, callback: ForeignFunction): bigint {
  const k = koffi()
  return k.register(callback, k.pointer(k.proto(prototype)))
}
