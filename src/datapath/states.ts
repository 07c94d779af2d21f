import { SluiceState, SluiceStateName } from './layouts.js'

/** SCTP's states whose names in IPVS are not those of the record. */
const sctpNames: Readonly<Record<number, string>> = {
  [SluiceState.SCTP_COOKIE_SENT]: 'C-SENT',
  [SluiceState.SCTP_COOKIE_REPLIED]: 'C-REPLIED',
  [SluiceState.SCTP_COOKIE_WAIT]: 'C-WAIT',
  [SluiceState.SCTP_COOKIE_ECHOED]: 'C-ECHOED',
  [SluiceState.SCTP_SHUTDOWN_SENT]: 'S-SENT',
  [SluiceState.SCTP_SHUTDOWN_RECEIVED]: 'S-RECEIVED',
  [SluiceState.SCTP_SHUTDOWN_ACK_SENT]: 'S-ACK-SENT',
}

/** A connection's state as `ipvsadm -Lc` names it. */
export const stateName = (state: number): string =>
  sctpNames[state] ?? SluiceStateName[state]?.replace(/^SCTP_/, '') ?? 'NONE'
