import type { DirectorApi } from '../ipvs/director-api.js'
import { IpvsError } from '../ipvs/error.js'
import type { Command, CommandOf, TableView } from './command.js'
import {
  addressesOf,
  connectionsText,
  daemonText,
  type EndpointText,
  listingOf,
  listText,
  named,
  numeric,
  rule,
  timeoutText,
  versionLine,
} from './format/index.js'
import { helpText, versionText } from './help.js'
import type { Io } from './io.js'

type Name = Exclude<Command['name'], 'restore'>

const handlers: { readonly [N in Name]: (io: Io, command: CommandOf<N>) => void } = {
  help: (io) => io.stdout(helpText),
  version: (io) => io.stdout(versionText),
  'add-service': (io, { service, options }) => io.openDirector().addService(service, options),
  'edit-service': (io, { service, options }) => io.openDirector().editService(service, options),
  'delete-service': (io, { service }) => io.openDirector().deleteService(service),
  flush: (io) => io.openDirector().flush(),
  'add-server': (io, { service, server, options }) => io.openDirector().addServer(service, server, options),
  'edit-server': (io, { service, server, options }) => io.openDirector().editServer(service, server, options),
  'delete-server': (io, { service, server }) => io.openDirector().deleteServer(service, server),
  zero: (io, { service }) => io.openDirector().zero(service),
  set: (io, { timeouts }) => io.openDirector().setTimeouts(timeouts),
  'start-daemon': (io, { state, options }) => io.openDirector().startDaemon(state, options),
  'stop-daemon': (io, { state }) => io.openDirector().stopDaemon(state),
  list,
  save,
}

/** Does one command, `-R` apart. @throws IpvsError, SluiceError where the table refuses */
export function execute(command: Exclude<Command, { name: 'restore' }>, io: Io): void {
  // each handler takes what stands under its own name, which the compiler cannot follow through the index
  const handler = handlers[command.name] as (io: Io, command: Command) => void
  handler(io, command)
}

function list(io: Io, command: CommandOf<'list'>): void {
  const director = io.openDirector()
  if (command.what === 'daemon') io.stdout(daemonText(director.daemons()))
  else if (command.what === 'timeout') io.stdout(timeoutText(director.timeouts()))
  else if (command.what === 'connections') io.stdout(listConnections(io, director, command.view))
  else io.stdout(listTable(io, director, command))
}

function listConnections(io: Io, director: DirectorApi, { numeric: inNumbers, persistentConn }: TableView): string {
  const connections = director.connections()
  const addresses = connections.flatMap(({ client, virtual, server }) => [client, virtual, server])
  const endpoint = endpointText(inNumbers, io, () => addresses.map(({ address }) => address))
  return connectionsText(connections, persistentConn, endpoint)
}

type TableCommand = Extract<CommandOf<'list'>, { what: 'table' }>

function listTable(io: Io, director: DirectorApi, { service, view }: TableCommand): string {
  const one = service && director.service(service)
  if (service && !one) throw new IpvsError('ESRCH', 'no such service')
  const services = one ? [one] : director.services({ counts: view.stats || view.rate })
  const endpoint = endpointText(view.numeric, io, () => addressesOf(services))
  const text = listText(listingOf(view), services, view.sort, endpoint)
  return one ? text : versionLine(director.connectionTableSize) + text
}

function save(io: Io, command: CommandOf<'save'>): void {
  const services = io.openDirector().services({ counts: false })
  const endpoint = endpointText(command.numeric, io, () => addressesOf(services))
  io.stdout(listText(rule(command.thresholds), services, true, endpoint))
}

function endpointText(inNumbers: boolean, io: Io, addresses: () => readonly string[]): EndpointText {
  return inNumbers ? numeric : named(io.hosts, io.services, addresses())
}
