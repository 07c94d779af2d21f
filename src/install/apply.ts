import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import type { Action } from './plan.js'

/**
 * Does the steps below `root`, each whole or not at all; when one fails, those before it are taken back.
 * @throws SluiceError SLUICE_INSTALL_FAILED
 */
export function apply(root: string, actions: readonly Action[]): void {
  const back: (() => void)[] = []
  for (const action of actions) {
    try {
      back.push(step(root, action))
    } catch (error) {
      for (const undo of back.toReversed()) attempt(undo)
      const { path } = action
      throw new SluiceError('SLUICE_INSTALL_FAILED', { path, reason: (error as Error).message }, { cause: error })
    }
  }
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // what cannot be taken back stays; the first failure is the one to tell
  }
}

/** Does one step. @returns how it is taken back */
function step(root: string, action: Action): () => void {
  const path = join(root, action.path)
  switch (action.action) {
    case 'keep':
    case 'leave':
      return () => {}
    case 'make':
      mkdirSync(path)
      return () => rmdirSync(path)
    case 'backup':
      return move(path, join(root, action.to))
    case 'restore':
      return move(join(root, action.from), path)
    case 'link':
      return replace(path, (at) => symlinkSync(action.target, at))
    case 'write':
      return replace(path, (at) => writeFileSync(at, action.text, { flag: 'wx', mode: 0o644 }))
    case 'remove': {
      if (action.kind === 'directory') {
        rmdirSync(path)
        return () => mkdirSync(path)
      }
      const again = copy(path)
      rmSync(path)
      return () => again?.(path)
    }
  }
}

function move(from: string, to: string): () => void {
  renameSync(from, to)
  return () => renameSync(to, from)
}

/** Puts something in a path's place in one step, so that a command is there at every moment. */
function replace(path: string, make: (at: string) => void): () => void {
  const before = copy(path)
  const beside = `${path}.new-${process.pid}`
  rmSync(beside, { force: true })
  make(beside)
  renameSync(beside, path)
  return () => {
    rmSync(path)
    before?.(path)
  }
}

/** How to make again what stands at a path. */
function copy(path: string): ((at: string) => void) | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return undefined
  if (stat.isSymbolicLink()) {
    const target = readlinkSync(path)
    return (at) => symlinkSync(target, at)
  }
  const bytes = readFileSync(path)
  return (at) => writeFileSync(at, bytes, { mode: stat.mode })
}
