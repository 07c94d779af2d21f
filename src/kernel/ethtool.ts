import { lastErrno } from './ffi.js'
import { newSocket, SOCK_CLOEXEC, SOCK_DGRAM } from './socket.js'
import { closeFd, errnoName, KernelError, libc, Memory } from './syscall.js'

const AF_INET = 2
const SIOCETHTOOL = 0x8946
const IFNAMSIZ = 16
/** struct ifreq */
const IFREQ_SIZE = 40

// uapi/linux/ethtool.h
const GDRVINFO = 0x03
const DRVINFO_SIZE = 196
const LRO = 1 << 15
const RX_VLAN = 1 << 8

/** Offloads of a device that can be read and switched one by one. */
export type Offload = 'txChecksum' | 'gro' | 'lro' | 'rxVlan'

/** How each is read and written: a command of its own, or a bit among the flags. */
const offloads: Readonly<Record<Offload, { readonly get: number; readonly set: number; readonly bit?: number }>> = {
  txChecksum: { get: 0x16, set: 0x17 },
  gro: { get: 0x2b, set: 0x2c },
  lro: { get: 0x25, set: 0x26, bit: LRO },
  rxVlan: { get: 0x25, set: 0x26, bit: RX_VLAN },
}

/** One ethtool command on a device of this namespace; `data` begins with the command. @throws KernelError */
function ethtool(device: string, data: Memory): void {
  const request = new Memory(IFREQ_SIZE)
  request.bytes.set(new TextEncoder().encode(device).subarray(0, IFNAMSIZ - 1))
  request.setPointer(IFNAMSIZ, data)
  const socket = newSocket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  try {
    const ioctl = libc.function('int ioctl(int fd, unsigned long request, void *argument)')
    if (ioctl(socket, SIOCETHTOOL, request.buffer) < 0) throw new KernelError(`ethtool ${device}`, lastErrno())
  } finally {
    closeFd(socket)
  }
}

/** struct ethtool_value */
function value(device: string, command: number, data = 0): number {
  const memory = new Memory(8)
  memory.setU32(0, command)
  memory.setU32(4, data)
  ethtool(device, memory)
  return memory.u32(4)
}

/** The name of a device's driver; undefined for one that names none, such as the loopback. @throws KernelError ENODEV */
export function deviceDriver(device: string): string | undefined {
  const memory = new Memory(DRVINFO_SIZE)
  memory.setU32(0, GDRVINFO)
  try {
    ethtool(device, memory)
  } catch (error) {
    if (error instanceof KernelError && errnoName(error.errno) === 'ENOTSUP') return undefined
    throw error
  }
  return memory.text(4, 32) || undefined
}

/** Is an offload of a device on? False where it has none such. @throws KernelError ENODEV */
export function offload(device: string, which: Offload): boolean {
  const { get, bit } = offloads[which]
  try {
    const found = value(device, get)
    return bit === undefined ? found !== 0 : (found & bit) !== 0
  } catch (error) {
    if (error instanceof KernelError && errnoName(error.errno) === 'ENOTSUP') return false
    throw error
  }
}

/** Switches an offload of a device. @throws KernelError ENOTSUP, EPERM, ENODEV */
export function setOffload(device: string, which: Offload, on: boolean): void {
  const { get, set, bit } = offloads[which]
  if (bit === undefined) value(device, set, on ? 1 : 0)
  else value(device, set, on ? value(device, get) | bit : value(device, get) & ~bit)
}
