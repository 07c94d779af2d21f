import type { Device } from '../../kernel/index.js'
import { FastDeviceRecord, maps, SluiceFast, SluiceFastDevice } from '../layouts.js'
import type { Table } from '../table.js'
import type { Facts } from './facts.js'

/** Drivers that before 6.3, whose kernel tells, send frames of XDP once a program of their own stands there. */
const sendsWithProgram = (facts: Facts) => facts.kind === undefined && facts.driver !== undefined

/** Can a device send frames that native XDP hands to it? What says yes and cannot would lose them. */
function sendsFrames(facts: Facts, native: boolean): boolean {
  if (facts.features) return facts.features.transmit
  const { peer } = facts
  if (facts.kind === 'veth') return peer !== undefined && peer !== 'hidden' && (peer.gro || peer.xdp)
  return native && sendsWithProgram(facts)
}

/**
 * Tells the fast path of every device that there is: what it may send by, and by which address a frame is ours. To be done
 * again when devices change; what it does not know it leaves to TC.
 */
export function describeDevices(
  table: Table,
  all: readonly { readonly device: Device; readonly facts: Facts }[],
): void {
  const known = new Set<number>()
  for (const { device, facts } of all) {
    const slot = device.ifindex % maps.fastDevices.maxEntries
    // two devices of one entry: the first has it, the other is TC's
    if (device.type !== 'ether' || known.has(slot)) continue
    known.add(slot)
    const fast = table.attachment(device.ifindex)?.fast ?? SluiceFast.NONE
    const native = fast === SluiceFast.NATIVE
    const record = FastDeviceRecord.allocate()
    record.addressBytes().set((device.address ?? '').split(':').map((byte) => Number.parseInt(byte, 16)))
    record.takes = SluiceFastDevice.PACKETS
    if (sendsFrames(facts, native)) record.takes |= SluiceFastDevice.FRAMES
    // a veth hands such frames over only where the other end has a program too
    if (fast === SluiceFast.GENERIC || (native && facts.kind !== 'veth')) record.takes |= SluiceFastDevice.BACK
    if (fast !== SluiceFast.NONE) record.needs = native ? SluiceFastDevice.FRAMES : SluiceFastDevice.PACKETS
    const entry = table.fastDevice(slot)
    if (entry.ifindex === device.ifindex && entry.takes === record.takes && entry.needs === record.needs) {
      if (entry.addressBytes().every((byte, i) => byte === record.addressBytes()[i])) continue
    }
    // a packet that looks meanwhile finds nothing
    entry.ifindex = 0
    entry.bytes().set(record.bytes())
    entry.ifindex = device.ifindex
  }
  for (let slot = 0; slot < maps.fastDevices.maxEntries; slot += 1)
    if (!known.has(slot) && table.fastDevice(slot).ifindex !== 0) table.fastDevice(slot).ifindex = 0
}
