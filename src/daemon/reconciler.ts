import type { OnEdit } from '../config/index.js'
import type { Director } from '../ipvs/index.js'
import { editWords } from './describe.js'
import { asDesired, type DesiredService, serviceId } from './desired.js'
import { type Edit, makeEdit, serviceEdits } from './edits.js'
import type { Tell } from './events.js'
import { mergeService } from './merge.js'
import { type DaemonState, type Drain, readState, writeState } from './state.js'

/** How one service should stand, and what becomes of others' edits of it. */
export interface Wanted {
  readonly name: string
  readonly desired: DesiredService
  readonly onEdit: OnEdit
  /** Its plan is another one than before: what somebody deleted comes back. */
  readonly renewed: boolean
}

/**
 * Makes services of the table what they should be, and no others. What it has made is written down, so that after a
 * restart, however the daemon ended, its own work is told from others'.
 */
export class Reconciler {
  #applied: Map<string, DesiredService>
  #drains: readonly Drain[]
  /** Services whose edits were cut off: what is found of them is nobody's word. */
  #unfinished: ReadonlySet<string>
  /** What was reported of others' edits, by service. */
  readonly #reported = new Map<string, string>()

  constructor(
    readonly director: Director,
    readonly path: string,
    readonly tell: Tell,
  ) {
    const state = readState(path)
    // a table without services is a new one, or as good as new: nobody edited it, and everything is made
    this.#applied = director.services().length === 0 ? new Map() : new Map(state.services)
    this.#drains = state.drains
    this.#unfinished = new Set(state.editing)
  }

  /** The services that are the daemon's own, as it last made them. */
  get applied(): ReadonlyMap<string, DesiredService> {
    return this.#applied
  }

  get drains(): readonly Drain[] {
    return this.#drains
  }

  /** Written down before anything is done about them. */
  setDrains(drains: readonly Drain[]): void {
    this.#drains = drains
    this.#save()
  }

  /** The service as it stands in the table. */
  actual({ key }: { readonly key: DesiredService['key'] }): DesiredService | undefined {
    const found = this.director.service(key)
    return found && asDesired(found)
  }

  /**
   * Removes the services of earlier configurations that are not among these, and makes these what they should be. Where a
   * service has the key of another one before it, it takes that one's place.
   * @throws IpvsError, SluiceError for what the table refuses; what was made until then stays, and is written down
   */
  reconcile(wanted: readonly Wanted[], all: boolean): void {
    const tasks: (readonly [name: string, edits: readonly Edit[], after: DesiredService | undefined])[] = []
    if (all) {
      const names = new Set(wanted.map(({ name }) => name))
      const keys = new Set(wanted.map(({ desired }) => serviceId(desired.key)))
      for (const [name, service] of this.#applied) {
        const moved = wanted.find(
          (each) => each.name === name && serviceId(each.desired.key) !== serviceId(service.key),
        )
        if (names.has(name) && !moved) continue
        const gone = keys.has(serviceId(service.key)) ? undefined : this.actual(service)
        tasks.push([name, serviceEdits(gone, undefined), undefined])
      }
    }
    for (const each of wanted) tasks.push([each.name, this.#edits(each), each.desired])
    const busy = tasks.filter(([name, edits, after]) => edits.length > 0 || !same(this.#applied.get(name), after))
    if (busy.length === 0) return
    // what is only written down needs no mark
    const editing = busy.filter(([, edits]) => edits.length > 0).map(([name]) => name)
    if (editing.length > 0) this.#save(editing)
    const work = () => {
      for (const [name, edits, after] of busy) {
        for (const edit of edits) {
          makeEdit(this.director, edit)
          this.tell({ type: 'edit', service: name, edit: editWords(edit) })
        }
        if (after) this.#applied.set(name, after)
        else this.#applied.delete(name)
      }
    }
    try {
      // thousands of servers that come at once do not wait for each other's turn
      if (busy.reduce((sum, [, edits]) => sum + edits.length, 0) > 1) this.director.batch(work)
      else work()
      this.#unfinished = new Set()
    } finally {
      this.#save()
    }
  }

  #edits({ name, desired, onEdit, renewed }: Wanted): Edit[] {
    const actual = this.actual(desired)
    const before = this.#applied.get(name)
    const applied = before && serviceId(before.key) === serviceId(desired.key) ? before : undefined
    if (!applied || this.#unfinished.has(name)) return serviceEdits(actual, desired)
    const foreign = serviceEdits(applied, actual)
    this.#report(name, foreign, onEdit)
    if (onEdit === 'repair' || foreign.length === 0) return serviceEdits(actual, desired)
    if (!actual) return renewed ? serviceEdits(actual, desired) : []
    return serviceEdits(actual, mergeService(applied, actual, desired))
  }

  /** Once for each edit, not at every look. */
  #report(service: string, foreign: readonly Edit[], onEdit: OnEdit): void {
    const words = foreign.map(editWords)
    const text = words.join('\n')
    if ((this.#reported.get(service) ?? '') === text) return
    const known = new Set((this.#reported.get(service) ?? '').split('\n'))
    this.#reported.set(service, onEdit === 'repair' ? '' : text)
    const answer = onEdit === 'repair' ? 'repaired' : 'kept'
    for (const edit of words) if (!known.has(edit)) this.tell({ type: 'foreign-edit', service, edit, answer })
  }

  #save(editing: readonly string[] = []): void {
    const state: DaemonState = { services: this.#applied, drains: this.#drains, editing }
    writeState(this.path, state)
  }

  /** Removes all services that are the daemon's own. */
  removeAll(): void {
    this.reconcile([], true)
  }
}

const same = (a: DesiredService | undefined, b: DesiredService | undefined): boolean =>
  a === b ||
  (a !== undefined && b !== undefined && serviceEdits(a, b).length === 0 && serviceId(a.key) === serviceId(b.key))
