import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { SluiceError } from '../errors.js'
import { apply } from './apply.js'
import { type Places, pieces } from './layout.js'
import { type Action, planInstall, planUninstall } from './plan.js'
import { readRecord, recordPath } from './record.js'

export interface InstallOptions extends Places {
  /** Below it everything is put, and only links and the unit's text name this installation's own place. */
  readonly root: string
  /** What is not ours and in the way is moved aside. */
  readonly force: boolean
  /** Nothing is changed. */
  readonly dryRun: boolean
}

/**
 * Puts the commands and the unit into place.
 * @returns what was done, in order; with `dryRun`, what would be
 * @throws SluiceError SLUICE_INSTALL_FOREIGN, SLUICE_INSTALL_RECORD, SLUICE_INSTALL_FAILED; nothing is changed then
 */
export function install({ force, dryRun, ...options }: InstallOptions): Action[] {
  const root = rootOf(options.root)
  const plan = planInstall(root, pieces(options), readRecord(root), force)
  // the record stands before what it names does: what a crash leaves can be undone
  const folders = plan.actions.filter(({ action }) => action === 'make')
  const others = plan.actions.filter(({ action }) => action !== 'make')
  const record: Action = { action: 'write', path: recordPath, text: `${JSON.stringify(plan.record, null, 2)}\n` }
  if (!dryRun) {
    apply(root, [...folders, record, ...others])
    reloadUnits(root)
  }
  return [...folders, ...others]
}

/**
 * Undoes {@link install}; what was moved aside comes back. What was changed since stays, unless `force` says otherwise.
 * @returns what was done; undefined where nothing is installed
 */
export function uninstall({
  force,
  dryRun,
  ...options
}: Pick<InstallOptions, 'root' | 'force' | 'dryRun'>): Action[] | undefined {
  const root = rootOf(options.root)
  const record = readRecord(root)
  if (!record) return undefined
  const actions = planUninstall(root, record, force)
  if (!dryRun) {
    apply(root, actions)
    reloadUnits(root)
  }
  return actions.filter(({ path }) => path !== recordPath)
}

/** @throws SluiceError SLUICE_NO_FILE where it is no folder */
function rootOf(path: string): string {
  const root = resolve(path)
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory()) return root
  throw new SluiceError('SLUICE_NO_FILE', { path: root, reason: 'it is no folder' })
}

/** Tells a running systemd that units have changed. Without one, or in a root that is not this system's, nothing. */
function reloadUnits(root: string): void {
  if (root === '/' && existsSync('/run/systemd/system')) spawnSync('systemctl', ['daemon-reload'], { stdio: 'ignore' })
}
