/**
 * A form of spark that names 60,000 users one by one: `To[0]=a&To[1]=a…`, 0.7 MB. Prints its response and how long it took,
 * and how long `GET /healthz` of another client waits meanwhile.
 *
 *     npx pnpm exec node bench/attack/form.ts [checkout]
 *
 * `checkout` is the folder of another checkout of Parley, with its dependencies installed. Less than a minute. Loopback only.
 */
import { checkout, tokenOf } from "../src/Checkout.ts"

const NAMES = 60_000

const { serve, discard } = checkout(process.argv[2])
try {
  const { http } = await serve()
  const token = await tokenOf(http, "alice")
  const form = async (names: number): Promise<number> => {
    const response = await fetch(`${http}/session/start?token=${token}`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: Array.from({ length: names }, (_, n) => `To[${n}]=a`).join("&")
    })
    await response.arrayBuffer()
    return response.status
  }
  await form(1)
  let [worst, isOver] = [0, false]
  const other = (async () => {
    while (!isOver) {
      const start = performance.now()
      await (await fetch(`${http}/healthz`)).arrayBuffer()
      worst = Math.max(worst, performance.now() - start)
    }
  })()
  const start = performance.now()
  const status = await form(NAMES)
  const seconds = (performance.now() - start) / 1000
  isOver = true
  await other
  console.log(
    `a form of ${NAMES} names: ${status} after ${seconds.toFixed(2)} s; the longest wait of another client: ${worst.toFixed(0)} ms`
  )
} finally {
  discard()
}
