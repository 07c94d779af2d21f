import { SluiceError } from '../errors.js'

/** One mistake in a configuration. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** What is wrong, and how it is put right. */
  readonly message: string
}

/** `FILE:LINE:COLUMN: what is wrong; what to do` */
export const problemLine = ({ file, line, column, message }: Problem): string => `${file}:${line}:${column}: ${message}`

/** A configuration that cannot be used: everything that is wrong with it, in the order of the file. */
export class ConfigError extends SluiceError {
  constructor(readonly problems: readonly Problem[]) {
    const [first, ...more] = problems
    super('SLUICE_BAD_CONFIG', {
      problem: first ? problemLine(first) : 'nothing to read',
      more: more.length === 0 ? '' : ` (and ${more.length} more)`,
    })
  }

  /** A line for each mistake. */
  get lines(): readonly string[] {
    return this.problems.map(problemLine)
  }
}
