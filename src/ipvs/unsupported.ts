import { SluiceError } from '../errors.js'
import type { ServerKey, ServerOptions } from './types.js'

/**
 * What the records can hold and the datapath cannot do yet. It is refused when it would be added, and nowhere else: what
 * is lifted here works. One line each.
 */

const refuse = (refused: boolean | undefined, what: string): void => {
  if (refused) throw new SluiceError('SLUICE_UNSUPPORTED', { what })
}

/** @throws SluiceError SLUICE_UNSUPPORTED */
export function refuseServer({ address }: ServerKey, { clientAddress }: ServerOptions): void {
  refuse(clientAddress !== undefined && address.includes(':'), 'the client’s address told to an IPv6 server')
}
