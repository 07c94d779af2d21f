#!/usr/bin/env node
// node scripts/instruction-counts.mjs [--accept]: the instructions of the functions that packets pass, beside those that
// bench/instructions.json keeps; or keeps today's.
import { asTable, compare, functionsNow, keep, readKept } from './lib/instruction-counts.mjs'

const kept = readKept()
const functions = functionsNow(kept)
const compared = Object.entries(functions).flatMap(([object, sizes]) => compare(kept.functions[object] ?? {}, sizes))
console.log(asTable(compared))
if (process.argv.includes('--accept')) keep({ functions })
else if (compared.some((one) => one.grown)) process.exitCode = 1
