import { existsSync, readdirSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'

/** More paths than these nobody means. */
const MOST = 1000

/** The files that a pattern of glob(7) with braces stands for, sorted; it is relative to a folder. */
export function globFiles(pattern: string, folder: string): string[] {
  return braces(pattern)
    .slice(0, MOST)
    .flatMap((one) => expand(isAbsolute(one) ? one : resolve(folder, one)))
}

function expand(path: string): string[] {
  let found = ['/']
  for (const step of path.split('/').filter((part) => part !== '')) {
    if (!/[*?[]/.test(step)) found = found.map((folder) => join(folder, step))
    else {
      const fits = pattern(step)
      found = found.flatMap((folder) =>
        names(folder)
          .filter((name) => fits.test(name) && (step.startsWith('.') || !name.startsWith('.')))
          .sort()
          .map((name) => join(folder, name)),
      )
    }
  }
  return found.filter((one) => existsSync(one))
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function pattern(step: string): RegExp {
  const source = step.replace(/\[[!^]?\]?[^\]]*\]|[*?]|[^*?[]+|\[/g, (part) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    if (part.startsWith('[') && part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\')
    return part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  })
  try {
    return new RegExp(`^${source}$`, 's')
  } catch {
    // a range the wrong way round fits nothing
    return /(?!)/
  }
}

/** `{foo/{,cat},bar}` as all that it stands for. */
function braces(text: string): string[] {
  const start = text.indexOf('{')
  if (start < 0) return [text]
  let depth = 0
  const parts: string[] = []
  let from = start + 1
  for (let i = start; i < text.length; i += 1) {
    const char = text[i]
    if (char === '{') depth += 1
    if ((char === ',' && depth === 1) || (char === '}' && depth === 1)) {
      parts.push(text.slice(from, i))
      from = i + 1
    }
    if (char === '}') depth -= 1
    if (char === '}' && depth === 0) {
      const tails = braces(text.slice(i + 1))
      return parts
        .flatMap((part) => braces(part))
        .flatMap((part) => tails.map((tail) => text.slice(0, start) + part + tail))
        .slice(0, MOST)
    }
  }
  return [text]
}
