/**
 * Loaded before a server (`node --import`): lets a session of the good server be past its time, which else takes a day
 * without use. Its parent names the token; what the server makes of it is the server's own doing.
 */
import { registerHooks } from "node:module"

const sessions = new URL("../../../core/src/Sessions.ts", import.meta.url).href

/** Where the sessions in use are, which everything else there goes through. */
const place = "const live = new Map<string, LiveSession>()"

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    if (url !== sessions || loaded.source === undefined || loaded.source === null) return loaded
    const source = typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source)
    if (source.split(place).length !== 2) throw new Error(`Sessions.ts no longer has this once: ${place}`)
    return { ...loaded, source: source.replace(place, `${place}\n      globalThis.parleySessions = live`) }
  }
})

interface Asked {
  readonly expire: string
}

const isAsked = (message: unknown): message is Asked =>
  typeof message === "object" && message !== null && "expire" in message && typeof message.expire === "string"

const held = (): ReadonlyMap<string, { usedAt: number }> | undefined => {
  const found: unknown = Reflect.get(globalThis, "parleySessions")
  return found instanceof Map ? found : undefined
}

process.on("message", (message) => {
  if (!isAsked(message)) return
  const session = held()?.get(message.expire)
  if (session !== undefined) session.usedAt = 0
  process.send?.({ expired: session !== undefined })
})
