/** What other programs were configured with, as sluice.yaml says it. */
export type { Imported, Place, Remark } from './imported.js'
export { type Files, type ImportOptions, importKeepalived } from './keepalived/index.js'
export { importRules } from './rules.js'
