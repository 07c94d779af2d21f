import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stringify } from 'yaml'
import type * as z from 'zod'
import { ConfigError, parseConfig, problemLine } from './index.js'
import { pathText } from './problems.js'
import { configSchema } from './schema/index.js'

/** A field of the schema: its path, and what has to stand beside it so that it is looked at. */
interface Field {
  readonly path: readonly (string | number)[]
  readonly beside: readonly (readonly [path: readonly (string | number)[], value: unknown])[]
}

/** Every field that an object of the schema has, however deep; names are `x`, entries of lists the first. */
function* fields(schema: z.core.$ZodType, at: Field): Generator<Field> {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'optional') yield* fields(def.innerType, at)
  else if (def.type === 'pipe') yield* fields(def.in, at)
  else if (def.type === 'record') yield* fields(def.valueType, { ...at, path: [...at.path, 'x'] })
  else if (def.type === 'array') yield* fields(def.element, { ...at, path: [...at.path, 0] })
  else if (def.type === 'union') for (const option of def.options) yield* fields(option, at)
  else if (def.type === 'object') {
    const kind = (def.shape.kind as z.core.$ZodTypes | undefined)?._zod.def
    const word = kind?.type === 'literal' ? [[[...at.path, 'kind'], kind.values[0]] as const] : []
    for (const [key, inner] of Object.entries(def.shape)) {
      if (key === 'kind') continue
      const field = { path: [...at.path, key], beside: [...at.beside, ...word] }
      yield field
      yield* fields(inner, field)
    }
  }
}

/** A value that no field takes: a list of a list of a list. */
const WRONG = [[['wrong']]]

function put(root: Record<string, unknown>, path: Field['path'], value: unknown): void {
  let here: Record<string | number, unknown> = root
  for (const [i, step] of path.slice(0, -1).entries()) {
    here[step] ??= typeof path[i + 1] === 'number' ? [] : {}
    here = here[step] as Record<string | number, unknown>
  }
  here[path.at(-1) as string] = value
}

function textOf({ path, beside }: Field): string {
  const root = {}
  for (const [where, value] of beside) put(root, where, value)
  put(root, path, WRONG)
  return stringify(root)
}

function complaints(text: string): string[] {
  try {
    parseConfig(text, 'sluice.yaml')
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.problems.map(problemLine)
  }
}

describe('every field of the schema, wrong once, is told with its place and what to write', () => {
  const all = [...fields(configSchema, { path: [], beside: [] })]

  test('there are all of them', () => {
    assert.ok(all.length > 300, String(all.length))
    const named = new Set(all.map(({ path }) => pathText(path)))
    for (const one of [
      'sync.ttl',
      'services.x.servers[0].tunnel.checksum',
      'services.x.checks[0].helo',
      'vrrp.instances.x.track.scripts[0].weight',
    ])
      assert.ok(named.has(one), one)
  })

  for (const part of new Set(all.map(({ path }) => path[0])))
    test(String(part), () => {
      for (const field of all.filter(({ path }) => path[0] === part)) assertTold(field)
    })
})

function assertTold(field: Field): void {
  const text = textOf(field)
  const where = pathText(field.path)
  const key = String(field.path.findLast((step) => typeof step === 'string'))
  const said = complaints(text).filter((line) => line.includes(`: ${where}`))
  assert.ok(said.length > 0, `${text}\n${complaints(text).join('\n')}`)
  for (const line of said) {
    const [, number] = /^sluice\.yaml:(\d+):\d+: /.exec(line) ?? []
    const before = text.split('\n').slice(0, Number(number)).join('\n')
    assert.ok(before.includes(key), `line ${number} is not where ${key} stands:\n${text}`)
    assert.match(line, /; (?:write|name|leave|add|keys are) /)
  }
}
