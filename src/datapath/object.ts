import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SluiceError } from '../errors.js'

/** The compiled objects of `bpf/`, as shipped. */
export type ObjectName = 'sluice' | 'xdp' | 'iterators' | 'realserver'

export function objectPath(name: ObjectName): string {
  return fileURLToPath(new URL(`../../bpf/${name}.bpf.o`, import.meta.url))
}

/** @throws SluiceError SLUICE_NO_OBJECT */
export function readObject(name: ObjectName): Uint8Array {
  const path = objectPath(name)
  try {
    return readFileSync(path)
  } catch (error) {
    throw new SluiceError('SLUICE_NO_OBJECT', { path, reason: (error as Error).message }, { cause: error })
  }
}
