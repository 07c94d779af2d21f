#!/usr/bin/env node
// Records what kernel IPVS's master daemon multicasts, into datagrams.jsonl: real connections in the virtual machine of
// test/ipvs-vm, each scenario with the packets that it sent.   node src/sync/testdata/record.mjs [NAME...]
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')
const words = process.argv
  .slice(2)
  .map((word) => `'${word}'`)
  .join(' ')
const run = spawnSync(
  join(root, 'test/ipvs-vm/run'),
  [`exec '${process.execPath}' ${join(here, 'record-guest.mjs')} ${words}`],
  {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: {
      IPVS_VM_TIMEOUT: '400',
      IPVS_VM_MODULES:
        'veth bridge nf_conntrack cls_u32 act_skbedit sch_ingress ip_vs ip_vs_rr ip_vs_wrr ip_vs_ftp ip_vs_pe_sip ipip',
      ...process.env,
    },
  },
)
const lines = run.stdout.split('\n').filter((line) => line.startsWith('{'))
process.stderr.write(
  run.stdout
    .split('\n')
    .filter((line) => !line.startsWith('{'))
    .join('\n') + run.stderr,
)
// what was not asked for again stays as it is
const file = join(here, 'datagrams.jsonl')
const known = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
const all = new Map([...known, ...lines].map((line) => [JSON.parse(line).name, line]))
writeFileSync(file, [...all.values()].map((line) => `${line}\n`).join(''))
process.stdout.write(`${lines.length} scenarios\n`)
process.exitCode = run.status ?? 1
