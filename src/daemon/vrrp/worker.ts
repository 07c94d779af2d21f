import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import { clearEvent, clearLinkEvents, linkEvents } from '../../kernel/index.js'
import { driveRouters, monotonicMs } from '../../vrrp/index.js'
import { Cluster } from './cluster.js'
import type { Footing, Order, Word } from './messages.js'

/**
 * The thread of the virtual routers. It waits for sockets and deadlines and for nothing else: however long the main thread
 * is busy, adverts go out in time.
 */
const { wake, port } = workerData as Footing & { port: import('node:worker_threads').MessagePort }
const cluster = new Cluster((word: Word) => port.postMessage(word))
const links = linkEvents()

function obey(order: Order, now: number): boolean {
  switch (order.order) {
    case 'apply':
      cluster.apply(order.plan, now)
      return false
    case 'tracked':
      cluster.track(order.kind, order.name, order.ok, now)
      return false
    case 'report':
      port.postMessage({ type: 'report', id: order.id, instances: cluster.report() } satisfies Word)
      return false
    case 'stop':
      return true
  }
}

driveRouters(
  () => {
    cluster.settle()
    return cluster.routers
  },
  [wake, links],
  (now, ready) => {
    if (ready.has(links)) {
      clearLinkEvents(links)
      cluster.linksChanged(now)
    }
    if (!ready.has(wake)) return false
    clearEvent(wake)
    for (let got = receiveMessageOnPort(port); got; got = receiveMessageOnPort(port))
      if (obey(got.message as Order, now)) return true
    return false
  },
)
cluster.close(monotonicMs())
port.close()
