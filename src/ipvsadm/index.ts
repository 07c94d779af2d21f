/** The drop-in `ipvsadm`: a command line in, a table changed or a text out. */
export type { Command } from './command.js'
export type { Io } from './io.js'
export { parse } from './parse.js'
export { processIo } from './process-io.js'
export { runIpvsadm } from './run.js'
export { UsageError } from './usage-error.js'
export type { Lookups } from './values.js'
export { runRestore, runSave } from './wrappers.js'
