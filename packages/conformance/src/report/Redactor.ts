/**
 * What a report must never show. Passwords, their hashes and the keys of apps are known from the start; what a server
 * hands out under the name of a token is learned when it comes by. Each has a label of its own, so that a reader still
 * sees which is which: `<alice.password>`, `<sid 2>`.
 */
import { createHash } from "node:crypto"
import { isArray, isObject, type Json } from "../Json.ts"

/** Fields, query parameters, cookies and headers whose value is a secret. `SessionId` is a chat in two protocols. */
const names = [
  "sid",
  "sessionID",
  "token",
  "access_token",
  "accessToken",
  "refreshToken",
  "password",
  "passwd",
  "secret"
]
const headers = ["authorization", "cookie", "set-cookie", "x-ha-session", "x-app-session", "x-ha-key", "x-app-key"]

const inJson = new RegExp(
  String.raw`(\\*"(${[...names, ...headers].join("|")})\\*"\s*:\s*\\*")((?:Bearer )?)([^"\\]+)`,
  "gi"
)
const inJsonBare = new RegExp(String.raw`(\\*"(${names.join("|")})\\*"\s*:\s*)(-?[0-9][0-9.e+-]*)`, "gi")
const inQuery = new RegExp(String.raw`((?:[?&; ]|^)(${names.join("|")})=)([^"&;\s\\'<]+)`, "gi")
const inHeader = new RegExp(String.raw`((?:^|[\s'"])(${headers.join("|")}):\s*)((?:Bearer )?)([^\s'"\\]+)`, "gim")

/** A word of the scenario files, which is no value: `$filled`. */
const isWord = (value: string): boolean => /^\$[a-zA-Z]+$/.test(value)
/** Case matters for one name only: `sessionID` is a secret, `sessionId` a chat. */
const isChat = (name: string): boolean => name.toLowerCase() === "sessionid" && name !== "sessionID"

/** Values shorter than this stand for themselves too often to be replaced wherever they occur. */
const shortest = 4
/** From this length a value is known by its beginning, so that one that was cut is found too. */
const long = 16
const beginning = 12
/** A server that floods with tokens teaches no more than these. */
const most = 300

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`)

const expressionOf = (value: string): string => {
  if (value.length >= long) return `${escaped(value.slice(0, beginning))}[^\\s"'\\\\&<>,;]*`
  if (value.length >= 8) return escaped(value)
  return `(?<![A-Za-z0-9])${escaped(value)}(?![A-Za-z0-9])`
}

export class Redactor {
  private readonly known = new Map<string, string>()
  private readonly counts = new Map<string, number>()
  private expression: RegExp | undefined
  private readonly parent: Redactor | undefined

  /** Knows what `parent` knows, and keeps to itself what it learns. */
  constructor(parent?: Redactor) {
    this.parent = parent
  }

  /** Hides `value` wherever it occurs, as it is and as it stands in a URL; a number is too much like any other. */
  add(value: Json | undefined, label: string): void {
    if (typeof value !== "string" || value.length < shortest || isWord(value) || this.label(value) !== undefined) return
    if (this.known.size >= most) return
    this.known.set(value, `<${label}>`)
    const forms = [encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]
    for (const form of forms) if (form !== value) this.known.set(form, `<${label}>`)
    this.expression = undefined
  }

  /** Gives a secret its label, also one that was learned under another. */
  name(value: Json | undefined, label: string): void {
    if (typeof value === "string" && this.known.has(value)) this.known.set(value, `<${label}>`)
    else this.add(value, label)
  }

  /** The password of a role, and the MD5 that some protocols send in its place. Roles that share one share its label. */
  addPassword(password: string, role: string): void {
    const md5 = createHash("md5").update(password).digest("hex")
    const kinds = [
      [password, "password"],
      [md5, "password md5"]
    ] as const
    for (const [value, kind] of kinds) {
      const label = `<${role}.${kind}>`
      if (this.known.has(value) && this.known.get(value) !== label) this.known.set(value, `<${kind}>`)
      else this.add(value, `${role}.${kind}`)
    }
  }

  /** The keys that scenario data name: of signatures, of envelopes, and in headers. */
  addKeys(template: Json): void {
    if (isArray(template)) return template.forEach((item) => this.addKeys(item))
    if (!isObject(template)) return
    const signed = template["$hmacSha1"]
    if (isArray(signed)) this.add(signed[0], "master key")
    if ("$seal" in template || "$opened" in template) this.add(template["key"], "key")
    for (const [name, value] of Object.entries(template)) {
      if (/^x-(ha|app)-key$/i.test(name)) this.add(value, "app key")
      this.addKeys(value)
    }
  }

  /** Remembers what a text hands out under the name of a secret. */
  learn(text: string): void {
    const seen = text.slice(0, 65_536)
    for (const [, , name = "", , value = ""] of seen.matchAll(inJson)) this.learnOne(name, value)
    for (const [, , name = "", value = ""] of seen.matchAll(inQuery)) this.learnOne(name, value)
  }

  /** The text without its secrets. */
  hide(text: string): string {
    const expression = this.compiled()
    const known = expression === undefined ? text : text.replace(expression, (found) => this.labelOf(found))
    const shown = (value: string) => value.startsWith("<") || isWord(value)
    return known
      .replace(inJson, (all: string, start: string, name: string, scheme: string, value: string) =>
        shown(value) || isChat(name) ? all : `${start}${scheme}<${name}>`
      )
      .replace(inJsonBare, (_, start: string, name: string) => `${start}"<${name}>"`)
      .replace(inQuery, (all: string, start: string, name: string, value: string) =>
        shown(value) || isChat(name) ? all : `${start}<${name}>`
      )
      .replace(inHeader, (all: string, start: string, name: string, scheme: string, value: string) =>
        shown(value) ? all : `${start}${scheme}<${name}>`
      )
  }

  private learnOne(name: string, value: string): void {
    if (isChat(name) || value.length < shortest || value.startsWith("<") || this.label(value) !== undefined) return
    const count = (this.counts.get(name) ?? 0) + 1
    this.counts.set(name, count)
    this.add(value, `${name} ${count}`)
  }

  private label(value: string): string | undefined {
    return this.known.get(value) ?? this.parent?.label(value)
  }

  private entries(): ReadonlyArray<readonly [string, string]> {
    return [...this.known, ...(this.parent?.entries() ?? [])]
  }

  private labelOf(found: string): string {
    const whole = this.label(found)
    if (whole !== undefined) return whole
    const cut = found.replace(/…$/, "")
    const near = this.entries().find(([value]) => value.startsWith(cut) || found.startsWith(value))
    return near?.[1] ?? "<secret>"
  }

  private compiled(): RegExp | undefined {
    if (this.expression !== undefined) return this.expression
    const values = this.entries().map(([value]) => value)
    if (values.length === 0) return undefined
    // The longest first: one secret may begin with another.
    const longestFirst = values.toSorted((a, b) => b.length - a.length)
    this.expression = new RegExp(longestFirst.map(expressionOf).join("|"), "g")
    return this.expression
  }
}
