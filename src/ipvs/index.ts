export { formatAddress, parseAddress } from './address.js'
export type { ConnectionEntry, ConnectionSight, Insertion } from './connection-entry.js'
export { ConnectionExchange, type SynchronizationRules } from './connection-exchange.js'
export { claim, type Footing, inherited, publish, retract, runningDaemons, statisticsFile } from './daemon-processes.js'
export { Director, type DirectorOptions } from './director.js'
export type { DirectorApi } from './director-api.js'
export { IpvsError } from './error.js'
export type { LocalAddress, PortRange } from './locals.js'
export { type MarkPorts, type MarkRule, mostMarkRules, sameMarkRule } from './mark-rules.js'
export {
  isFlagOf,
  schedulerFlagNames,
  schedulerFlagNumbers,
  schedulerFlagsNamed,
} from './scheduler-flags.js'
export { schedulers } from './schedulers.js'
export { checkSysctl, type Sysctl, type SysctlEffect, sysctlKey, sysctlName, sysctlNames } from './sysctls.js'
export type * from './types.js'
