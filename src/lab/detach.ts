import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import { namespacePath } from './namespace.js'
import { binDirectory } from './paths.js'
import { run } from './program.js'

const commands = {
  table: ['detach', '--flush'],
  decapsulation: ['realserver', 'stop'],
} as const

/**
 * Takes Sluice's programs and pins out of a namespace that is about to be deleted: a namespace that is gone cannot unpin
 * anything. Gives back what went wrong, undefined when nothing did.
 */
export async function detachDatapath(namespace: string, what: keyof typeof commands): Promise<string | undefined> {
  const sluice = join(binDirectory, 'sluice')
  if (!existsSync(sluice)) return `${sluice} is missing`
  try {
    await run('nsenter', [`--net=${namespacePath(namespace)}`, '--', process.execPath, sluice, ...commands[what]])
    return undefined
  } catch (error) {
    if (SluiceError.is(error)) return String(error.details.reason ?? error.message)
    throw error
  }
}
