// Child processes, and what is to be undone at the end.
import { spawn, spawnSync } from 'node:child_process'

/** @type {(() => void)[]} */
const undo = []

/** Remembers what `cleanUp` does, last first. @param {() => void} work */
export const atEnd = (work) => undo.push(work)

/** Undoes everything, whatever fails on the way. */
export function cleanUp() {
  for (let work = undo.pop(); work; work = undo.pop()) {
    try {
      work()
    } catch (error) {
      console.error(`bench: while cleaning up: ${error instanceof Error ? error.message : error}`)
    }
  }
}

/**
 * What a command prints.
 * @param {string[]} argv
 * @param {{ input?: string, timeout?: number, env?: Record<string, string> }} [options] timeout in milliseconds
 * @returns {string}
 */
export function run(argv, { input = '', timeout = 60_000, env = {} } = {}) {
  const [program = '', ...args] = argv
  const got = spawnSync(program, args, {
    encoding: 'utf8',
    input,
    timeout,
    maxBuffer: 1 << 26,
    env: { ...process.env, ...env },
  })
  if (got.status !== 0) {
    const why = got.error?.message ?? `${got.stderr}${got.stdout}`.trim()
    throw new Error(`${argv.join(' ')}: ${why || `ended with ${got.status ?? got.signal}`}`)
  }
  return got.stdout
}

/**
 * The same without blocking: so that a signal is heard meanwhile.
 * @param {string[]} argv
 * @param {{ timeout?: number, echo?: boolean, env?: Record<string, string> }} [options] echo: show what it prints as it comes
 * @returns {Promise<string>}
 */
export function runLong(argv, { timeout = 60_000, echo = false, env = {} } = {}) {
  const [program = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout, env: { ...process.env, ...env } })
    let out = ''
    let err = ''
    const end = () => child.kill()
    process.once('exit', end)
    child.stdout.on('data', (data) => {
      out += data
      if (echo) process.stderr.write(data)
    })
    child.stderr.on('data', (data) => {
      err += data
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.off('exit', end)
      if (code === 0) resolve(out)
      else reject(new Error(`${argv.join(' ')}: ${err.trim() || out.trim() || `ended with ${code ?? signal}`}`))
    })
  })
}

/** Starts a daemon in the foreground; it ends with us. @param {string[]} argv */
export function daemon(argv) {
  const [program = '', ...args] = argv
  const child = spawn(program, args, { stdio: 'ignore' })
  child.on('error', (error) => console.error(`bench: ${program}: ${error.message}`))
  atEnd(() => child.kill())
}

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
