/**
 * Which address a client has behind proxies: `X-Forwarded-For` is believed as far as those whom one trusts wrote it, as
 * Express does with a list for `trust proxy`. Not by `HttpMiddleware.xForwardedHeaders`: it knows no upgrades, gives up the
 * whole header for one bad entry, and takes the host from whoever wrote one, by which foreign origins are told.
 */
import { parseAddress } from "@parley/core/ClientAddress"
import * as IpInterface from "effect/net/IpInterface"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

/** The names that Express and others have for ranges. */
const NAMED: Readonly<Record<string, ReadonlyArray<string>>> = {
  loopback: ["127.0.0.0/8", "::1"],
  linklocal: ["169.254.0.0/16", "fe80::/10"],
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
}

const MAPPED_BITS = 96

/**
 * The range that an entry is: `10.0.0.0/8`, or one address. A range of all addresses is none: with it, whoever connects
 * would choose their address.
 */
const rangeOf = (entry: string): IpNetwork.IpNetwork | undefined => {
  const parsed = IpInterface.fromString(entry)
  if (Result.isFailure(parsed)) return undefined
  const { address, prefixLength } = parsed.success
  const plain = NetAddress.toCanonical(address)
  // `::ffff:10.0.0.0/104` is `10.0.0.0/8`; one with fewer bits reaches beyond the IPv4 addresses.
  const bits = plain === address ? prefixLength : prefixLength - MAPPED_BITS
  return bits > 0 ? IpNetwork.fromAddressUnsafe(plain, bits) : undefined
}

const rangesOf = (entry: string): ReadonlyArray<IpNetwork.IpNetwork> | undefined => {
  const ranges = (Object.hasOwn(NAMED, entry) ? (NAMED[entry] ?? []) : [entry]).map(rangeOf)
  return ranges.includes(undefined) ? undefined : ranges.filter((range) => range !== undefined)
}

/** What an entry may be, in words that follow "must be". */
export const PROXY_DESCRIPTION = "addresses, ranges as in 10.0.0.0/8, `loopback`, `linklocal` or `uniquelocal`"

/** Whether it can be an entry of a list of trusted proxies: an address, a range, or the name of ranges. */
export const isProxy = (entry: string): boolean => rangesOf(entry) !== undefined

/**
 * The address of a client, in its usual form: of whom the peer with that address forwards a request for, where the peer is
 * trusted, else the peer's own; "" where it has none. `forwardedFor` is the header `X-Forwarded-For`. It never throws.
 */
export type ClientAddressResolver = (peer: string | undefined, forwardedFor: string | undefined) => string

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const forwarded = (text: string): NetAddress.IpAddress | undefined => {
  const bare = parseAddress(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text)
  if (bare !== undefined) return bare
  const ported = NetAddress.inetAddressFromString(text)
  return Result.isSuccess(ported) ? NetAddress.toCanonical(ported.success.address) : undefined
}

/** The ranges of these entries. Throws where an entry is none. */
const rangesOfAll = (proxies: ReadonlyArray<string>): ReadonlyArray<IpNetwork.IpNetwork> =>
  proxies.flatMap((entry) => {
    const found = rangesOf(entry)
    if (found !== undefined) return found
    throw new Error(`trustedProxies must be ${PROXY_DESCRIPTION.replaceAll("`", "")}, not ${JSON.stringify(entry)}.`)
  })

/** Whether a peer with this address is one of those proxies. Throws as `trusting` does. */
export const isTrustedBy = (proxies: ReadonlyArray<string>): ((peer: string | undefined) => boolean) => {
  const ranges = rangesOfAll(proxies)
  return (peer = "") => {
    const address = parseAddress(peer)
    return address !== undefined && ranges.some((range) => IpNetwork.contains(range, address))
  }
}

/**
 * Believes those proxies. Every proxy adds at the right end whom it got a request from, so the header is read from there
 * for as long as the one who added it is trusted: the rightmost address that is not trusted is the client's, or the
 * leftmost where all are. What is no address ends it: whoever added that is the last of whom something is known. Throws
 * where an entry is none.
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
