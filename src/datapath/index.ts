/** The BPF program's face: loading, attaching, and its maps as typed records. It knows how things are stored, not what they mean. */
export {
  type AttachOptions,
  type AttachResult,
  attachDevices,
  attachNewDevices,
  attachOutput,
  checkDevices,
  detachDevices,
  type Hook,
  hasNewDevices,
  removeTable,
} from './attach.js'
export { attachDecap, detachDecap } from './decap.js'
export { type AskedMode, attachFast, fastMode, type Mode } from './fast/index.js'
export * from './layouts.js'
export { estimatorRows, LAYOUT_VERSION, type LoadOptions } from './load.js'
export { defaultLocalPorts } from './local-ports.js'
export { objectPath } from './object.js'
export { openOrCreateTable, openTable } from './open.js'
export { reapDeadTables, standingTables } from './reap.js'
export { stateName } from './states.js'
export { type DeviceStatus, type Status, status } from './status.js'
export { defaultSysctls } from './sysctl-defaults.js'
export {
  type CounterValues,
  type ServerPlaceBytes,
  type StoredConnection,
  serverCounters,
  serviceCounters,
  Table,
  TOTALS,
} from './table.js'
export { type Upgrade, type UpgradeOptions, type UpgradeStep, upgradeTable } from './upgrade.js'
