export type { Decapsulation } from './decapsulation.js'
export { startDirector, startedServices, stopDirector, type VirtualServer } from './director.js'
export { forgetNamespace } from './namespace-state.js'
export {
  type RealServerOptions,
  type RealServerStatus,
  realServerStatus,
  startRealServer,
  stopRealServer,
} from './realserver.js'
