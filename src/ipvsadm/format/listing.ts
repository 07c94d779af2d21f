import type { Server, Service } from '../../ipvs/types.js'
import type { EndpointText } from './names.js'

/** One way to list a table: what stands above it, and the line of a service and of a server, without their line ends. */
export interface Listing {
  readonly title: string
  service(service: Service, endpoint: EndpointText): string
  server(server: Server, service: Service, endpoint: EndpointText): string
}
