/**
 * Secrets that reports must not show. Passwords, their hashes and app keys are known from the start; tokens are learned
 * from the server's messages. Each has a label, so that a reader can tell them apart: `<alice.password>`, `<sid 2>`.
 */
import { createHash } from "node:crypto"
import { isArray, isObject, type Json } from "../Json.ts"

/** Fields, query parameters, cookies and headers whose value is a secret. `SessionId` names a chat in two protocols. */
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

/** A matcher of the scenario files, not a value: `$filled`. */
const isWord = (value: string): boolean => /^\$[a-zA-Z]+$/.test(value)
/** Compares without regard to case, except that `sessionID` is a secret and `sessionId` a chat. */
const isChat = (name: string): boolean => name.toLowerCase() === "sessionid" && name !== "sessionID"

/** The shortest value, in characters, that is replaced wherever it occurs; shorter ones occur by accident. */
const shortest = 4
/** The length of the prefix by which a truncated value is recognized. */
const long = 16
const beginning = 12
/** The largest number of learned secrets. */
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

  /** Inherits the secrets of `parent` and does not add learned ones to it. */
  constructor(parent?: Redactor) {
    this.parent = parent
  }

  /** Hides `value` wherever it occurs, plain and URL-encoded. Numbers are not hidden. */
  add(value: Json | undefined, label: string): void {
    if (typeof value !== "string" || value.length < shortest || isWord(value) || this.label(value) !== undefined) return
    if (this.known.size >= most) return
    this.known.set(value, `<${label}>`)
    const forms = [encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]
    for (const form of forms) if (form !== value) this.known.set(form, `<${label}>`)
    this.expression = undefined
  }

  /** Sets the label of a secret, replacing an earlier label. */
  name(value: Json | undefined, label: string): void {
    if (typeof value === "string" && this.known.has(value)) this.known.set(value, `<${label}>`)
    else this.add(value, label)
  }

  /**
   * Adds the password of a role and its MD5, which some protocols send. Roles with the same password share its label.
   */
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

  /** Adds the keys in scenario data: of signatures, envelopes and headers. */
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

  /** Learns the values that a text has under the names of secrets. */
  learn(text: string): void {
    const seen = text.slice(0, 65_536)
    for (const [, , name = "", , value = ""] of seen.matchAll(inJson)) this.learnOne(name, value)
    for (const [, , name = "", value = ""] of seen.matchAll(inQuery)) this.learnOne(name, value)
  }

  /** The text with secrets replaced by their labels. */
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
    // Longest first, because one secret may be a prefix of another.
    const longestFirst = values.toSorted((a, b) => b.length - a.length)
    this.expression = new RegExp(longestFirst.map(expressionOf).join("|"), "g")
    return this.expression
  }
}
