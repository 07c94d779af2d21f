// A virtual router in a process of its own: options as JSON, events as lines of JSON; it stops in order when its input ends.
import { writeSync } from 'node:fs'
import { driveRouters, monotonicMs, VirtualRouter } from '../../dist/vrrp/index.js'

const options = JSON.parse(process.argv[2])
const router = new VirtualRouter(options, (event) => writeSync(1, `${JSON.stringify(event)}\n`))
router.start(monotonicMs())
driveRouters(
  () => [router],
  [0],
  (now) => {
    const order = Buffer.alloc(16)
    const { readSync } = process.getBuiltinModule('node:fs')
    const size = readSync(0, order)
    if (size > 0) router.setPriority(Number(order.toString('utf8', 0, size)), now)
    return size === 0
  },
)
router.close(monotonicMs())
writeSync(1, `${JSON.stringify({ type: 'statistics', ...router.statistics })}\n`)
