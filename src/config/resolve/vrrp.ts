import { defaultAnnouncements } from '../../vrrp/index.js'
import type { Path } from '../document.js'
import type { GroupPlan, InstanceAddress, InstancePlan, NotifyPlan, Tracked, VrrpPlan } from '../plan.js'
import { present } from '../present.js'
import type { Problems } from '../problems.js'
import type { ParsedConfig } from '../schema/index.js'
import { didYouMean } from '../suggest.js'

type Vrrp = NonNullable<ParsedConfig['vrrp']>
type Instance = NonNullable<Vrrp['instances']>[string]
type Notify = Instance['notify']

/** keepalived's. */
const PRIORITY = 100
const INTERVAL = 1000
const DOWN_ADVERTS = 3

export function resolveVrrp(vrrp: Vrrp, services: ReadonlySet<string>, problems: Problems): VrrpPlan {
  const scripts = vrrp.scripts ?? {}
  const instances = Object.entries(vrrp.instances ?? {}).map(([name, instance]) =>
    instanceOf(name, instance, { scripts, services }, ['vrrp', 'instances', name], problems),
  )
  const routers = new Map<string, string>()
  for (const { name, device, vrid, addresses } of instances) {
    const text = `${vrid} on ${device} of IPv${addresses[0]?.address.includes(':') ? 6 : 4}`
    const twin = routers.get(text)
    if (twin !== undefined)
      problems.add(
        ['vrrp', 'instances', name],
        `virtual router ${text} is instance ${twin} already; give it another vrid`,
        'vrid',
      )
    routers.set(text, name)
  }
  return {
    instances,
    groups: groupsOf(vrrp, problems),
    scripts: Object.entries(scripts).map(
      ([name, { command, interval = 1000, timeout = interval, rise = 1, fall = 1 }]) => ({
        name,
        command,
        interval,
        timeout,
        rise,
        fall,
      }),
    ),
    notifyFifo: vrrp.notify_fifo,
  }
}

function groupsOf({ groups = {}, instances = {} }: Vrrp, problems: Problems): GroupPlan[] {
  const member = new Map<string, string>()
  return Object.entries(groups).map(([name, group]) => {
    for (const [i, instance] of group.instances.entries()) {
      const path = ['vrrp', 'groups', name, 'instances', i]
      unlessKnown(instance, Object.keys(instances), 'instance', path, problems)
      const other = member.get(instance)
      if (other !== undefined)
        problems.add(path, `${instance} is of group ${other} already; leave it out of one of them`)
      member.set(instance, name)
    }
    return { name, instances: group.instances, notify: notifyOf(group.notify) }
  })
}

function unlessKnown(name: string, known: readonly string[], what: string, path: Path, problems: Problems): void {
  if (!known.includes(name))
    problems.add(path, `there is no ${what} ${name}${didYouMean(name, known)}; name one that is there`)
}

interface Known {
  readonly scripts: NonNullable<Vrrp['scripts']>
  readonly services: ReadonlySet<string>
}

function instanceOf(name: string, instance: Instance, known: Known, path: Path, problems: Problems): InstancePlan {
  const addresses = instance.addresses.map(addressOf)
  const advertised = addresses.filter((each) => each.advertised)
  const v6 = advertised[0]?.address.includes(':') ?? false
  const version = instance.version ?? (v6 || (instance.advert_interval ?? INTERVAL) % 1000 !== 0 ? 3 : 2)
  const interval = instance.advert_interval ?? INTERVAL
  const report = (message: string, key: string) => problems.add(path, message, key)
  if (advertised.length === 0) report('an instance needs an address that its adverts name; add one', 'addresses')
  if (advertised.some(({ address }) => address.includes(':') !== v6))
    report(
      'addresses of both families need an instance each; or write advertised: false at those of the other one',
      'addresses',
    )
  if (version === 2 && v6) report('version 2 has no IPv6; write version: 3', 'version')
  if (version === 2 && (interval % 1000 !== 0 || interval > 255_000))
    report('version 2 advertises in whole seconds from 1 to 255; write version: 3 for less', 'advert_interval')
  if (version === 3 && (interval % 10 !== 0 || interval > 40_950))
    report('version 3 advertises in hundredths of a second, up to 40.95s; write one such as 100ms', 'advert_interval')
  const { password } = instance.authentication ?? {}
  if (password !== undefined && version === 3)
    report('version 3 has no authentication; leave it out, or write version: 2', 'authentication')
  if (password !== undefined && Buffer.byteLength(password) > 8)
    report('of a password eight bytes count; make it no longer', 'authentication')
  if (instance.preempt === false && instance.preempt_delay)
    report('without preemption it has no delay; leave one of them out', 'preempt_delay')
  for (const key of ['source', 'peers'] as const)
    for (const address of [instance[key] ?? []].flat())
      if (address.includes(':') !== v6)
        report(`${address} is of another family than the addresses; write one of theirs`, key)
  const { track = {}, garp = {} } = instance
  return {
    name,
    device: instance.interface,
    vrid: instance.vrid,
    version,
    priority: instance.priority ?? PRIORITY,
    interval,
    preempt: instance.preempt ?? true,
    preemptDelay: instance.preempt_delay ?? 0,
    downAdverts: instance.down_adverts ?? DOWN_ADVERTS,
    source: instance.source,
    peers: instance.peers,
    password,
    addresses,
    announcements: {
      repeat: garp.repeat ?? defaultAnnouncements.repeat,
      again: garp.delay ?? defaultAnnouncements.again,
      refresh: garp.refresh ?? defaultAnnouncements.refresh,
      refreshRepeat: garp.refresh_repeat ?? defaultAnnouncements.refreshRepeat,
    },
    track: {
      interfaces: trackedOf(track.interfaces),
      scripts: trackedOf(track.scripts, (script) => {
        unlessKnown(script, Object.keys(known.scripts), 'script', [...path, 'track', 'scripts'], problems)
        return known.scripts[script]?.weight
      }),
      services: trackedOf(track.services, (service) => {
        unlessKnown(service, [...known.services], 'service', [...path, 'track', 'services'], problems)
        return undefined
      }),
    },
    notify: notifyOf(instance.notify),
  }
}

function addressOf(given: Instance['addresses'][number]): InstanceAddress {
  if (!('advertised' in given || typeof given.address === 'object'))
    return { ...(given as { address: string; prefix: number }), advertised: true }
  const { address, interface: device, advertised = true } = given as Exclude<typeof given, { prefix: number }>
  return { ...address, advertised, ...present({ device }) }
}

type TrackedInput = string | { readonly name: string; readonly weight?: number | undefined }

function trackedOf(
  list: readonly TrackedInput[] = [],
  weightOf: (name: string) => number | undefined = () => undefined,
): Tracked[] {
  return list.map((each) => {
    const { name, weight } = typeof each === 'string' ? { name: each, weight: undefined } : each
    const usual = weightOf(name)
    return { name, weight: weight ?? usual ?? 0 }
  })
}

function notifyOf(notify: Notify): NotifyPlan {
  return present(notify ?? {})
}
