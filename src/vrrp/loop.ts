import { type Fd, poll } from '../kernel/index.js'
import type { VirtualRouter } from './router.js'

/** Milliseconds of the clock that deadlines are of: it does not jump when somebody sets the time. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

/**
 * Drives virtual routers on this thread, which does nothing else: nobody's callback stands between an advert's time and
 * its sending.
 * @param interrupts descriptors that end the wait when they can be read
 * @param interrupted is then called; true ends the loop
 */
export function driveRouters(
  routers: () => readonly VirtualRouter[],
  interrupts: readonly Fd[],
  interrupted: (now: number, ready: ReadonlySet<Fd>) => boolean,
): void {
  for (;;) {
    const all = routers()
    const deadlines = all.map(({ deadline }) => deadline).filter((time) => time !== undefined)
    const wait = deadlines.length === 0 ? undefined : Math.min(...deadlines) - monotonicMs()
    const ready = new Set(poll([...interrupts, ...all.map(({ socket }) => socket)], wait))
    const now = monotonicMs()
    // what was heard in time counts, also when this thread was late to hear it: adverts before deadlines
    for (const router of all) if (ready.has(router.socket)) router.receive(now)
    for (const router of all) if (router.deadline !== undefined && router.deadline <= now) router.expire(now)
    if (interrupts.some((each) => ready.has(each)) && interrupted(now, ready)) return
  }
}
