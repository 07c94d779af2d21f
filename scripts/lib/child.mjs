// A child process that owns the terminal: signals reach it, its exit status is ours.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { root } from './project.mjs'

/**
 * Runs Node on a script and resolves with the exit status that a shell would see.
 * @param {string[]} args
 * @param {Record<string, string>} [env] added to this process's
 * @returns {Promise<number>}
 */
export function node(args, env = {}) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  // Ctrl-C reaches the whole foreground group; we only have to stay until the child has cleaned up
  process.on('SIGINT', () => {})
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)))
  })
}
