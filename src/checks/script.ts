import { spawn } from 'node:child_process'
import { type Check, failed, ok } from './check.js'

export interface ScriptCheckOptions {
  /** Program and arguments; no shell stands between. */
  readonly command: readonly [string, ...string[]]
  /** Do exit statuses 2 to 255 tell a weight (keepalived's misc_dynamic)? */
  readonly dynamicWeight?: boolean
}

/**
 * A program's word, by keepalived's exit statuses for MISC_CHECK: 0 is well, 1 is ill, 2 to 255 is well with a weight of
 * that less 2. Its environment has SLUICE_ADDRESS and SLUICE_PORT. One that takes too long is killed, with what it started.
 */
export function scriptCheck({ command, dynamicWeight = false }: ScriptCheckOptions): Check {
  const [program, ...args] = command
  return ({ address, port }, { signal }) =>
    new Promise((resolve, reject) => {
      const env = { ...process.env, SLUICE_ADDRESS: address, SLUICE_PORT: String(port) }
      // a group of its own, so that what it started goes with it
      const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'ignore'], detached: true })
      signal.addEventListener('abort', () => kill(child.pid), { once: true })
      child.once('error', reject)
      child.once('exit', (status, killedBy) => {
        if (signal.aborted) return reject(signal.reason)
        if (status === null) return resolve(failed(`killed by ${killedBy}`))
        if (status === 0) return resolve(ok('exit status 0'))
        if (status === 1) return resolve(failed('exit status 1'))
        if (!dynamicWeight) return resolve(ok(`exit status ${status}`))
        return resolve({ ok: true, reason: `weight ${status - 2}`, weight: status - 2 })
      })
    })
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // it has ended meanwhile
  }
}
