import { genericRequest } from './netlink.js'
import { KernelError, Memory } from './syscall.js'

// uapi/linux/netdev.h
const DEV_GET = 1
const ATTR_IFINDEX = 1
const ATTR_XDP_FEATURES = 3
const BASIC = 1n
const REDIRECT = 2n
const TRANSMIT = 4n

/** What a device's driver can do with XDP at this moment: some of it depends on settings, and on programs that stand there. */
export interface XdpFeatures {
  /** Programs run in the driver, and can pass, drop and send back. */
  readonly basic: boolean
  /** What they redirect goes out by other devices. */
  readonly redirect: boolean
  /** It takes frames that others' programs redirect. */
  readonly transmit: boolean
}

/** Asked of the kernel itself; undefined before Linux 6.3, which does not tell. @throws KernelError ENODEV */
export function xdpFeatures(ifindex: number): XdpFeatures | undefined {
  const body = new Memory(8)
  body.view.setUint16(0, 8, true)
  body.view.setUint16(2, ATTR_IFINDEX, true)
  body.setU32(4, ifindex)
  let answer: Map<number, Uint8Array> | undefined
  try {
    answer = genericRequest('netdev', DEV_GET, body.bytes)
  } catch (error) {
    if (error instanceof KernelError && (error.code === 'ENOENT' || error.code === 'ENOTSUP')) return undefined
    throw error
  }
  const bits = answer?.get(ATTR_XDP_FEATURES)
  if (!bits) return undefined
  const features = new DataView(bits.buffer, bits.byteOffset).getBigUint64(0, true)
  return {
    basic: (features & BASIC) !== 0n,
    redirect: (features & REDIRECT) !== 0n,
    transmit: (features & TRANSMIT) !== 0n,
  }
}
