import { readFileSync, writeFileSync } from 'node:fs'
import { KernelError } from './syscall.js'

/**
 * The file of a kernel parameter. As in sysctl(8), a dot in a device's name is written as a slash
 * (`net.ipv4.conf.eth0/100.forwarding`), and where a slash comes first, slashes separate and dots stand for themselves.
 */
function path(name: string): string {
  const slash = name.indexOf('/')
  const dot = name.indexOf('.')
  if (slash >= 0 && (dot < 0 || slash < dot)) return `/proc/sys/${name}`
  return `/proc/sys/${name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'))}`
}

/**
 * A kernel parameter, such as `net.ipv4.ip_forward`; those of `net` are this network namespace's.
 * @throws KernelError ENOENT, EACCES
 */
export function readSysctl(name: string): string {
  try {
    return readFileSync(path(name), 'utf8').trim()
  } catch (error) {
    throw KernelError.from(`reading sysctl ${name}`, error)
  }
}

/** @throws KernelError ENOENT, EACCES, EROFS, EINVAL */
export function writeSysctl(name: string, value: string): void {
  try {
    // never creates: /proc/sys has what it has
    writeFileSync(path(name), value, { flag: 'r+' })
  } catch (error) {
    throw KernelError.from(`setting sysctl ${name} to ${value}`, error)
  }
}
