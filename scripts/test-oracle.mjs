#!/usr/bin/env node
// npm run test:oracle [-- load|tests|commands|traffic|sync ...]: the same program on Debian 12's own kernel 6.1, in the virtual
// machine of test/ipvs-vm: it loads and attaches, its kernel tests pass, the recorded cases replay. Emulated, so all of it
// takes a while (Node alone needs one or two seconds to start there): long parts are done in shares, a boot each. `commands=2/4` does
// the second of four shares alone.
// npm run test:oracle -- random [--sequences N] [--seed S] [--seconds T]: random sequences on kernel IPVS and on Sluice, side by side; the
// ones that differ are made short and written to test/ipvs-vm/found.
// npm run test:oracle -- instructions [--accept]: the machine instructions that a forwarded packet costs there, beside those that
// bench/instructions.json keeps; more than 5 % more fails, or is accepted.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { asTable, compare, keep, readKept } from './lib/instruction-counts.mjs'
import { hasCommand } from './lib/packages.mjs'
import { root } from './lib/project.mjs'
import { runMain, SetupError, setUp } from './lib/setup.mjs'

/** In how many boots each part is done, so that none takes much longer than five minutes. @type {Record<string, number>} */
const boots = { load: 1, tests: 1, commands: 6, traffic: 8, sync: 4, random: 1, instructions: 1 }
const parts = Object.keys(boots)
/** Parts that are run when asked for by name. */
const onDemand = ['random', 'instructions']

/** Keeps each sequence that the guest found, a file each. @param {string} text */
function keepFound(text) {
  for (const [, json] of text.matchAll(/^random: found (.*)$/gm)) {
    const { name, ...found } = JSON.parse(json ?? '')
    const file = join(root, 'test/ipvs-vm/found', `${name.replace(/\.json$/, '')}.json`)
    writeFileSync(file, `${JSON.stringify(found, null, 1)}\n`)
    console.log(`oracle: written to ${file}`)
  }
}

/** What each boot for a word does: a part, or a share of one. @param {string} word */
function sharesOf(word) {
  const count = boots[word] ?? 1
  return count === 1 ? [word] : Array.from({ length: count }, (_, i) => `${word}=${i + 1}/${count}`)
}

/** Of the recorded cases, how many passed in all boots. @param {string} text */
function sumCases(text) {
  for (const kind of ['commands', 'traffic']) {
    const rows = [...text.matchAll(new RegExp(`^${kind}: (\\d+) passed, (\\d+) failed, (\\d+) pending$`, 'gm'))]
    const sum = (/** @type {number[]} */ ...columns) =>
      rows.reduce((all, row) => all + columns.reduce((part, column) => part + Number(row[column]), 0), 0)
    if (rows.length > 0) console.log(`oracle: ${kind}: ${sum(1)} of ${sum(1, 2, 3)} passed`)
  }
}

/** Fewer than the bench's: the counts are the same within some instructions. */
const COUNTED_PACKETS = 5000

/** Counts anew and compares. @param {boolean} accept @returns {Promise<number>} exit status */
async function countInstructions(accept) {
  const { instructions } = await import('../bench/lib/instructions.mjs')
  const rows = await instructions({ peers: false, packets: COUNTED_PACKETS })
  const packets = Object.fromEntries(rows.map(({ name, overFloor }) => [name, overFloor]))
  const compared = compare(readKept().packets, packets)
  console.log(`instructions a forwarded packet over the floor, old -> new:\n${asTable(compared)}`)
  const lost = rows.filter(({ delivered }) => delivered < 100)
  for (const { name, delivered } of lost) console.log(`oracle: ${name}: ${delivered} % of the packets were delivered`)
  const missing = Object.keys(readKept().packets).filter((name) => packets[name] === undefined)
  for (const name of missing) console.log(`oracle: ${name}: not counted`)
  if (rows.length === 0 || lost.length + missing.length > 0) return 1
  if (!accept) return compared.some(({ grown }) => grown) ? 1 : 0
  keep({ packets })
  return 0
}

/** The guest sees this machine's files, except /tmp and /run: a checkout there is copied to where it is seen. */
function visibleCheckout() {
  if (!/^\/(tmp|run)\//.test(`${root}/`)) return { path: root, remove: () => {} }
  const cache = join(homedir(), '.cache/sluice-oracle')
  mkdirSync(cache, { recursive: true })
  const path = mkdtempSync(join(cache, 'checkout-'))
  for (const name of ['package.json', 'bin', 'bpf', 'dist', 'node_modules', 'scripts', 'src', 'test']) {
    if (existsSync(join(root, name)))
      cpSync(join(root, name), join(path, name), { recursive: true, verbatimSymlinks: true })
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Why there can be no virtual machine here, or nothing. */
function impossible() {
  if (process.arch !== 'x64') return `the virtual machine is x86-64, this is ${process.arch}`
  if (!hasCommand('qemu-system-x86_64') && !hasCommand('apt-get'))
    return 'no qemu-system-x86_64, and no apt-get to install it'
  return undefined
}

/**
 * Boots the machine for some words; its exit status.
 * @param {string} path the checkout @param {string[]} words @param {(data: Buffer) => void} hear
 * @returns {Promise<number>}
 */
const boot = (path, words, hear) =>
  new Promise((resolve, reject) => {
    const child = spawn(
      join(root, 'test/ipvs-vm/run'),
      [`exec '${process.execPath}' scripts/oracle/guest.mjs ${words.join(' ')}`],
      {
        cwd: path,
        stdio: ['ignore', 'pipe', 'inherit'],
        // no ip_vs and no ipip beside us: the kernel as it is where Sluice is at home
        env: { IPVS_VM_TIMEOUT: '3000', IPVS_VM_MEM: '2000', IPVS_VM_MODULES: 'veth', ...process.env },
      },
    )
    child.stdout.on('data', hear)
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })

await runMain(async () => {
  const all = process.argv.slice(2)
  const split = all.findIndex((word) => word.startsWith('--'))
  const [asked, options] = split < 0 ? [all, []] : [all.slice(0, split), all.slice(split)]
  const counting = asked.includes('instructions')
  if (counting && asked.length > 1)
    throw new SetupError('the part "instructions" has a machine of its own: ask for it alone')
  const takesOptions = asked.includes('random') || (counting && options.every((word) => word === '--accept'))
  const unknown =
    asked.find((word) => !/^\w+(=\d+\/\d+)?$/.test(word) || !parts.includes(word.replace(/=.*/, ''))) ??
    (takesOptions ? undefined : options[0])
  if (unknown) throw new SetupError(`no part "${unknown}": ${parts.join(', ')}`)
  const reason = impossible()
  if (reason) {
    console.log(`oracle: skipped: ${reason}`)
    return 0
  }
  await setUp({ command: 'npm run test:oracle', purposes: ['test'] })
  if (counting) return countInstructions(options.includes('--accept'))
  const checkout = visibleCheckout()
  const words = asked.length > 0 ? asked : parts.filter((part) => !onDemand.includes(part))
  let seen = ''
  let status = 0
  try {
    for (const word of words.flatMap(sharesOf)) {
      const heard = seen.length
      const ended = await boot(checkout.path, [word, ...options], (data) => {
        seen += data
        process.stdout.write(data)
      })
      if (!seen.includes('oracle: kernel', heard)) {
        // the guest never spoke: no package to install from, or no memory for it
        console.log('oracle: skipped: the virtual machine could not be made or did not start; its own message is above')
        return status
      }
      status ||= ended
    }
    keepFound(seen)
    sumCases(seen)
    return status
  } finally {
    checkout.remove()
  }
})
