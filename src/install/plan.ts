import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SluiceError } from '../errors.js'
import type { Piece } from './layout.js'
import { contentOf, type Entry, type InstallRecord, isSame, look, recordPath } from './record.js'

/** One step of an installation or of its undoing; paths are below the root. */
export type Action =
  | { readonly action: 'make'; readonly path: string }
  | { readonly action: 'backup'; readonly path: string; readonly to: string }
  | { readonly action: 'link'; readonly path: string; readonly target: string }
  | { readonly action: 'write'; readonly path: string; readonly text: string }
  /** It is there already. */
  | { readonly action: 'keep'; readonly path: string }
  | { readonly action: 'remove'; readonly path: string; readonly kind: Entry['kind'] }
  | { readonly action: 'restore'; readonly path: string; readonly from: string }
  /** It is no longer what was installed. */
  | { readonly action: 'leave'; readonly path: string; readonly backup?: string }

export interface Plan {
  readonly actions: readonly Action[]
  readonly record: InstallRecord
}

/**
 * What it takes to put `wanted` into place. Looks at the disk and changes nothing.
 * @throws SluiceError SLUICE_INSTALL_FOREIGN where something that is not ours is in the way and `force` does not say that
 *   it may be moved aside, or where it cannot be
 */
export function planInstall(
  root: string,
  wanted: readonly Piece[],
  before: InstallRecord | undefined,
  force: boolean,
): Plan {
  const known = new Map(before?.entries.map((entry) => [entry.path, entry]))
  const made = new Set<string>()
  const actions: Action[] = []
  const entries: Entry[] = []
  const foreign: string[] = []

  const makeFolders = (path: string) => {
    const folder = dirname(path)
    if (folder === '/' || made.has(folder) || look(join(root, folder))) return
    makeFolders(folder)
    made.add(folder)
    actions.push({ action: 'make', path: folder })
    entries.push({ path: folder, kind: 'directory' })
  }

  makeFolders(recordPath)
  for (const piece of wanted) {
    const { path, kind } = piece
    const found = look(join(root, path))
    const old = known.get(path)
    const content = contentOf(piece)
    const ours = old !== undefined && isSame(found, old)
    const there = isSame(found, { kind, content }) || (piece.kind === 'link' && piece.any && found?.kind === 'link')
    if (there) {
      actions.push({ action: 'keep', path })
      if (old && found?.content !== undefined) entries.push({ ...old, kind, content: found.content })
      continue
    }
    let backup = old?.backup
    if (found && !ours) {
      const free = freeName(root, path)
      if (!force || found.kind === 'directory') foreign.push(path)
      actions.push({ action: 'backup', path, to: free })
      backup = free
    }
    makeFolders(path)
    actions.push(
      piece.kind === 'link'
        ? { action: 'link', path, target: piece.target }
        : { action: 'write', path, text: piece.text },
    )
    entries.push({ path, kind, content, ...(backup === undefined ? {} : { backup }) })
  }
  if (foreign.length > 0) throw new SluiceError('SLUICE_INSTALL_FOREIGN', { path: foreign.join(', ') })

  const paths = new Set(wanted.map(({ path }) => path))
  const stale = (before?.entries ?? []).filter(({ path, kind }) => kind !== 'directory' && !paths.has(path))
  for (const entry of stale) actions.push(...undo(root, entry, force))
  const all = [...(before?.entries ?? []).filter(({ kind }) => kind === 'directory'), ...entries]
  const isFolder = ({ kind }: Entry) => kind === 'directory'
  return { actions, record: { entries: [...all.filter(isFolder), ...all.filter((each) => !isFolder(each))] } }
}

/** What it takes to undo an installation, last things first. */
export function planUninstall(root: string, { entries }: InstallRecord, force: boolean): Action[] {
  const actions: Action[] = []
  const gone = new Set([recordPath])
  for (const entry of entries.filter(({ kind }) => kind !== 'directory').toReversed()) {
    const steps = undo(root, entry, force)
    actions.push(...steps)
    if (steps.some(({ action }) => action === 'remove')) gone.add(entry.path)
    for (const step of steps) {
      if (step.action !== 'restore') continue
      gone.delete(step.path)
      gone.add(step.from)
    }
  }
  actions.push({ action: 'remove', path: recordPath, kind: 'file' })
  for (const { path } of entries.filter(({ kind }) => kind === 'directory').toReversed()) {
    if (look(join(root, path))?.kind !== 'directory') continue
    const rest = readdirSync(join(root, path)).filter((name) => !gone.has(join(path, name)))
    // others have come to use it
    if (rest.length > 0) continue
    gone.add(path)
    actions.push({ action: 'remove', path, kind: 'directory' })
  }
  return actions
}

function undo(root: string, entry: Entry, force: boolean): Action[] {
  const { path, kind, backup } = entry
  const kept = backup !== undefined && look(join(root, backup)) ? backup : undefined
  const found = look(join(root, path))
  if (found && !isSame(found, entry) && (!force || found.kind === 'directory'))
    return [{ action: 'leave', path, ...(kept === undefined ? {} : { backup: kept }) }]
  return [
    ...(found ? [{ action: 'remove', path, kind } as const] : []),
    ...(kept === undefined ? [] : [{ action: 'restore', path, from: kept } as const]),
  ]
}

/** Where something may be moved aside. */
function freeName(root: string, path: string): string {
  for (let i = 0; ; i += 1) {
    const name = `${path}.before-sluice${i === 0 ? '' : `.${i}`}`
    if (!look(join(root, name))) return name
  }
}
