import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { dirname, join } from 'node:path'
import { SluiceError } from '../errors.js'
import { binDirectory } from './paths.js'

/** Debian package of each program that a lab runs. */
const packages: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  sysctl: 'procps',
  ethtool: 'ethtool',
  curl: 'curl',
  nginx: 'nginx',
  ping: 'iputils-ping',
  'redis-cli': 'redis-tools',
  'redis-server': 'redis-server',
  tcpdump: 'tcpdump',
}

/** A shell made by `su` often lacks the folders where administration commands are. */
const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

const searched = [...new Set([...(process.env.PATH ?? '').split(':').filter(Boolean), ...systemPath])]

/** The environment of everything that runs on a lab's hosts: this checkout's commands first, nothing of the user's own. */
export function hostEnvironment(home: string): Record<string, string> {
  return {
    PATH: [...new Set([binDirectory, ...systemPath, dirname(process.execPath), ...searched])].join(':'),
    HOME: home,
    LANG: 'C.UTF-8',
    TERM: process.env.TERM ?? 'dumb',
    ...(process.env.TZ === undefined ? {} : { TZ: process.env.TZ }),
  }
}

/** The environment of the system's programs that set a lab up. */
export const systemEnvironment = (): Record<string, string> => ({ PATH: searched.join(':'), LC_ALL: 'C' })

/** @throws SluiceError `SLUICE_NO_PROGRAM` for the first that is not installed. */
export function requirePrograms(programs: readonly string[]): void {
  for (const program of programs) {
    const found = searched.some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK)
        return true
      } catch {
        return false
      }
    })
    if (!found) throw new SluiceError('SLUICE_NO_PROGRAM', { program, package: packages[program] ?? program })
  }
}

/**
 * Runs a short program of the system to its end, outside of every host, and gives back its standard output.
 * @throws SluiceError `SLUICE_COMMAND` with the last line of its standard error when its status is not 0.
 */
export function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: systemEnvironment(),
      detached: true, // a terminal's Ctrl-C stops us between two steps, not a step in its middle
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    child.on('error', () =>
      reject(new SluiceError('SLUICE_NO_PROGRAM', { program, package: packages[program] ?? program })),
    )
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(out)
      const reason = err.trim().split('\n').at(-1) || (signal ? `ended by ${signal}` : `status ${status}`)
      reject(new SluiceError('SLUICE_COMMAND', { command: [program, ...args].join(' '), reason }))
    })
  })
}
