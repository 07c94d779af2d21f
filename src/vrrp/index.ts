/** VRRP: which of several directors has the virtual addresses. */
export {
  type Advert,
  decodeAdvert,
  encodeAdvert,
  RejectedError,
  type Rejection,
  rejections,
  type SimplePassword,
  type VrrpFamily,
} from './advert.js'
export { type AnnouncePlan, announcement, defaultAnnouncements } from './announce.js'
export { driveRouters, monotonicMs } from './loop.js'
export { type Action, type MachineOptions, VrrpMachine, type VrrpState } from './machine.js'
export {
  type RouterEvent,
  type RouterStatistics,
  type VirtualAddress,
  VirtualRouter,
  type VirtualRouterOptions,
} from './router.js'
