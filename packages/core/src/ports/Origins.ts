/** Origins of browser pages, as in the option `origins`: valid ones, and whether a list has one. */
import { shown } from "../model/shown.ts"

/** Origins of pages, as browsers write them (`https://app.example`); `any` for every page on the web. */
export type Origins = ReadonlyArray<string> | "any"

/** Host of an `http` origin, as browsers write it: lower case, ASCII, IPv6 in brackets. */
const HOST = /^(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\])$/

/** A scheme and an authority, without user information, path, query and fragment. */
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/([^/?#@\s]*)$/

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 }

/** Whether a port is written as browsers do: in decimal, without leading zeros, and only if it is not the default one. */
const isPort = (port: string, scheme: string): boolean =>
  /^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65_535 && Number(port) !== DEFAULT_PORTS[scheme]

/** Whether a value is an origin as browsers write it: `https://app.example`, `http://localhost:5173`, `file://`. */
export const isOrigin = (value: unknown): value is string => {
  const [, scheme = "", authority = ""] = typeof value === "string" ? (ORIGIN.exec(value) ?? []) : []
  if (scheme === "") return false
  if (DEFAULT_PORTS[scheme] === undefined) return authority === authority.toLowerCase()
  const [, host = "", port] = /^(.*?)(?::([^:\]]*))?$/.exec(authority) ?? []
  return HOST.test(host) && (port === undefined || isPort(port, scheme))
}

/** Returns the origin of a URL or of a differently written origin; undefined if there is none. */
const originOf = (text: string): string | undefined => {
  const [, scheme = "", authority = ""] = /^\s*([a-z][a-z0-9+.-]*):\/\/([^/?#\s]*)/i.exec(text) ?? []
  const port = DEFAULT_PORTS[scheme.toLowerCase()]
  const lower = `${scheme}://${authority}`.toLowerCase()
  const origin = port === undefined || !lower.endsWith(`:${port}`) ? lower : lower.slice(0, -`:${port}`.length)
  return isOrigin(origin) ? origin : undefined
}

const ACCEPTED = 'must be a list of origins such as ["https://app.example"], or "any"'

/** Returns why a value cannot be the option `origins`, as words after its name; undefined if it can. */
export const originsProblem = (value: unknown): string | undefined => {
  if (value === undefined || value === "any") return undefined
  if (!Array.isArray(value)) {
    const origin = typeof value === "string" ? originOf(value) : undefined
    return `${ACCEPTED}, not ${shown(value)}${origin === undefined ? "" : `: write ["${origin}"]`}`
  }
  const index = value.findIndex((entry) => !isOrigin(entry))
  if (index < 0) return undefined
  const entry: unknown = value[index]
  if (entry === "*" || entry === "any") return `${ACCEPTED}, not ["${entry}"]: write "any" to allow every page`
  const origin = typeof entry === "string" ? originOf(entry) : undefined
  return `${ACCEPTED}, and has ${shown(entry)}${origin === undefined ? "" : `: write "${origin}"`}`
}

/** Whether pages of an origin are allowed. Entries are compared whole; a text other than `any` allows none. */
export const allowsOrigin = (origins: Origins | undefined, origin: string): boolean =>
  origins === "any" || (Array.isArray(origins) && origins.some((one) => one === origin))
