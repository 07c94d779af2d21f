/** Connection synchronization: what directors tell each other, so that connections go on when the VIP moves. */
export { Backup, type BackupFigures, type Sink } from './backup.js'
export { type DaemonRun, runDaemon } from './daemon.js'
export { decode, type Malformation, MalformedError, malformations } from './decode.js'
export { Packer } from './encode.js'
export { Lone } from './lone.js'
export { Master, type MasterFigures, type Source } from './master.js'
export type { Sequence, Sequences, SyncConnection, SyncMessage } from './message.js'
export { Selection, type SendingRules } from './selection.js'
