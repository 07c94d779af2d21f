import { Command } from 'commander'
import { findRulesFile, readRules, writeRules } from '../install/index.js'
import type { MarkRule } from '../ipvs/index.js'
import { processIo, runIpvsadm, runRestore } from '../ipvsadm/index.js'
import { ExitStatus } from './exit.js'
import { markWords, parseMark, withDirector } from './mark.js'
import { print } from './output.js'

const where = "default: /etc/sysconfig/ipvsadm, or Debian's /etc/ipvsadm.rules"

/** `sluice rules load|save`: what ipvsadm.service does. */
export const rulesCommand = (): Command =>
  new Command('rules')
    .description('the rules of this network namespace in a file: what ipvsadm.service does at its start and stop')
    .addCommand(
      new Command('load')
        .description('empty the table, then fill it from a file of ipvsadm-save')
        .argument('[file]', where)
        .action(load),
    )
    .addCommand(
      new Command('save')
        .description('write the table to a file, thresholds included')
        .argument('[file]', where)
        .option('--clear', 'empty the table then')
        .action(save),
    )

/** Before a rule of marks in a file of rules: to ipvsadm-restore, and to anyone's shell, a comment. */
const MARK = '# sluice mark add '

const rules = (count: number) => `${count} ${count === 1 ? 'rule' : 'rules'}`

const ofMarks = ({ length }: readonly MarkRule[]) => (length === 0 ? '' : `, ${length} of marks`)

function replaceMarks(marks: readonly MarkRule[]): void {
  withDirector((director) => {
    if (marks.length > 0 || director.markRules().length > 0) director.editMarkRules(() => marks)
  })
}

/** Runs an ipvsadm command line; what it prints is collected, and its errors are shown. */
function ipvsadm(words: readonly string[]): { text: string; failed: boolean } {
  const io = processIo()
  let text = ''
  const status = runIpvsadm(words, { ...io, stdout: (more) => (text += more) })
  return { text, failed: status !== 0 }
}

function load(file: string | undefined): void {
  const { path, auto, daemons, device, syncid } = findRulesFile()
  let failed = false
  if (file === undefined && !auto) print('AUTO is not true in /etc/default/ipvsadm: no rules are loaded')
  else failed = loadFrom(file ?? path, file !== undefined)
  if (file === undefined)
    for (const state of daemons)
      failed = ipvsadm(['--start-daemon', state, '--mcast-interface', device, '--syncid', syncid]).failed || failed
  if (failed) throw new ExitStatus(1)
}

/** @returns whether something was refused */
function loadFrom(path: string, named: boolean): boolean {
  const lines = readRules(path)
  if (!lines) {
    print(`there are no rules in ${path}`)
    return named
  }
  const io = processIo()
  let complaints = 0
  const stderr = (text: string) => {
    complaints += 1
    io.stderr(text)
  }
  const count = lines.filter((line) => line.trim() !== '' && !line.startsWith('#')).length
  const marks = lines.filter((line) => line.startsWith(MARK)).map((line) => parseMark(line.slice(MARK.length)))
  replaceMarks(marks)
  const status = runRestore({ ...io, stderr, readLine: () => lines.shift(), hasLine: () => lines.length > 0 })
  print(`loaded ${path}: ${rules(count)}${ofMarks(marks)}${complaints > 0 ? `, ${complaints} refused` : ''}`)
  return status !== 0 || complaints > 0
}

function save(file: string | undefined, { clear = false }: { clear?: boolean }): void {
  const { path, auto, daemons } = findRulesFile()
  if (file === undefined && !auto) print('AUTO is not true in /etc/default/ipvsadm: no rules are saved')
  else saveTo(file ?? path)
  if (file === undefined) for (const state of daemons) ipvsadm(['--stop-daemon', state])
  // what was not saved is not thrown away
  if (!clear || (!auto && file === undefined)) return
  replaceMarks([])
  if (ipvsadm(['-C']).failed) throw new ExitStatus(1)
}

function saveTo(path: string): void {
  const { text, failed } = ipvsadm(['-S', '-n', '--thresholds'])
  if (failed) throw new ExitStatus(1)
  const marks = withDirector((director) => director.markRules())
  writeRules(path, marks.map((rule) => `${MARK}${markWords(rule)}\n`).join('') + text)
  print(`saved ${path}: ${rules(text.split('\n').length - 1)}${ofMarks(marks)}`)
}
