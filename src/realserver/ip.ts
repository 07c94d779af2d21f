import { spawnSync } from 'node:child_process'
import { SluiceError } from '../errors.js'

/**
 * `ip …` in this network namespace; gives back its standard output.
 * @throws SluiceError `SLUICE_COMMAND`, `SLUICE_NO_PROGRAM`, `SLUICE_NOT_ROOT`
 */
export function ip(...args: string[]): string {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`
  const found = spawnSync('ip', args, { encoding: 'utf8', env: { ...process.env, PATH: path, LC_ALL: 'C' } })
  if (found.error)
    throw new SluiceError('SLUICE_NO_PROGRAM', { program: 'ip', package: 'iproute2' }, { cause: found.error })
  if (found.status === 0) return found.stdout
  const reason = found.stderr.trim().split('\n').at(-1) ?? `status ${found.status}`
  if (reason.includes('Operation not permitted')) {
    throw new SluiceError('SLUICE_NOT_ROOT', { what: 'change addresses and devices' })
  }
  throw new SluiceError('SLUICE_COMMAND', { command: ['ip', ...args].join(' '), reason })
}

interface Address {
  readonly family: 'inet' | 'inet6'
  readonly local: string
  readonly prefixlen: number
  readonly scope: string
}

interface Device {
  readonly ifname: string
  readonly link_type: string
  readonly flags: readonly string[]
  readonly addr_info: readonly Address[]
}

/** Devices of this namespace with their addresses, as `ip -json address show` gives them. */
export const devices = (): Device[] => JSON.parse(ip('-json', 'address', 'show')) as Device[]
