import type { DirectorApi } from '../../ipvs/director-api.js'
import { hostsDb } from '../hosts-db.js'
import type { Io } from '../io.js'
import { servicesDb } from '../services-db.js'

const localhost = hostsDb(
  () => '127.0.0.1 localhost\n',
  () => undefined,
)
const noServices = servicesDb(() => '')

/**
 * A command's world as plain values.
 * @param openDirector gives the table
 * @param lines standard input, without line ends: what is read is taken out of it
 * @param names whom addresses and ports are named by; localhost and nothing else where none are given
 * @returns the world, and what was written into it so far
 */
export function textIo(
  openDirector: () => DirectorApi,
  lines: string[] = [],
  { hosts = localhost, services = noServices }: Partial<Pick<Io, 'hosts' | 'services'>> = {},
): { io: Io; text: { stdout: string; stderr: string } } {
  const text = { stdout: '', stderr: '' }
  const io: Io = {
    openDirector,
    readLine: () => lines.shift(),
    hasLine: () => lines.length > 0,
    stdout: (more) => {
      text.stdout += more
    },
    stderr: (more) => {
      text.stderr += more
    },
    hosts,
    services,
  }
  return { io, text }
}

/** A table that stays open when a command closes it. */
export const staysOpen = (table: DirectorApi): DirectorApi =>
  new Proxy(table, {
    get: (target, name) => {
      if (name === 'close') return () => {}
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
