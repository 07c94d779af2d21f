import { defaultPrefix, instances } from '../../lab/index.js'

/** Lines that tell how to use a lab that is up, and how to remove it. */
export function howToEnter(lab: string, prefix: string): string[] {
  const record = instances().find((one) => one.prefix === prefix)
  const option = prefix === defaultPrefix(lab) ? '' : ` --prefix ${prefix}`
  const hosts = record?.namespaces.map(({ host }) => host) ?? []
  return [
    `The lab ${lab} is up: ${hosts.join(', ')}`,
    `  a shell on a host:   sluice lab enter${option} ${lab} lvs`,
    `  one command on it:   sluice lab enter${option} ${lab} lvs ipvsadm -Ln`,
    `  remove the lab:      sluice lab down${option} ${lab}`,
  ]
}
