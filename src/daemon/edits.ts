import { type Director, IpvsError } from '../ipvs/index.js'
import {
  completeServiceOptions,
  type DesiredServer,
  type DesiredService,
  serverId,
  serverOptionsText,
  serviceId,
  serviceOptionsText,
} from './desired.js'

/** One edit of the table. */
export type Edit =
  | {
      readonly edit: 'add-service' | 'edit-service'
      readonly service: DesiredService
      readonly before?: DesiredService
    }
  | { readonly edit: 'delete-service'; readonly service: DesiredService }
  | {
      readonly edit: 'add-server' | 'edit-server' | 'delete-server'
      readonly service: DesiredService
      readonly server: DesiredServer
      readonly before?: DesiredServer
    }

/**
 * What it takes to make one service what it should be: nothing for what is right already. Servers are added and changed
 * before others are deleted, so that it is never without one that it has before and after.
 */
export function serviceEdits(before: DesiredService | undefined, after: DesiredService | undefined): Edit[] {
  if (!after) return before ? [{ edit: 'delete-service', service: before }] : []
  const edits: Edit[] = []
  if (!before) edits.push({ edit: 'add-service', service: after })
  else if (serviceOptionsText(before.options) !== serviceOptionsText(after.options))
    edits.push({ edit: 'edit-service', service: after, before })
  const there = new Map(before?.servers.map((server) => [serverId(server.key), server]))
  const wanted = new Set(after.servers.map(({ key }) => serverId(key)))
  for (const server of after.servers) {
    const old = there.get(serverId(server.key))
    if (!old) edits.push({ edit: 'add-server', service: after, server })
    else if (serverOptionsText(old.options) !== serverOptionsText(server.options))
      edits.push({ edit: 'edit-server', service: after, server, before: old })
  }
  for (const server of before?.servers ?? [])
    if (!wanted.has(serverId(server.key))) edits.push({ edit: 'delete-server', service: after, server })
  return edits
}

/** The same for a whole table; services that are neither before nor after are not touched. */
export function tableEdits(before: readonly DesiredService[], after: readonly DesiredService[]): Edit[] {
  const there = new Map(before.map((service) => [serviceId(service.key), service]))
  const wanted = new Set(after.map(({ key }) => serviceId(key)))
  return [
    ...before.filter(({ key }) => !wanted.has(serviceId(key))).flatMap((service) => serviceEdits(service, undefined)),
    ...after.flatMap((service) => serviceEdits(there.get(serviceId(service.key)), service)),
  ]
}

/**
 * Makes an edit, each atomic for packets. What somebody else has done meanwhile (the server is there already, or gone) is
 * no failure: the edit is made as it is then possible.
 * @throws IpvsError, SluiceError for what the table refuses
 */
export function makeEdit(director: Director, edit: Edit): void {
  const { key, options } = edit.service
  switch (edit.edit) {
    case 'add-service':
    case 'edit-service': {
      const complete = completeServiceOptions(options)
      const [first, second] =
        edit.edit === 'add-service'
          ? [() => director.addService(key, complete), () => director.editService(key, complete)]
          : [() => director.editService(key, complete), () => director.addService(key, complete)]
      either(first, ['EEXIST', 'ESRCH'], second)
      break
    }
    case 'delete-service':
      either(() => director.deleteService(key), ['ESRCH'])
      break
    case 'add-server':
      either(
        () => director.addServer(key, edit.server.key, edit.server.options),
        ['EEXIST'],
        () => director.editServer(key, edit.server.key, edit.server.options),
      )
      break
    case 'edit-server':
      either(
        () => director.editServer(key, edit.server.key, edit.server.options),
        ['ENOENT'],
        () => director.addServer(key, edit.server.key, edit.server.options),
      )
      break
    case 'delete-server':
      either(() => director.deleteServer(key, edit.server.key), ['ENOENT', 'ESRCH'])
      break
  }
}

function either(work: () => void, refusals: readonly string[], other: () => void = () => {}): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof IpvsError) || !refusals.includes(error.errno)) throw error
    other()
  }
}
