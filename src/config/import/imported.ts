import type { ConfigFile } from '../schema/index.js'

/** Where something was written. */
export interface Place {
  readonly file: string
  /** From 1. */
  readonly line: number
}

/** Something about a line that a reader should know. */
export interface Remark {
  readonly at: Place
  /** The line, or the part of it. */
  readonly text: string
  readonly why: string
}

/** What became of another program's configuration. */
export interface Imported {
  readonly config: ConfigFile
  /** What was not taken over, or not as it was written; in the order of the files. */
  readonly remarks: readonly Remark[]
}
