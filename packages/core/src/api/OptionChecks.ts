/** Checks of the options of `createEngine`; adapters add their own. */
import * as Layer from "effect/Layer"
import { originsProblem } from "../ports/Origins.ts"
import { callback, check, type Check, either, fields, milliseconds, oneOf, optional, seconds } from "./Check.ts"
import type { EngineParts } from "./Runtime.ts"

/** A layer. A function that returns one is a common mistake; a text may be a URL with a password. */
const layer = (accepted: string): Check =>
  check(accepted, Layer.isLayer, {
    hint: (value) => (typeof value === "function" ? "call it" : undefined),
    isSecret: true
  })

const DIRECTORY: Check = fields("an object with find and findByAccount", {
  find: callback,
  findByAccount: callback,
  list: optional(callback),
  change: optional(callback),
  ttl: optional(seconds),
  timeout: optional(milliseconds)
})

const HOOKS: Check = fields("an object with before or after", {
  before: optional(callback),
  after: optional(callback),
  timeout: optional(milliseconds)
})

const origins: Check = (value) => {
  const words = originsProblem(value)
  return words === undefined ? undefined : { at: "", words }
}

const isSignal = (value: unknown): boolean =>
  typeof value === "object" && value !== null && typeof Reflect.get(value, "addEventListener") === "function"

/** Checks of the options of `createEngine`, by name. */
export const engineOptionChecks: { readonly [K in keyof EngineParts | "settings" | "signal"]-?: Check } = {
  store: layer('the layer of a store, such as MemoryStore.layer or SqliteStore.layer({ file: "chat.db" })'),
  blobs: optional(layer("the layer of a file storage, such as MemoryBlobs.layer")),
  passwords: optional(layer("the layer of a password hash, such as WebPasswords.layer")),
  directory: optional(DIRECTORY),
  authenticate: optional(callback),
  verifyPassword: optional(callback),
  origins,
  nodes: optional(layer("a layer of Bus and Nodes, which the engines on the store share")),
  bus: optional(layer('the layer of a bus, such as NatsBus.layer({ url: "nats://127.0.0.1:4222" })')),
  visibility: optional(either('"all", "organisation" or a function', oneOf("all", "organisation"), callback)),
  hooks: optional(HOOKS),
  log: optional(callback),
  // Its names and values are checked with the settings that protocols declare.
  settings: optional(check("an object with settings", (value) => typeof value === "object" && value !== null)),
  signal: optional(check("an AbortSignal", isSignal))
}
