import { isIP, isIPv6 } from 'node:net'
import { endpointText, type ServerPlan, type ServicePlan } from '../config/index.js'
import { SluiceError } from '../errors.js'
import type { Drain } from './state.js'

/** Whom somebody names: `10.1.0.1`, `10.1.0.1:80`, `fd00::1`, `[fd00::1]:80`. @throws SluiceError SLUICE_BAD_SERVER */
export function parseServer(text: string): { readonly address: string; readonly port?: number } {
  const [, wide, narrow, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = wide ?? narrow ?? text
  if (!isIP(address) || Number(port ?? 0) > 65535) throw new SluiceError('SLUICE_BAD_SERVER', { text })
  const canonical = isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
  return { address: canonical, ...(port === undefined ? {} : { port: Number(port) }) }
}

export const isDrained = (drain: Drain, { name }: ServicePlan, { key }: Pick<ServerPlan, 'key'>): boolean =>
  drain.address === key.address &&
  (drain.port === undefined || drain.port === key.port) &&
  (drain.service === undefined || drain.service === name)

/** The same server, or servers. */
export const sameDrain = (a: Drain, b: Pick<Drain, 'address' | 'port' | 'service'>): boolean =>
  a.address === b.address && a.port === b.port && a.service === b.service

export const drainText = ({ address, port }: Pick<Drain, 'address' | 'port'>): string =>
  port === undefined ? address : endpointText({ address, port })

/** Those of a configuration that a drain is about. @throws SluiceError SLUICE_NO_SERVER */
export function drained(services: readonly ServicePlan[], drain: Drain): (readonly [ServicePlan, ServerPlan])[] {
  const found = services.flatMap((service) =>
    service.servers.filter((server) => isDrained(drain, service, server)).map((server) => [service, server] as const),
  )
  if (found.length > 0) return found
  const where = drain.service === undefined ? 'any service' : `service ${drain.service}`
  throw new SluiceError('SLUICE_NO_SERVER', { server: drainText(drain), where })
}
