import { spawn } from 'node:child_process'
import type { Command } from '../config/index.js'

/**
 * Runs somebody's program and forgets it: it must not hold up the daemon, and lives on when the daemon ends.
 * @param more words behind its own arguments
 */
export function runHook(command: Command, more: readonly string[], log: (line: string) => void): void {
  const [program, ...args] = command
  const child = spawn(program, [...args, ...more], { stdio: 'ignore', detached: true })
  child.once('error', (error) => log(`${command.join(' ')}: ${error.message}`))
  child.once('exit', (status, signal) => {
    if (status !== 0) log(`${command.join(' ')}: ${signal ? `ended by ${signal}` : `exit status ${status}`}`)
  })
  child.unref()
}
