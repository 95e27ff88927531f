/** The address of raw TCP that the 1.0 client gets from `getconfig`. Source: PROTOCOLS, "Files over HTTP". */
import { DialectConfigError } from "@parley/core/Dialect"
import { text } from "@parley/core/Settings"
import * as Effect from "effect/Effect"

export const tcpAddressSetting = text(
  "xuanxuan.tcpAddress",
  "",
  "Address of raw TCP as the 1.0 client reaches it, `host` or `host:port`, announced by `getconfig`. Empty: the address listened on; of all addresses, the host of the request."
)

export interface TcpAddress {
  readonly host: string
  readonly port: number
}

/** Names and IPv4 addresses; the client reads no IPv6 address. */
const ADDRESS = /^(?<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?)(?::(?<port>[0-9]{1,5}))?$/

const ALL_ADDRESSES: ReadonlySet<string> = new Set(["0.0.0.0", "::", "[::]"])

const parse = (address: string): { readonly host: string; readonly port: number | undefined } | undefined => {
  const { host, port } = ADDRESS.exec(address)?.groups ?? {}
  if (host === undefined) return undefined
  if (port === undefined) return { host, port: undefined }
  return Number(port) >= 1 && Number(port) <= 65_535 ? { host, port: Number(port) } : undefined
}

/** Returns the address to announce, given the one listened on and the `Host` header of the request. */
export type AnnouncedAddress = (listened: TcpAddress | undefined, requestHost: string | undefined) => TcpAddress

/** Reads the setting; fails with a sentence if it is not an address. */
export const announcedAddress = (setting: unknown): Effect.Effect<AnnouncedAddress, DialectConfigError> => {
  const configured = typeof setting === "string" && setting !== "" ? parse(setting) : undefined
  if (setting !== undefined && setting !== "" && configured === undefined) {
    return Effect.fail(
      new DialectConfigError({
        message: `xuanxuan.tcpAddress must be a name or an IPv4 address, with or without a port: ${JSON.stringify(setting)}`
      })
    )
  }
  return Effect.succeed((listened, requestHost) => {
    if (configured !== undefined) return { host: configured.host, port: configured.port ?? listened?.port ?? 0 }
    if (listened === undefined) return { host: "", port: 0 }
    const { host, port } = listened
    return { host: ALL_ADDRESSES.has(host) ? (parse(requestHost ?? "")?.host ?? host) : host, port }
  })
}
