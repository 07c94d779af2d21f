import { existsSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../../errors.js'
import {
  closeFd,
  KernelError,
  linkCreateXdp,
  linkDetach,
  linkInfo,
  linkUpdate,
  objGet,
  objPin,
} from '../../kernel/index.js'
import { SluiceFast } from '../layouts.js'
import { listPins, pin } from '../pins.js'
import type { Table } from '../table.js'
import type { Mode } from './judge.js'
import { openFastProgram } from './program.js'

/** Why a driver refuses, by what the kernel answers; it tells no more. */
const reasons: Readonly<Record<string, string>> = {
  ENOTSUP: 'its driver runs no XDP programs, or not under its settings',
  EBUSY: 'another XDP program stands there',
  EEXIST: 'another XDP program stands there',
  ERANGE: 'its MTU is too large',
  ENOMEM: 'its driver has no memory for more queues',
  EINVAL: 'its driver refuses under its settings: the MTU, LRO, or the number of queues (see the kernel log)',
}

export const fastMode = (fast: number): Exclude<Mode, 'tc'> | undefined => {
  if (fast === SluiceFast.NATIVE) return 'xdp'
  return fast === SluiceFast.GENERIC ? 'xdp-generic' : undefined
}

/**
 * Puts the fast path in front of a device, or a newer program in the place of its own there, with no packet between. The
 * caller holds the table's lock, and has no fast path of the other mode there.
 *
 * @throws SluiceError SLUICE_NO_XDP, and what loading throws
 */
export function attachFast(table: Table, device: string, ifindex: number, mode: Exclude<Mode, 'tc'>): void {
  const path = join(table.directory, pin.linkFast(ifindex))
  const program = openFastProgram(table)
  try {
    if (standsAt(path, ifindex)) {
      const link = objGet(path)
      try {
        linkUpdate(link, program)
      } finally {
        closeFd(link)
      }
      return
    }
    if (existsSync(path)) unlinkSync(path)
    const link = create(program, device, ifindex, mode)
    try {
      objPin(link, path)
    } finally {
      closeFd(link)
    }
  } finally {
    closeFd(program)
  }
}

function create(program: number, device: string, ifindex: number, mode: Exclude<Mode, 'tc'>): number {
  try {
    return linkCreateXdp(program, ifindex, mode === 'xdp' ? 'native' : 'generic')
  } catch (error) {
    const reason = error instanceof KernelError ? reasons[error.code] : undefined
    if (reason === undefined) throw error
    const native = mode === 'xdp'
    const works = native ? '--mode xdp-generic or --mode tc works there' : '--mode tc works there'
    const details = { device, mode: native ? 'native XDP' : 'generic XDP', reason, works }
    throw new SluiceError('SLUICE_NO_XDP', details, { cause: error })
  }
}

/** Does our link still stand at the device? */
function standsAt(path: string, ifindex: number): boolean {
  if (!existsSync(path)) return false
  const link = objGet(path)
  try {
    return linkInfo(link).xdp?.ifindex === ifindex
  } finally {
    closeFd(link)
  }
}

/** Takes the fast path off a device; the last one takes its program along. */
export function detachFast(table: Table, ifindex: number): void {
  const path = join(table.directory, pin.linkFast(ifindex))
  if (existsSync(path)) {
    const link = objGet(path)
    try {
      // at once: an unpinned link goes when the kernel comes to it
      if (linkInfo(link).xdp?.ifindex) linkDetach(link)
    } finally {
      closeFd(link)
    }
    unlinkSync(path)
  }
  const program = join(table.directory, pin.programFast)
  if (!listPins(table.directory).some((name) => pin.isLinkFast(name)) && existsSync(program)) unlinkSync(program)
}
