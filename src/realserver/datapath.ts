/** Attaches the program that unwraps IPIP to a device of this network namespace; repeated, it changes nothing. */
export function attachDecapsulation(device: string): void {
  throw new Error(`the program for ${device} is not there yet`)
}

export function detachDecapsulation(device: string): void {
  throw new Error(`the program for ${device} is not there yet`)
}
