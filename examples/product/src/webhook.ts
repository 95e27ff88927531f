/**
 * Posts each message to another service: signed, in order, and repeated until it is accepted. Messages wait in the
 * product's own database, so that a restart does not lose them.
 */
import { createHmac } from "node:crypto"
import { query } from "./database.ts"

const FIRST_WAIT = 500
const MAX_WAIT = 60_000
/** Milliseconds for a response. */
const TIMEOUT = 10_000

await query("CREATE TABLE IF NOT EXISTS webhook (id BIGINT PRIMARY KEY, body TEXT NOT NULL)")

/** `sha256=<HMAC of "time.body">`, with the time beside it: receivers refuse old times, and compare in constant time. */
const headersOf = (secret: string, id: string, body: string) => {
  const time = String(Date.now())
  const signature = createHmac("sha256", secret).update(`${time}.${body}`).digest("hex")
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-time": time,
    "webhook-signature": `sha256=${signature}`
  }
}

export const startWebhook = (url: string, secret: string) => {
  let wait = FIRST_WAIT
  let timer: NodeJS.Timeout | undefined
  let work = Promise.resolve()
  let stopped = false

  const post = async (id: string, body: string): Promise<void> => {
    const response = await fetch(url, {
      method: "POST",
      headers: headersOf(secret, id, body),
      body,
      signal: AbortSignal.timeout(TIMEOUT)
    })
    if (!response.ok) throw new Error(`${url} replied ${response.status}`)
  }
  const deliver = async (): Promise<void> => {
    clearTimeout(timer)
    try {
      for (;;) {
        const [next] = await query("SELECT id, body FROM webhook ORDER BY id LIMIT 1")
        if (next === undefined || stopped) return
        await post(String(next["id"]), String(next["body"]))
        await query("DELETE FROM webhook WHERE id = ?", Number(next["id"]))
        wait = FIRST_WAIT
      }
    } catch (error) {
      console.warn(`The webhook is repeated in ${wait} ms:`, error)
      timer = setTimeout(wake, wait)
      wait = Math.min(2 * wait, MAX_WAIT)
    }
  }
  /** One delivery at a time: messages arrive in order. */
  const wake = (): void => void (work = work.then(() => (stopped ? undefined : deliver())))
  wake()
  return {
    /** `id` is unique, and rises. */
    send: async (id: number, event: object): Promise<void> => {
      await query("INSERT INTO webhook VALUES (?, ?)", id, JSON.stringify(event))
      wake()
    },
    stop: async (): Promise<void> => {
      stopped = true
      clearTimeout(timer)
      await work
    }
  }
}
