/**
 * Loaded before a server (`node --import`): expires a session of the reference server, which otherwise takes a day without
 * use. The parent process names the token; the server handles the expiry itself.
 */
import { existsSync } from "node:fs"
import { registerHooks } from "node:module"

const core = new URL("../../../core/src/", import.meta.url).href

/** The tables of sessions, and the check of a session's expiry. */
const places = new Map([
  [
    `${core}auth/LiveSessions.ts`,
    [["new BoundedMap<string, LiveSession>(", "globalThis.parleySessions = new BoundedMap<string, LiveSession>("]]
  ],
  [
    `${core}delivery/LiveSession.ts`,
    [
      [
        "const ticks = monotonic(this.#clock)",
        "const ticks = globalThis.parleyExpired?.has(this.token) ? Infinity : monotonic(this.#clock)"
      ],
      [
        "const since = now - this.#recordedAt",
        "const since = globalThis.parleyExpired?.has(this.token) ? Infinity : now - this.#recordedAt"
      ]
    ]
  ]
])

for (const url of places.keys()) if (!existsSync(new URL(url))) throw new Error(`${url} is not there`)

const changed = (source: string, url: string): string =>
  (places.get(url) ?? []).reduce((text, [from = "", to = ""]) => {
    if (text.split(from).length !== 2) throw new Error(`${url} no longer has this once: ${from}`)
    return text.replace(from, to)
  }, source)

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    if (!places.has(url) || loaded.source === undefined || loaded.source === null) return loaded
    const source = typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source)
    return { ...loaded, source: changed(source, url) }
  }
})

const expired = new Set<string>()
Object.assign(globalThis, { parleyExpired: expired })

interface Asked {
  readonly expire: string
}

const isAsked = (message: unknown): message is Asked =>
  typeof message === "object" && message !== null && "expire" in message && typeof message.expire === "string"

interface Table {
  readonly has: (token: string) => boolean
}

const isTable = (found: unknown): found is Table =>
  typeof found === "object" && found !== null && "has" in found && typeof found.has === "function"

const isHeld = (token: string): boolean => {
  const found: unknown = Reflect.get(globalThis, "parleySessions")
  return isTable(found) && found.has(token)
}

process.on("message", (message) => {
  if (!isAsked(message)) return
  expired.add(message.expire)
  process.send?.({ expired: isHeld(message.expire) })
})
