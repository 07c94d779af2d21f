import type { IpvsErrno } from './types.js'

/** An edit that the table refuses, with the errno by which kernel IPVS refuses it. */
export class IpvsError extends Error {
  override readonly name = 'IpvsError'

  constructor(
    readonly errno: IpvsErrno,
    message: string,
  ) {
    super(message)
  }
}
