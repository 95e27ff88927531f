/** Addresses of clients, in one form whichever way they came: failed logins are counted by it. */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

/**
 * The address that a text is, without a port; undefined for what is none. An IPv4 address that is written as an IPv6 one
 * (`::ffff:192.0.2.1`, as a socket for both families has it) is the IPv4 address; the zone of an IPv6 address
 * (`fe80::1%eth0`) does not count.
 */
export const parseAddress = (text: string): NetAddress.IpAddress | undefined => {
  const zone = text.includes(":") ? text.indexOf("%") : -1
  const parsed = NetAddress.ipFromString(zone < 0 ? text : text.slice(0, zone))
  return Result.isSuccess(parsed) ? NetAddress.toCanonical(parsed.success) : undefined
}

/** Whether a text is an address of this machine alone: 127.0.0.0/8 or ::1. */
export const isLoopbackAddress = (text: string): boolean => {
  const address = parseAddress(text)
  return address !== undefined && NetAddress.isLoopback(address)
}

const FORWARDING = new Set(["forwarded", "via", "x-real-ip"])

/** Whether a request with headers of these lower-case names came through a proxy, trusted or not. */
export const isForwarded = (headers: Iterable<string>): boolean => {
  for (const name of headers) if (FORWARDING.has(name) || name.startsWith("x-forwarded-")) return true
  return false
}

/** The usual form of an address: `192.0.2.1`, `2001:db8::1`. What is no address stays as it is; "" where there is none. */
export const plainAddress = (text = ""): string => {
  const address = parseAddress(text)
  return address === undefined ? text : NetAddress.formatIp(address)
}

/**
 * The network that an address counts for where clients are bounded: an IPv4 address itself, the /64 of an IPv6 address, since
 * one subscriber has all of those. What is no address counts for itself; "" stays "".
 */
export const networkOf = (address: string): string => {
  if (!address.includes(":")) return address
  const parsed = parseAddress(address)
  if (parsed === undefined || !NetAddress.isIpv6Address(parsed)) return address
  return NetAddress.formatIp(IpNetwork.fromAddressUnsafe(parsed, 64).address)
}
