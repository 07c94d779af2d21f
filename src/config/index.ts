/** sluice.yaml: what it may say, and what is meant by it. */
export { ConfigError, type Problem, problemLine } from './error.js'
export { formatConfig } from './format.js'
export { loadConfig, parseConfig } from './load.js'
export type * from './plan.js'
export { endpointText, serviceText } from './resolve/services.js'
export { WAY_MARKS } from './resolve/ways.js'
export { parseDuration, splitWords, timeText } from './schema/fields.js'
export { type ConfigFile, checkKinds } from './schema/index.js'
