import { type Device, devices } from '../kernel/index.js'

/** Masters whose ports hand every frame on: a frame must be met at the master, not twice. */
const portMasters = new Set(['bridge', 'bond', 'team', 'openvswitch'])

/** Why the datapath cannot or should not stand at this device; undefined: it can. */
export function unfit(device: Device, all: readonly Device[]): string | undefined {
  if (device.type !== 'ether' && device.type !== 'loopback')
    return `a device of type ${device.type}, without Ethernet header`
  if (device.master === undefined) return undefined
  const master = all.find((d) => d.name === device.master)
  if (master?.kind !== undefined && portMasters.has(master.kind)) return `a port of ${master.kind} ${master.name}`
  return undefined
}

/** All devices of this namespace, each with the reason that keeps the datapath off it. */
export function surveyDevices(): { device: Device; reason: string | undefined }[] {
  const all = devices()
  return all.map((device) => ({ device, reason: unfit(device, all) }))
}
