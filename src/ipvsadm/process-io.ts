import { readFileSync, readSync, writeSync } from 'node:fs'
import { SluiceError } from '../errors.js'
import { Director } from '../ipvs/index.js'
import { hasNetAdminAndBpf } from '../kernel/index.js'
import { type Getent, hostsDb } from './hosts-db.js'
import type { Io } from './io.js'
import { lookupsOf } from './run.js'
import { servicesDb } from './services-db.js'
import type { Lookups } from './values.js'

/** Status of a process that a closed pipe ends, as a shell shows it. */
const brokenPipe = 141

/** The names of this machine. */
export function processLookups(): Lookups {
  return lookupsOf(processIo())
}

/** The command's world in earnest. Everything is synchronous and, where it costs time, done when it is asked for. */
export function processIo(): Io {
  return {
    openDirector,
    ...lineReader(0),
    stdout: (text) => write(1, text),
    stderr: (text) => write(2, text),
    hosts: hostsDb(() => readFileSync('/etc/hosts', 'utf8'), getent),
    services: servicesDb(() => readFileSync('/etc/services', 'utf8')),
  }
}

/** A table that may not be read would look empty: as the kernel does it, even a listing is refused. */
function openDirector(): Director {
  if (!hasNetAdminAndBpf()) throw new SluiceError('SLUICE_NOT_ROOT', { what: 'reach the table' })
  return Director.open()
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code

/** Waits a moment where a pipe that somebody made non-blocking is full or empty. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
}

function write(fd: 1 | 2, text: string): void {
  for (let rest = Buffer.from(text); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') pause()
      else if (codeOf(error) === 'EPIPE') process.exit(brokenPipe)
      else return
    }
  }
}

/** Reads line by line, so that what is typed is done when its line ends. A last line needs no line end. */
function lineReader(fd: number): Pick<Io, 'readLine' | 'hasLine'> {
  const chunk = Buffer.alloc(65536)
  let rest = Buffer.alloc(0)
  let ended = false
  const readLine = () => {
    for (;;) {
      const end = rest.indexOf(10)
      if (end >= 0 || (ended && rest.length > 0)) {
        const line = rest.toString('utf8', 0, end < 0 ? rest.length : end)
        rest = rest.subarray(end < 0 ? rest.length : end + 1)
        return line
      }
      if (ended) return undefined
      const length = readSome(fd, chunk)
      ended = length === 0
      rest = Buffer.concat([rest, chunk.subarray(0, length)])
    }
  }
  return { readLine, hasLine: () => rest.includes(10) }
}

/** @returns bytes read; 0 at the end, and where there is nothing to read from */
function readSome(fd: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, chunk)
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') return 0
      pause()
    }
  }
}

const getent: Getent = (database, keys, milliseconds) => {
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  // getent ends with an error where one key of several has no name, having printed the others
  const { stdout, error } = spawnSync('getent', [database, '--', ...keys], {
    encoding: 'utf8',
    timeout: milliseconds,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return error ? undefined : stdout
}
