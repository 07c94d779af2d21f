import { readFileSync } from 'node:fs'
import { SluiceError } from '../../../errors.js'
import type { ConfigFile } from '../../schema/index.js'
import type { Imported, Place } from '../imported.js'
import { Account, Block } from './block.js'
import { defaultRhythm } from './checks.js'
import { globFiles } from './glob.js'
import { type Globals, globalsOf } from './globals.js'
import { type Files, readLines } from './lines.js'
import { nameChecks } from './named.js'
import { type Services, servicesOf } from './services.js'
import { treeOf } from './tree.js'
import { isWide } from './values.js'
import { vrrpOf } from './vrrp.js'

export type { Files } from './lines.js'

export interface ImportOptions {
  /** keepalived's option `-i`: which lines with `@` count. */
  readonly configId: string
  readonly files?: Files
}

const diskFiles: Files = {
  read(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  },
  glob: globFiles,
}

/**
 * Reads keepalived's configuration, as keepalived 2.2.7 understands it, into what sluice.yaml says.
 * @throws SluiceError SLUICE_NO_FILE, SLUICE_BAD_KEEPALIVED for what has no structure
 */
export function importKeepalived(path: string, options: ImportOptions): Imported {
  const { files = diskFiles, configId } = options
  const text = files.read(path)
  if (text === undefined) throw new SluiceError('SLUICE_NO_FILE', { path, reason: 'it is not there, or not readable' })
  const { lines, remarks } = readLines(path, text, { files, configId })
  const statements = treeOf(lines)
  const account = new Account()
  const config = configOf(new Block(statements, account))
  account.finish(statements)
  const order = new Map<string, number>()
  for (const { at } of lines) if (!order.has(at.file)) order.set(at.file, order.size)
  const rank = ({ file, line }: Place) => (order.get(file) ?? 0) * 1e7 + line
  return { config, remarks: [...remarks, ...account.remarks].toSorted((a, b) => rank(a.at) - rank(b.at)) }
}

function configOf(top: Block): ConfigFile {
  const globals = globalsOf(top)
  const [services, checks] = nameChecks(servicesOf(top))
  const vrrp = { ...vrrpOf(top, globals.vrrp), ...(globals.fifo === undefined ? {} : { notify_fifo: globals.fifo }) }
  const checked = Object.values(services).some(
    ({ checks, servers }) => checks || servers?.some((server) => server.checks !== undefined),
  )
  return {
    ...(checked ? { defaults: { check: defaultRhythm } } : {}),
    ...(globals.timeouts ? { timeouts: globals.timeouts } : {}),
    ...(Object.keys(checks).length > 0 ? { checks } : {}),
    ...(Object.keys(services).length > 0 ? { services } : {}),
    ...(Object.keys(vrrp).length > 0 ? { vrrp } : {}),
    ...syncOf(globals.sync, services, top),
  }
}

/** Synchronization cannot tell of tunnels that lead to another family. */
function syncOf(found: Globals['sync'], services: Services, { account }: Block): Pick<ConfigFile, 'sync'> {
  if (!found) return {}
  const crossing = Object.values(services).some(({ address, family, servers = [] }) => {
    const wide = address === undefined ? family === 'inet6' : isWide(address)
    return servers.some((server) => isWide(server.address) !== wide)
  })
  if (!crossing) return { sync: found.sync }
  account.drop(found.at, 'a tunnel leads to another family, which synchronization cannot tell')
  return {}
}
