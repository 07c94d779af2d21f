import { stringify } from 'yaml'
import type { ConfigFile } from './schema/index.js'

/**
 * The text of a configuration, for programs that write one. What is undefined is left out.
 * @param remarks lines that stand as comments at the top
 */
export function formatConfig(config: ConfigFile, remarks: readonly string[] = []): string {
  const head = remarks.map((line) => `${`# ${line}`.trimEnd()}\n`).join('')
  return `${head}${head && '\n'}${stringify(config, { lineWidth: 120, aliasDuplicateObjects: false })}`
}
