import {
  type Check,
  dnsCheck,
  grpcCheck,
  type Health,
  type HealthReport,
  httpCheck,
  Monitor,
  pingCheck,
  redisCheck,
  scriptCheck,
  smtpCheck,
  tcpCheck,
  udpCheck,
} from '../checks/index.js'
import type { CheckPlan, CheckQuestion } from '../config/index.js'

/** One check that runs, for all who ask the same thing of the same place. */
export interface CheckReport extends HealthReport {
  readonly name: string
  readonly kind: CheckQuestion['kind']
  readonly target: CheckPlan['target']
}

/** Health of what several checks look at: up when all are, down when one is. */
export interface Verdict {
  readonly health: Health
  readonly weight: number | undefined
  readonly since: number
}

/** Runs checks, each once however many servers it is for. */
export class Checker {
  readonly #monitors = new Map<string, Monitor>()

  /** @param changed is called with a check's {@link identity} when its health changes, and when a script's weight does */
  constructor(readonly changed: (id: string) => void) {}

  /** These checks run from now on, and no others: those that ran go on. */
  keep(plans: readonly CheckPlan[]): void {
    const wanted = new Map(plans.map((plan) => [identity(plan), plan]))
    for (const [id, monitor] of this.#monitors)
      if (!wanted.has(id)) {
        monitor.stop()
        this.#monitors.delete(id)
      }
    for (const [id, plan] of wanted)
      if (!this.#monitors.has(id))
        this.#monitors.set(id, new Monitor(plan.target, checkOf(plan.question), plan.rhythm, () => this.changed(id)))
  }

  get size(): number {
    return this.#monitors.size
  }

  report(plan: CheckPlan): CheckReport {
    const report = this.#monitors.get(identity(plan))?.report ?? {
      health: 'unknown',
      outcome: undefined,
      since: Date.now(),
    }
    return { ...report, name: plan.name, kind: plan.question.kind, target: plan.target }
  }

  /** What the checks of a server say together; without checks it is up. */
  verdict(plans: readonly CheckPlan[]): Verdict {
    const reports = plans.map((plan) => this.report(plan))
    const health = reports.some((report) => report.health === 'down')
      ? 'down'
      : reports.some((report) => report.health === 'unknown')
        ? 'unknown'
        : 'up'
    return {
      health,
      weight: reports.map(({ outcome }) => outcome?.weight).findLast((weight) => weight !== undefined),
      since: Math.max(0, ...reports.map(({ since }) => since)),
    }
  }

  stop(): void {
    this.keep([])
  }
}

/** Of plans that were asked for: they are looked up at every look at every server. */
const identities = new WeakMap<CheckPlan, string>()

/** The same for checks that ask the same thing of the same place as often. */
export function identity(plan: CheckPlan): string {
  const known = identities.get(plan)
  if (known !== undefined) return known
  const { question, rhythm, target } = plan
  const text = JSON.stringify([question, rhythm, target], (_, value) =>
    value instanceof RegExp ? String(value) : value,
  )
  identities.set(plan, text)
  return text
}

function checkOf(question: CheckQuestion): Check {
  switch (question.kind) {
    case 'tcp':
      return tcpCheck
    case 'ping':
      return pingCheck
    case 'http':
      return httpCheck(question)
    case 'grpc':
      return grpcCheck(question)
    case 'dns':
      return dnsCheck(question)
    case 'smtp':
      return smtpCheck(question)
    case 'udp':
      return udpCheck(question)
    case 'script':
      return scriptCheck(question)
    case 'redis':
      return redisCheck(question)
  }
}
