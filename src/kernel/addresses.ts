import { routeChange } from './netlink.js'
import { networkAddress } from './socket.js'
import { errnoName, KernelError, Memory } from './syscall.js'

const RTM_NEWADDR = 20
const RTM_DELADDR = 21
const NLM_F_CREATE_EXCL = 0x400 | 0x200
const IFA_ADDRESS = 1
const IFA_LOCAL = 2
const IFA_F_NODAD = 0x02
const AF_INET = 2
const AF_INET6 = 10

/** An address of a device. */
export interface DeviceAddress {
  readonly ifindex: number
  readonly address: string
  /** Bits of its network. */
  readonly prefix: number
}

/**
 * Gives a device an address. An IPv6 one is usable at once: nobody is asked whether another host has it (RFC 4862's
 * duplicate address detection), for that is known.
 * @returns false where it had it already
 * @throws KernelError ENODEV, EPERM
 */
export function addAddress(address: DeviceAddress): boolean {
  return unless('EEXIST', () => routeChange(RTM_NEWADDR, NLM_F_CREATE_EXCL, request(address)))
}

/**
 * Takes an address from a device.
 * @returns false where it did not have it
 * @throws KernelError ENODEV, EPERM
 */
export function removeAddress(address: DeviceAddress): boolean {
  return unless('EADDRNOTAVAIL', () => routeChange(RTM_DELADDR, 0, request(address)))
}

function unless(code: string, work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (error instanceof KernelError && errnoName(error.errno) === code) return false
    throw error
  }
}

/** struct ifaddrmsg, then struct rtattr */
function request({ ifindex, address, prefix }: DeviceAddress): Uint8Array {
  const bytes = networkAddress(address)
  const v6 = bytes.byteLength === 16
  const attribute = 4 + bytes.byteLength
  const memory = new Memory(8 + 2 * attribute)
  memory.bytes[0] = v6 ? AF_INET6 : AF_INET
  memory.bytes[1] = prefix
  memory.bytes[2] = v6 ? IFA_F_NODAD : 0
  memory.setU32(4, ifindex)
  for (const [i, type] of [IFA_LOCAL, IFA_ADDRESS].entries()) {
    const at = 8 + i * attribute
    memory.view.setUint16(at, attribute, true)
    memory.view.setUint16(at + 2, type, true)
    memory.bytes.set(bytes, at + 4)
  }
  return memory.bytes
}
