#!/usr/bin/env node
// node scripts/record-schedulers.mjs [REGULAR EXPRESSION OF SCENARIOS' NAMES | missing]: asks kernel IPVS anew for the picks
// that the tests of the schedulers compare with. See test/lib/record-schedulers.mjs, which does it.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './lib/project.mjs'

const program = join(root, 'test/lib/record-schedulers.mjs')
process.exitCode = spawnSync(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1
