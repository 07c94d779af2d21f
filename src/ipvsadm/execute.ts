import { IpvsError } from '../ipvs/error.js'
import type { Service } from '../ipvs/types.js'
import type { Command } from './command.js'
import {
  addressesOf,
  connectionsText,
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
import { noDaemon } from './messages.js'
import { UsageError } from './usage-error.js'

/** Does one command, `-R` apart. @throws IpvsError, SluiceError where the table refuses */
export function execute(command: Exclude<Command, { name: 'restore' }>, io: Io): void {
  switch (command.name) {
    case 'help':
      return io.stdout(helpText)
    case 'version':
      return io.stdout(versionText)
    case 'add-service':
      return io.openDirector().addService(command.service, command.options)
    case 'edit-service':
      return io.openDirector().editService(command.service, command.options)
    case 'delete-service':
      return io.openDirector().deleteService(command.service)
    case 'flush':
      return io.openDirector().flush()
    case 'add-server':
      return io.openDirector().addServer(command.service, command.server, command.options)
    case 'edit-server':
      return io.openDirector().editServer(command.service, command.server, command.options)
    case 'delete-server':
      return io.openDirector().deleteServer(command.service, command.server)
    case 'zero':
      return io.openDirector().zero(command.service)
    case 'set':
      return io.openDirector().setTimeouts(command.timeouts)
    case 'start-daemon':
    case 'stop-daemon':
      throw new UsageError(noDaemon, 255)
    case 'save':
      return save(command.numeric, io)
    case 'list':
      return list(command, io)
  }
}

function list(command: Extract<Command, { name: 'list' }>, io: Io): void {
  const director = io.openDirector()
  if (command.what === 'daemon') return
  if (command.what === 'timeout') return io.stdout(timeoutText(director.timeouts()))
  const { view } = command
  if (command.what === 'connections') {
    const connections = director.connections()
    const addresses = connections.flatMap(({ client, virtual, server }) => [client, virtual, server])
    const endpoint = endpointText(view.numeric, io, () => addresses.map(({ address }) => address))
    return io.stdout(connectionsText(connections, view.persistentConn, endpoint))
  }
  let services: Service[]
  if (command.service) {
    const service = director.service(command.service)
    if (!service) throw new IpvsError('ESRCH', 'no such service')
    services = [service]
  } else services = director.services()
  const endpoint = endpointText(view.numeric, io, () => addressesOf(services))
  const text = listText(listingOf(view), services, view.sort, endpoint)
  io.stdout(command.service ? text : versionLine(director.connectionTableSize) + text)
}

function save(inNumbers: boolean, io: Io): void {
  const services = io.openDirector().services()
  const endpoint = endpointText(inNumbers, io, () => addressesOf(services))
  io.stdout(listText(rule, services, true, endpoint))
}

function endpointText(inNumbers: boolean, io: Io, addresses: () => readonly string[]): EndpointText {
  return inNumbers ? numeric : named(io.hosts, io.services, addresses())
}
