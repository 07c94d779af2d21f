import type { Host, Result } from './host.js'

/** One command and what it really printed. */
export interface Step {
  readonly host: string
  readonly command: string
  readonly status: number
  readonly output: string
}

export interface Check {
  readonly what: string
  readonly ok: boolean
  /** Only when it failed. */
  readonly expected?: string
  readonly found?: string
}

/** Where a transcript is written as it grows. */
export interface Reporter {
  /** What the set-up is doing; no part of the transcript. */
  progress(line: string): void
  heading(text: string): void
  step(step: Step): void
  check(check: Check): void
  figure(name: string, values: Readonly<Record<string, number>>): void
}

/** A lab's run: commands with their real output, each followed by checks of what the notes promise. */
export class Transcript {
  readonly steps: Step[] = []
  readonly checks: Check[] = []
  readonly figures: Record<string, Readonly<Record<string, number>>> = {}

  constructor(private readonly reporter: Reporter) {}

  get ok(): boolean {
    return this.checks.every((check) => check.ok)
  }

  heading(text: string): void {
    this.reporter.heading(text)
  }

  /** Runs a command line on a host; a status other than 0 is a failed check unless `status` names it. */
  async run(host: Host, command: string, options: { status?: number } = {}): Promise<Result> {
    const result = await host.shell(command)
    this.show(host, command, result)
    const wanted = options.status ?? 0
    if (result.status !== wanted) this.check(`exit status of: ${command}`, false, String(wanted), String(result.status))
    return result
  }

  /** Adds a command that was run in another way. */
  show(host: Host, command: string, result: Result): void {
    const step = { host: host.name, command, ...result }
    this.steps.push(step)
    this.reporter.step(step)
  }

  /** Adds what was measured: `name` is what it is about. */
  figure(name: string, values: Readonly<Record<string, number>>): void {
    this.figures[name] = values
    this.reporter.figure(name, values)
  }

  check(what: string, ok: boolean, expected?: string, found?: string): void {
    const details = ok
      ? {}
      : { ...(expected === undefined ? {} : { expected }), ...(found === undefined ? {} : { found }) }
    const check = { what, ok, ...details }
    this.checks.push(check)
    this.reporter.check(check)
  }

  /** Compares texts line by line; spaces at the ends of lines do not count. */
  equal(what: string, found: string, expected: string): void {
    const tidy = (text: string) => text.trimEnd().replace(/[ \t]+$/gm, '')
    this.check(what, tidy(found) === tidy(expected), tidy(expected), tidy(found))
  }

  /** Every pattern matches. */
  match(what: string, found: string, ...patterns: RegExp[]): void {
    const missing = patterns.filter((pattern) => !pattern.test(found))
    this.check(what, missing.length === 0, missing.map(String).join(' and '), found.trimEnd())
  }
}

/** Prints as the notes do: a prompt, the command, its output; then the check's mark. */
export function textReporter(
  out: NodeJS.WriteStream = process.stdout,
  err: NodeJS.WriteStream = process.stderr,
): Reporter {
  const paint = (code: number, text: string) => (out.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text)
  const indent = (text: string) => text.split('\n').join('\n             ')
  return {
    progress: (line) => err.write(`${line}\n`),
    heading: (text) => out.write(`\n${paint(1, `# ${text}`)}\n`),
    step: ({ host, command, output }) => {
      const end = output === '' || output.endsWith('\n') ? '' : '\n'
      out.write(`${paint(2, `[root@${host} ~]#`)}${command}\n${output}${end}`)
    },
    figure: (name, values) => {
      const list = Object.entries(values).map(([what, value]) => `${what} ${value}`)
      out.write(`${paint(36, '·')} ${name}: ${list.join(', ')}\n`)
    },
    check: ({ what, ok, expected, found }) => {
      out.write(`${ok ? paint(32, '✔') : paint(31, '✘')} ${what}\n`)
      if (expected !== undefined) out.write(`   expected: ${indent(expected)}\n`)
      if (found !== undefined) out.write(`   found:    ${indent(found)}\n`)
    },
  }
}

/** Says nothing but the progress: the result is printed as JSON at the end. */
export const quietReporter = (err: NodeJS.WriteStream = process.stderr): Reporter => ({
  progress: (line) => err.write(`${line}\n`),
  heading: () => {},
  step: () => {},
  check: () => {},
  figure: () => {},
})
