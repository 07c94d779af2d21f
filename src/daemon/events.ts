/** What happens in a daemon, for its log and whoever listens. */
export type DaemonEvent =
  | { readonly type: 'started'; readonly services: number }
  | { readonly type: 'config'; readonly file: string; readonly changes: number }
  | { readonly type: 'config-refused'; readonly reason: string }
  | {
      readonly type: 'server'
      readonly service: string
      readonly server: string
      readonly health: 'up' | 'down'
      readonly reason: string
    }
  | { readonly type: 'quorum'; readonly service: string; readonly quorum: boolean }
  | { readonly type: 'edit'; readonly service: string; readonly edit: string }
  /** Another command changed what is the daemon's. */
  | {
      readonly type: 'foreign-edit'
      readonly service: string
      readonly edit: string
      readonly answer: 'kept' | 'repaired'
    }
  | {
      readonly type: 'drain'
      readonly server: string
      readonly service?: string
      readonly what: 'begun' | 'over' | 'ended'
    }
  | { readonly type: 'vrrp'; readonly instance: string; readonly state: string; readonly priority: number }
  /** One that came while the daemon ran: packets are balanced that come by it. */
  | { readonly type: 'device'; readonly device: string }
  | { readonly type: 'error'; readonly what: string; readonly reason: string }
  | { readonly type: 'note'; readonly text: string }

export type Tell = (event: DaemonEvent) => void

/** One line for a log. */
export function eventLine(event: DaemonEvent): string {
  switch (event.type) {
    case 'started':
      return `started with ${event.services} services`
    case 'config':
      return `configuration ${event.file}: ${event.changes === 0 ? 'no change' : `${event.changes} changes`}`
    case 'config-refused':
      return `configuration refused, the running one stays: ${event.reason}`
    case 'server':
      return `service ${event.service}: server ${event.server} is ${event.health}: ${event.reason}`
    case 'quorum':
      return `service ${event.service}: quorum ${event.quorum ? 'gained' : 'lost'}`
    case 'edit':
      return `service ${event.service}: ${event.edit}`
    case 'foreign-edit':
      return `service ${event.service}: another command made an edit, which is ${event.answer}: ${event.edit}`
    case 'drain':
      return `drain of ${event.server}${event.service ? ` in ${event.service}` : ''} ${event.what}`
    case 'vrrp':
      return `vrrp ${event.instance}: ${event.state}, priority ${event.priority}`
    case 'device':
      return `attached to the new device ${event.device}`
    case 'error':
      return `${event.what}: ${event.reason}`
    case 'note':
      return event.text
  }
}
