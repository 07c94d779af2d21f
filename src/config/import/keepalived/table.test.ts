// What the real keepalived put into the real table (testdata/record.sh, Debian 12), and what our import means.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Config, formatConfig, type ServicePlan } from '../../index.js'
import { parseConfig } from '../../load.js'
import type { Imported } from '../imported.js'
import { importRules } from '../rules.js'
import { importKeepalived } from './index.js'

/** Compiled, this file is in dist/, and the data stays in src/. */
const data = new URL('../../../../src/config/import/keepalived/testdata/', import.meta.url)
const samples = '/usr/share/doc/keepalived/samples'

const recorded = readFileSync(new URL('tables.jsonl', data), 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as { readonly file: string; readonly rules: readonly string[] })

const meant = ({ config }: Imported): Config => parseConfig(formatConfig(config), 'sluice.yaml')

/** The part of it that the table has. */
function tableOf({ services }: Config) {
  const sorted = services.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return sorted.map(({ name, key, options, servers }) => ({ name, key, options, servers: serversOf(servers) }))
}

const serversOf = (servers: ServicePlan['servers']) =>
  servers
    .map(({ key, options }) => ({ key, options }))
    .toSorted((a, b) => (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1))

describe('the table that keepalived makes', () => {
  for (const { file, rules } of recorded) {
    const own = new URL(file, data)
    const path = existsSync(own) ? own.pathname : join(samples, file)
    it(`of ${file} is the one that is imported`, { skip: existsSync(path) ? false : `${path} is not here` }, () => {
      const lookups = { host: () => undefined, port: () => undefined }
      const imported = meant(importKeepalived(path, { configId: 'host' }))
      // servers of alpha wait for their checks
      const services = imported.services.map((service) => (service.alpha ? { ...service, servers: [] } : service))
      const real = meant(importRules(file, rules.join('\n'), lookups))
      assert.deepEqual(tableOf({ ...imported, services }), tableOf(real))
    })
  }
})
