/**
 * Resolves client addresses behind proxies: entries of `X-Forwarded-For` count if a trusted proxy added them, as in Express
 * with a list for `trust proxy`. `HttpMiddleware.xForwardedHeaders` does not fit: it ignores upgrades, drops the whole
 * header for one invalid entry, and trusts any forwarded host, which the cross-origin check uses.
 */
import { parseAddress } from "@parley/core/ClientAddress"
import * as IpInterface from "effect/net/IpInterface"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

/** Names of ranges, as in Express. */
const NAMED: Readonly<Record<string, ReadonlyArray<string>>> = {
  loopback: ["127.0.0.0/8", "::1"],
  linklocal: ["169.254.0.0/16", "fe80::/10"],
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
}

const MAPPED_BITS = 96

/**
 * Parses a range (`10.0.0.0/8`) or an address. The range of all addresses is rejected: every client could then choose its
 * address.
 */
const rangeOf = (entry: string): IpNetwork.IpNetwork | undefined => {
  const parsed = IpInterface.fromString(entry)
  if (Result.isFailure(parsed)) return undefined
  const { address, prefixLength } = parsed.success
  const plain = NetAddress.toCanonical(address)
  // `::ffff:10.0.0.0/104` is `10.0.0.0/8`; fewer bits would include more than the IPv4 addresses.
  const bits = plain === address ? prefixLength : prefixLength - MAPPED_BITS
  return bits > 0 ? IpNetwork.fromAddressUnsafe(plain, bits) : undefined
}

const rangesOf = (entry: string): ReadonlyArray<IpNetwork.IpNetwork> | undefined => {
  const ranges = (Object.hasOwn(NAMED, entry) ? (NAMED[entry] ?? []) : [entry]).map(rangeOf)
  return ranges.includes(undefined) ? undefined : ranges.filter((range) => range !== undefined)
}

/** Description of valid entries, to follow "must be". */
export const PROXY_DESCRIPTION = "addresses, ranges as in 10.0.0.0/8, `loopback`, `linklocal` or `uniquelocal`"

/** Whether an entry is valid: an address, a range, or the name of ranges. */
export const isProxy = (entry: string): boolean => rangesOf(entry) !== undefined

/**
 * Returns the normalized address of a client: the forwarded one if the peer is trusted, otherwise the peer's; "" if unknown.
 * `forwardedFor` is the header `X-Forwarded-For`. Never throws.
 */
export type ClientAddressResolver = (peer: string | undefined, forwardedFor: string | undefined) => string

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const forwarded = (text: string): NetAddress.IpAddress | undefined => {
  const bare = parseAddress(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text)
  if (bare !== undefined) return bare
  const ported = NetAddress.inetAddressFromString(text)
  return Result.isSuccess(ported) ? NetAddress.toCanonical(ported.success.address) : undefined
}

/** Returns the ranges of the entries. Throws for an invalid entry. */
const rangesOfAll = (proxies: ReadonlyArray<string>): ReadonlyArray<IpNetwork.IpNetwork> => {
  const invalid = (given: unknown): Error =>
    new Error(`trustedProxies must be ${PROXY_DESCRIPTION.replaceAll("`", "")}, not ${JSON.stringify(given)}.`)
  if (!Array.isArray(proxies)) throw invalid(proxies)
  return proxies.flatMap((entry) => {
    const found = rangesOf(entry)
    if (found !== undefined) return found
    throw invalid(entry)
  })
}

/** Returns a predicate on peer addresses. Throws for an invalid entry. */
export const isTrustedBy = (proxies: ReadonlyArray<string>): ((peer: string | undefined) => boolean) => {
  const ranges = rangesOfAll(proxies)
  return (peer = "") => {
    const address = parseAddress(peer)
    return address !== undefined && ranges.some((range) => IpNetwork.contains(range, address))
  }
}

/**
 * Returns a resolver that trusts these proxies. Each proxy appends the address of its peer, so the header is read from the
 * right while the appending proxy is trusted: the rightmost untrusted address is the client's, or the leftmost if all are
 * trusted. An entry that is not an address ends the search at the proxy that appended it. Throws for an invalid entry.
 */
export const clientAddressResolver = (proxies: ReadonlyArray<string>): ClientAddressResolver => {
  const ranges = rangesOfAll(proxies)
  const isTrusted = (address: NetAddress.IpAddress): boolean =>
    ranges.some((range) => IpNetwork.contains(range, address))
  return (peer = "", forwardedFor = "") => {
    let address = parseAddress(peer)
    if (address === undefined) return peer
    const entries = forwardedFor === "" ? [] : forwardedFor.split(",")
    while (entries.length > 0 && isTrusted(address)) {
      const entry = (entries.pop() ?? "").trim()
      if (entry === "") continue
      const before = forwarded(entry)
      if (before === undefined) break
      address = before
    }
    return NetAddress.formatIp(address)
  }
}
