import type { Connection } from '../../ipvs/types.js'
import { left } from './columns.js'
import type { EndpointText } from './names.js'

/**
 * `ipvsadm -L -c`
 * @param engines `--persistent-conn`: the columns of persistence engines
 */
export function connectionsText(connections: readonly Connection[], engines: boolean, endpoint: EndpointText): string {
  const title = ['pro', 'expire', left('state', 11), left('source', 18), left('virtual', 18)]
  const last = engines ? [left('destination', 18), left('pe name', 16), 'pe_data'] : ['destination']
  const lines = connections.map(({ protocol, expires, state, client, virtual, server, engine }) => {
    const named = protocol === 'ip' ? undefined : protocol
    const [source, service, destination] = [client, virtual, server].map(({ address, port }) =>
      endpoint(address, port, named),
    )
    return [
      left(protocol.toUpperCase(), 3),
      left(minutes(expires), 6),
      left(state, 11),
      left(source ?? '', 18),
      left(service ?? '', 18),
      ...(engines && engine ? [left(destination ?? '', 18), left(engine.name, 18), engine.data] : [destination]),
    ].join(' ')
  })
  return `${['IPVS connection entries', [...title, ...last].join(' '), ...lines].join('\n')}\n`
}

const minutes = (seconds: number) =>
  [Math.floor(seconds / 60), seconds % 60].map((part) => String(part).padStart(2, '0')).join(':')
