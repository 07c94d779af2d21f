/** sluiced: keeps a table as the configuration says. */
export { askDaemon } from './client.js'
export { Daemon, type DaemonOptions, type ServerReport, type ServiceReport } from './daemon.js'
export { type Change, configChanges } from './describe.js'
export { type DaemonEvent, eventLine, type Tell } from './events.js'
export { daemonLog } from './files.js'
export {
  type ApplyAnswer,
  type ApplyRequest,
  type DrainRequest,
  type HealthAnswer,
  type RunOptions,
  runDaemon,
} from './run.js'
