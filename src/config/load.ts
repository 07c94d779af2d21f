import { readFileSync } from 'node:fs'
import { SluiceError } from '../errors.js'
import { ConfigDocument } from './document.js'
import { ConfigError } from './error.js'
import type { Config } from './plan.js'
import { Problems } from './problems.js'
import { resolve } from './resolve/index.js'
import { configSchema } from './schema/index.js'

/**
 * Reads a configuration whole.
 * @throws SluiceError SLUICE_NO_FILE
 * @throws ConfigError with everything that is wrong
 */
export function loadConfig(file: string): Config {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new SluiceError('SLUICE_NO_FILE', { path: file, reason: (error as Error).message }, { cause: error })
  }
  return parseConfig(text, file)
}

/** @throws ConfigError with everything that is wrong, in the order of the file */
export function parseConfig(text: string, file: string): Config {
  const document = new ConfigDocument(text)
  if (document.errors.length > 0)
    throw new ConfigError(
      document.errors.map(({ place, message }) => ({ file, ...place, message: `${message}; mend the YAML there` })),
    )
  const problems = new Problems(file, document)
  const parsed = configSchema.safeParse(plainValue(document, problems) ?? {}, { reportInput: true })
  if (!parsed.success) for (const issue of parsed.error.issues) problems.addIssue(issue)
  const config = parsed.success && resolve(parsed.data, file, problems)
  if (!config || problems.found.length > 0) throw new ConfigError(problems.found)
  return config
}

function plainValue(document: ConfigDocument, problems: Problems): unknown {
  try {
    return document.value()
  } catch (error) {
    problems.add([], `${(error as Error).message}; write it without so many aliases`)
    throw new ConfigError(problems.found)
  }
}
