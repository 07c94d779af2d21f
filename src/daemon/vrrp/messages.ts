import type { VrrpPlan } from '../../config/index.js'
import type { RouterEvent, RouterStatistics, VrrpState } from '../../vrrp/index.js'

/** What the main thread and the thread of the virtual routers tell each other. */

export type Order =
  | { readonly order: 'apply'; readonly plan: VrrpPlan }
  /** A tracked script or service is well, or not; undefined: not known. */
  | {
      readonly order: 'tracked'
      readonly kind: 'script' | 'service'
      readonly name: string
      readonly ok: boolean | undefined
    }
  | { readonly order: 'report'; readonly id: number }
  | { readonly order: 'stop' }

export type Word =
  | RouterEvent
  | { readonly type: 'group'; readonly group: string; readonly state: VrrpState; readonly priority: number }
  | { readonly type: 'report'; readonly id: number; readonly instances: readonly InstanceReport[] }

export interface InstanceReport {
  readonly name: string
  readonly device: string
  readonly vrid: number
  readonly state: VrrpState
  readonly priority: number
  readonly addresses: readonly string[]
  /** Why it is in fault, or waits. */
  readonly reason: string
  readonly statistics: RouterStatistics | undefined
}

/** What the thread is started with. */
export interface Footing {
  /** Readable when orders wait. */
  readonly wake: number
}
