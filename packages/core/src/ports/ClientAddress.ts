/** Client addresses in one canonical form for all transports: failed logins are counted by it. */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

/**
 * Parses an address without a port; returns undefined if the text is not one. An IPv4-mapped IPv6 address
 * (`::ffff:192.0.2.1`, as reported by dual-stack sockets) is the IPv4 address; the zone of an IPv6 address
 * (`fe80::1%eth0`) is ignored.
 */
export const parseAddress = (text: string): NetAddress.IpAddress | undefined => {
  const zone = text.includes(":") ? text.indexOf("%") : -1
  const parsed = NetAddress.ipFromString(zone < 0 ? text : text.slice(0, zone))
  return Result.isSuccess(parsed) ? NetAddress.toCanonical(parsed.success) : undefined
}

/** Returns whether a text is a loopback address: 127.0.0.0/8 or ::1. */
export const isLoopbackAddress = (text: string): boolean => {
  const address = parseAddress(text)
  return address !== undefined && NetAddress.isLoopback(address)
}

const FORWARDING = new Set(["forwarded", "via", "x-real-ip"])

/** Returns whether a request with headers of these lower-case names came through a proxy, trusted or not. */
export const isForwarded = (headers: Iterable<string>): boolean => {
  for (const name of headers) if (FORWARDING.has(name) || name.startsWith("x-forwarded-")) return true
  return false
}

/**
 * Returns the usual form of an address: `192.0.2.1`, `2001:db8::1`. Other texts are returned unchanged; "" if absent.
 */
export const plainAddress = (text = ""): string => {
  const address = parseAddress(text)
  return address === undefined ? text : NetAddress.formatIp(address)
}

/**
 * Returns the network by which clients are limited: an IPv4 address itself, or the /64 of an IPv6 address, since one
 * subscriber owns all of its addresses. Other texts are returned unchanged.
 */
export const networkOf = (address: string): string => {
  if (!address.includes(":")) return address
  const parsed = parseAddress(address)
  if (parsed === undefined || !NetAddress.isIpv6Address(parsed)) return address
  return NetAddress.formatIp(IpNetwork.fromAddressUnsafe(parsed, 64).address)
}
