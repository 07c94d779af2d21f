import { existsSync, mkdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import {
  closeFd,
  deviceNames,
  hasTcx,
  linkCreateNetns,
  linkCreateTcx,
  loadObject,
  lock,
  mapUpdate,
  objPin,
  openNetns,
  tcAttach,
  tcDetach,
} from '../kernel/index.js'
import { readObject } from './object.js'
import { ensurePinRoot, listPins, pin, pinName, pinRoot, removePins } from './pins.js'

/** enum of linux/bpf.h: made or written over. */
const BPF_ANY = 0

/** Before the director's own filter, where one host is both. */
const FILTER = { handle: 0x50, priority: 0x50 } as const

/** A real server's pins stand beside a director's table: the same host may be both. */
const directory = () => join(pinRoot(), `${pinName()}-decap`)

/**
 * Makes this host take the outer headers off IP-in-IP and GRE packets that arrive on `device`, IPv4 or IPv6 outside and
 * inside, and off GUE where its UDP port is given: for real servers of tunnel services on kernels without such devices.
 * Survives this process; {@link detachDecap} undoes it.
 *
 * @throws SluiceError SLUICE_NO_DEVICE, SLUICE_NOT_ROOT, SLUICE_NO_BPFFS, SLUICE_NO_LIBBPF
 */
export function attachDecap(device: string, guePort = 0): void {
  const ifindex = ifindexOf(device)
  const root = ensurePinRoot()
  const loaded = loadObject(readObject('realserver'), {})
  // whoever removes what dead namespaces left must not find this half made
  const held = lock(root, 'exclusive')
  try {
    const place = directory()
    mkdirSync(place, { recursive: true, mode: 0o700 })
    const program = loaded.progFd('sluice_decap')
    mapUpdate(loaded.mapFd('decap_port'), new Uint8Array(4), new Uint8Array(Uint32Array.of(guePort).buffer), BPF_ANY)
    if (hasTcx()) {
      const path = join(place, pin.link(ifindex))
      if (existsSync(path)) unlinkSync(path)
      const link = linkCreateTcx(program, ifindex)
      objPin(link, path)
      closeFd(link)
    } else {
      tcAttach(ifindex, program, { ...FILTER, replace: true })
      const path = join(place, `clsact-${ifindex}`)
      if (!existsSync(path)) objPin(program, path)
    }
    if (!existsSync(join(place, pin.netns))) {
      const netns = openNetns('/proc/self/ns/net')
      const link = linkCreateNetns(loaded.progFd('sluice_netns'), netns)
      objPin(link, join(place, pin.netns))
      closeFd(link)
      closeFd(netns)
    }
  } finally {
    held.release()
    loaded.close()
  }
}

/** Undoes {@link attachDecap} on every device. */
export function detachDecap(): void {
  const place = directory()
  for (const name of listPins(place)) {
    if (!name.startsWith('clsact-')) continue
    const ifindex = Number(name.slice('clsact-'.length))
    if (deviceNames().some((d) => d.ifindex === ifindex)) tcDetach(ifindex, { ...FILTER, removeQdisc: false })
  }
  removePins(place)
}

function ifindexOf(device: string): number {
  const found = deviceNames().find(({ name }) => name === device)
  if (!found) throw new SluiceError('SLUICE_NO_DEVICE', { device })
  return found.ifindex
}
