import type { Transcript } from '../transcript.js'

/** First lines of `ipvsadm -Ln`, as a pattern: the size is the table's own. */
export const listing = (...rows: string[]): RegExp => {
  const escaped = rows.map((row) => row.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, ' +'))
  const head = [
    'IP Virtual Server version 1\\.2\\.1 \\(size=\\d+\\)',
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port +Forward Weight ActiveConn InActConn',
  ]
  return new RegExp(`^${[...head, ...escaped].map((line) => `${line} *\n`).join('')}$`)
}

/** A pattern for one row of a listing, in which runs of spaces match each other. */
export const row = (text: string): RegExp =>
  new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, ' +')} *$`, 'm')

/** Every answer is one of the servers' names, and no two that follow each other are the same. */
export function inTurn(transcript: Transcript, output: string, names: readonly string[], count: number): void {
  const answers = output.trim().split('\n')
  const known = answers.every((answer) => names.includes(answer))
  const turns = answers.every((answer, index) => index === 0 || answer !== answers[index - 1])
  const what = `${names.join(' and ')} answer ${count} requests in turn`
  transcript.check(what, answers.length === count && known && turns, `${count} answers, in turn`, output.trimEnd())
}
