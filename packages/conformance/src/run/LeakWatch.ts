/** Looks for secrets of users in everything that a server sends during a scenario. */
import { createHash } from "node:crypto"
import type { Account } from "../accounts/Accounts.ts"
import { isArray, isObject, type Json, parse } from "../Json.ts"
import type { Variables } from "../match/Variables.ts"

export interface Leak {
  readonly actor: string
  /** The kind of secret and its place, without the secret itself. */
  readonly reason: string
  /** The message. */
  readonly text: string
}

/** Names of fields whose value no response or push may have. */
const secretName = /^(pass(word|wd|code)?|pwd|salt|secret|[a-z]+_?hash)$/i

/** The shortest value, in characters, that is looked for; shorter ones occur by accident. */
const shortest = 6

/** The path of the first field that is named like a secret and is not empty. */
const namedIn = (value: Json, path = ""): string | undefined => {
  if (isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = namedIn(item, `${path}[${index}]`)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isObject(value)) return undefined
  for (const [name, item] of Object.entries(value)) {
    const here = path === "" ? name : `${path}.${name}`
    if (secretName.test(name) && (typeof item === "string" || typeof item === "number") && item !== "") return here
    const found = namedIn(item, here)
    if (found !== undefined) return found
  }
  return undefined
}

/** Whether a value occurs in a text other than as a part of a longer word. */
const occurs = (value: string, text: string): boolean => {
  for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1)) {
    const around = text.charAt(at - 1) + text.charAt(at + value.length)
    if (!/[A-Za-z0-9]/.test(around)) return true
  }
  return false
}

const hashes = ["md5", "sha1", "sha256", "sha512"] as const

/** A password and its unsalted hashes, each with its name. */
const formsOf = (password: string): ReadonlyArray<readonly [value: string, name: string]> => [
  [password, "password"],
  ...hashes.map((name) => [createHash(name).update(password).digest("hex"), `${name} of a password`] as const)
]

const jsonIn = (text: string): Json | undefined => parse(text.slice(text.indexOf("\n\n") + 1).trim()) ?? parse(text)

/** Keys of apps in a scenario that only the server and the app have: of signatures and envelopes. */
const keysIn = (template: Json): ReadonlyArray<readonly [value: string, name: string]> => {
  if (isArray(template)) return template.flatMap(keysIn)
  if (!isObject(template)) return []
  const signed = template["$hmacSha1"]
  const master = isArray(signed) && typeof signed[0] === "string" ? [[signed[0], "master key of an app"] as const] : []
  const key = "$seal" in template || "$opened" in template ? template["key"] : undefined
  const own = typeof key === "string" && !key.startsWith("$") ? [[key, "key of an app"] as const] : []
  return [...master, ...own, ...Object.values(template).flatMap(keysIn)]
}

const isReply = (text: string): boolean => /"result"\s*:/.test(text) || text.startsWith("HTTP ")

/** At most this many characters of a message are searched. */
const MAX_SEARCHED = 65_536

export class LeakWatch {
  leak: Leak | undefined
  /** Whether the server sent anything. */
  hasSeen = false
  private readonly passwords: ReadonlyMap<string, string>
  private readonly accountOf: (actor: string) => string
  private readonly scope: Variables
  /** The last message of each actor. */
  private readonly sent = new Map<string, string>()

  /** `roles` are the accounts of the actors by name; `scope` has their tokens; `steps` may have keys of apps. */
  constructor(
    accounts: { readonly [role: string]: Account },
    roles: { readonly [name: string]: string },
    scope: Variables,
    steps: Json = []
  ) {
    const known = Object.values(accounts).flatMap(({ password }) =>
      password === undefined || password.length < shortest ? [] : formsOf(password)
    )
    this.passwords = new Map([...known, ...keysIn(steps).filter(([value]) => value.length >= shortest)])
    this.accountOf = (actor) => accounts[roles[actor] ?? actor]?.account ?? actor
    this.scope = scope
  }

  /** Takes a message of an actor, or for an actor. A response may repeat its request. */
  note(actor: string, direction: "sent" | "came", text: string): void {
    if (direction === "sent") this.sent.set(actor, text)
    else {
      this.hasSeen = true
      this.leak ??= this.leakIn(actor, text.slice(0, MAX_SEARCHED))
    }
  }

  private leakIn(actor: string, text: string): Leak | undefined {
    const own = isReply(text) ? (this.sent.get(actor) ?? "") : ""
    const named = namedIn(jsonIn(text) ?? null)
    if (named !== undefined) return { actor, text, reason: `${named} is named like a secret and has a value` }
    for (const [value, name] of this.passwords)
      if (occurs(value, text) && !own.includes(value)) return { actor, text, reason: `it has the ${name}` }
    for (const [name, value] of this.scope) {
      const [holder = "", kind] = name.split(".")
      if ((kind !== "sid" && kind !== "token") || typeof value !== "string" || value.length < shortest) continue
      if (this.accountOf(holder) === this.accountOf(actor) || !occurs(value, text) || own.includes(value)) continue
      return { actor, text, reason: `it has the ${kind} of ${holder}` }
    }
    return undefined
  }
}
