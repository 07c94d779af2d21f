/** How packets reach the datapath. */
export type Mode = 'auto' | 'tc' | 'xdp' | 'xdp-generic'

/** One device with our program on it. */
export interface AttachedDevice {
  readonly device: string
  readonly mode: string
  /** Why this mode was chosen. */
  readonly why: string
}

/** Attaches the datapath; no device named: every one that it can use. */
export async function attach(
  _devices: readonly string[],
  _options: { readonly mode: Mode },
): Promise<AttachedDevice[]> {
  throw new Error('the datapath is not there yet')
}

/** Detaches the datapath; with `flush` the table goes too. Gives back the devices' names. */
export async function detach(_devices: readonly string[], _options: { readonly flush: boolean }): Promise<string[]> {
  throw new Error('the datapath is not there yet')
}

export interface DatapathStatus {
  readonly devices: readonly AttachedDevice[]
  readonly [more: string]: unknown
}

/** What is attached in this network namespace, the kernel, the counters. */
export async function status(): Promise<DatapathStatus> {
  throw new Error('the datapath is not there yet')
}
