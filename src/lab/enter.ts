import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import { Ledger } from './ledger.js'
import { findNamespace, namespacePath } from './namespace.js'
import { hostEnvironment } from './program.js'

/**
 * Opens a shell on a host of a lab that is up, or runs one command there, at the user's own terminal; gives back its status.
 * @throws SluiceError `SLUICE_LAB_DOWN`, `SLUICE_LAB_FOREIGN`
 */
export async function enter(
  lab: string,
  prefix: string,
  hostName: string,
  command: readonly string[],
): Promise<number> {
  const record = Ledger.open(prefix)?.record
  const host = record?.namespaces.find((one) => one.host === hostName)
  if (!record || !host)
    throw new SluiceError('SLUICE_LAB_DOWN', { lab, prefix: host || !record ? prefix : `${prefix}-${hostName}` })
  const found = await findNamespace(host.name, record.mark)
  if (found !== 'ours') throw new SluiceError('SLUICE_LAB_FOREIGN', { what: `network namespace ${host.name}` })
  const home = join(record.directory, hostName)
  const argv = command.length > 0 ? command : ['bash', '--norc', '--noprofile']
  const child = spawn('nsenter', [`--net=${namespacePath(host.name)}`, '--', ...argv], {
    cwd: home,
    env: { ...hostEnvironment(home), PS1: `[root@${hostName} \\W]#` },
    stdio: 'inherit',
  })
  const ignore = () => {} // the terminal sends Ctrl-C to the shell too, and it decides
  process.on('SIGINT', ignore)
  return await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolve(status ?? 128 + (signal ? constants.signals[signal] : 0)))
  }).finally(() => process.off('SIGINT', ignore))
}
