/** The kernel's face: everything by which Sluice talks to Linux. It knows nothing of load balancing. */
export { addAddress, type DeviceAddress, removeAddress } from './addresses.js'
export {
  AttachType,
  type LinkInfo,
  linkCreateMapIterator,
  linkCreateNetns,
  linkCreateTcx,
  linkCreateXdp,
  linkDetach,
  linkInfo,
  linkUpdate,
  type XdpMode,
} from './bpf-link.js'
export {
  MapFlag,
  type MapInfo,
  MapType,
  mapCreate,
  mapDelete,
  mapEntries,
  mapInfo,
  mapLookup,
  mapNextKey,
  mapUpdate,
  Update,
} from './bpf-map.js'
export { mapMmap, munmap } from './bpf-mmap.js'
export { type Fd, objGet, objPin } from './bpf-object.js'
export {
  type ProgramInfo,
  progInfo,
  progQueryCount,
  progTestRun,
  type TestResult,
  type TestRun,
} from './bpf-program.js'
export { findBpffs, inheritBpffs } from './bpffs.js'
export { Btf, type BtfMember, type BtfType, mapBtf, objectBtf } from './btf.js'
export { hasNetAdminAndBpf } from './capabilities.js'
export { deviceDriver, type Offload, offload, setOffload } from './ethtool.js'
export { clearEvent, eventFd, signalEvent } from './event-fd.js'
export { hasTcx, kernelAtLeast, kernelRelease } from './features.js'
export { waitForPrograms } from './grace.js'
export { type LoadedObject, loadObject, type ObjectOptions } from './libbpf.js'
export { clearLinkEvents, linkEvents, runningLinks } from './link-events.js'
export { type Device, deviceIndex, deviceNames, devices } from './links.js'
export { type Lock, type LockOptions, lock } from './lock.js'
export { type MarkedPlace, markedSocket } from './marked-socket.js'
export { deviceMtu, type MulticastPlace, multicastReceiver, multicastSender } from './multicast.js'
export { type XdpFeatures, xdpFeatures } from './netdev.js'
export { netnsCookie, netnsIno, netnsOfId, openNetns, withNetns } from './netns.js'
export { packetSender, sendFrame } from './packet-socket.js'
export { poll } from './poll.js'
export { isRunning, type ProcessId, processId } from './process.js'
export { type RawPacket, type RawPlace, RawReader, rawReceiver, rawSender, sendRaw } from './raw-socket.js'
export { renameExchange } from './rename.js'
export { closeFd, KernelError } from './syscall.js'
export { readSysctl, writeSysctl } from './sysctl.js'
export { hasFilters, type TcFilter, tcAttach, tcDetach, tcQuery } from './tc.js'
export { monotonicNs, possibleCpus } from './time.js'
export { sendUnixDatagram } from './unix-datagram.js'
