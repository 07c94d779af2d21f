import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import type { Piece } from './layout.js'

/** One thing that an installation put into place. Paths are absolute, below the installation's root. */
export interface Entry {
  readonly path: string
  readonly kind: 'link' | 'file' | 'directory'
  /** By what it is known again: a link's target, a file's SHA-256. */
  readonly content?: string
  /** Where that was moved which stood here before. */
  readonly backup?: string
}

/** What an installation did, so that it can be undone. */
export interface InstallRecord {
  readonly entries: readonly Entry[]
}

/** Where the record is, below the root. */
export const recordPath = '/var/lib/sluice/installed.json'

/** @throws SluiceError SLUICE_INSTALL_RECORD for a file that is no record */
export function readRecord(root: string): InstallRecord | undefined {
  const path = join(root, recordPath)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new SluiceError('SLUICE_INSTALL_RECORD', { path, reason: (error as Error).message }, { cause: error })
  }
  try {
    const record = JSON.parse(text)
    if (!Array.isArray(record?.entries) || !record.entries.every(isEntry)) throw new Error('its entries are not ours')
    return record
  } catch (error) {
    throw new SluiceError('SLUICE_INSTALL_RECORD', { path, reason: (error as Error).message }, { cause: error })
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false
  const { path, kind, backup = '/' } = value as Record<string, unknown>
  const inside = (text: unknown) => typeof text === 'string' && text.startsWith('/') && !text.includes('/../')
  return inside(path) && inside(backup) && (kind === 'link' || kind === 'file' || kind === 'directory')
}

const hash = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** By what a piece will be known again. */
export const contentOf = (piece: Piece): string => (piece.kind === 'link' ? piece.target : hash(piece.text))

/** What stands at a path, undefined where nothing does. */
export interface Found {
  readonly kind: 'link' | 'file' | 'directory' | 'other'
  readonly content?: string
}

export function look(path: string): Found | undefined {
  const stat = stand(path)
  if (!stat) return undefined
  if (stat.isSymbolicLink()) return { kind: 'link', content: readlinkSync(path) }
  if (stat.isFile()) return { kind: 'file', content: hash(readFileSync(path)) }
  return { kind: stat.isDirectory() ? 'directory' : 'other' }
}

function stand(path: string) {
  try {
    return lstatSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

/** Is what stands there what the entry put there? */
export const isSame = (found: Found | undefined, entry: Pick<Entry, 'kind' | 'content'>): boolean =>
  found !== undefined && found.kind === entry.kind && found.content === entry.content
