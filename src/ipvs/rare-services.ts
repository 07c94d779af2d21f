import type { Table } from '../datapath/index.js'
import type { ServiceKey } from './types.js'

const FTP_PORT = 21

/**
 * Counts a service that comes or goes, if it is of a kind that packets look for only where there is any: one of a firewall
 * mark, of FTP, of every port. Count it before packets can find it, and after they no longer can.
 */
export function countService({ settings }: Table, key: ServiceKey, change: 1 | -1): void {
  if ('fwmark' in key) settings.markServices += change
  else if (key.port === 0) settings.portlessServices += change
  else if (key.port === FTP_PORT) settings.ftpServices += change
}

/** Counts anew. */
export function recountServices(table: Table, keys: Iterable<ServiceKey>): void {
  const { settings } = table
  settings.markServices = 0
  settings.portlessServices = 0
  settings.ftpServices = 0
  for (const key of keys) countService(table, key, 1)
}
