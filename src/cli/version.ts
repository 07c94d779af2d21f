import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { binDirectory } from '../lab/index.js'

/** Version of this package. */
export function version(): string {
  const text = readFileSync(join(dirname(binDirectory), 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
