/** Addresses of clients, in one form whichever way they came: failed logins are counted by it. */
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

/** The usual form of an address: `192.0.2.1`, `2001:db8::1`. What is no address stays as it is; "" where there is none. */
export const plainAddress = (text = ""): string => {
  const address = parseAddress(text)
  return address === undefined ? text : NetAddress.formatIp(address)
}
