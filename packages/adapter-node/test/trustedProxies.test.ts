import { assert, describe, it } from "@effect/vitest"
import { plainAddress } from "@parley/core/ClientAddress"
import { repetitions } from "../../../scripts/repetitions.ts"
import { isProxy, clientAddressResolver } from "../src/internal/http/trustedProxies.ts"
import * as fc from "fast-check"
import { isIP } from "node:net"

const LOAD_BALANCER = "10.0.0.1"
const CLIENT = "203.0.113.7"

interface Walk {
  readonly name: string
  readonly trusted: ReadonlyArray<string>
  readonly peer: string | undefined
  readonly header: string | undefined
  readonly client: string
}

const walk = (
  name: string,
  trusted: ReadonlyArray<string>,
  peer: Walk["peer"],
  header: Walk["header"],
  client: string
): Walk => ({ name, trusted, peer, header, client })

const walks: ReadonlyArray<Walk> = [
  walk("nobody is believed by default", [], "127.0.0.1", CLIENT, "127.0.0.1"),
  walk("a stranger is not believed", ["loopback"], "198.51.100.1", CLIENT, "198.51.100.1"),
  walk("a trusted peer is", ["10.0.0.1"], LOAD_BALANCER, CLIENT, CLIENT),
  walk("its own address, where it forwards for nobody", ["10.0.0.1"], LOAD_BALANCER, undefined, LOAD_BALANCER),
  walk("an empty header says nothing", ["10.0.0.1"], LOAD_BALANCER, "", LOAD_BALANCER),
  walk("what the client wrote before does not count", ["10.0.0.1"], LOAD_BALANCER, `6.6.6.6, ${CLIENT}`, CLIENT),
  walk("nor where it names a proxy", ["10.0.0.1"], LOAD_BALANCER, `10.0.0.1, ${CLIENT}`, CLIENT),
  walk("through two proxies", ["10.0.0.0/8"], LOAD_BALANCER, `6.6.6.6,${CLIENT},10.9.9.9`, CLIENT),
  walk("of which one is a stranger", ["10.0.0.1"], LOAD_BALANCER, `${CLIENT}, 10.9.9.9`, "10.9.9.9"),
  walk("the leftmost, where all are trusted", ["uniquelocal"], LOAD_BALANCER, "192.168.1.2, 172.16.0.9", "192.168.1.2"),
  walk("white space and empty entries", ["10.0.0.1"], LOAD_BALANCER, ` , ${CLIENT}\t, ,`, CLIENT),
  walk("no address behind a proxy: the proxy", ["10.0.0.1"], LOAD_BALANCER, "unknown", LOAD_BALANCER),
  walk("the last proxy that is known", ["10.0.0.0/8"], LOAD_BALANCER, `${CLIENT}, _hidden, 10.2.2.2`, "10.2.2.2"),
  walk("numbers that are no address", ["10.0.0.1"], LOAD_BALANCER, "203.0.113.256", LOAD_BALANCER),
  walk("octal digits", ["10.0.0.1"], LOAD_BALANCER, "0203.0.113.7", LOAD_BALANCER),
  walk("a number", ["10.0.0.1"], LOAD_BALANCER, "3405803783", LOAD_BALANCER),
  walk("a name", ["10.0.0.1"], LOAD_BALANCER, "localhost", LOAD_BALANCER),
  walk("with a port", ["10.0.0.1"], LOAD_BALANCER, `${CLIENT}:4711`, CLIENT),
  walk("IPv6 with a port", ["10.0.0.1"], LOAD_BALANCER, "[2001:db8::7]:4711", "2001:db8::7"),
  walk("IPv6 in brackets", ["10.0.0.1"], LOAD_BALANCER, "[2001:db8::7]", "2001:db8::7"),
  walk("IPv6 in its long form", ["10.0.0.1"], LOAD_BALANCER, "2001:0DB8:0:0:0:0:0:7", "2001:db8::7"),
  walk("a bad port", ["10.0.0.1"], LOAD_BALANCER, `${CLIENT}:port`, LOAD_BALANCER),
  walk("IPv4 in IPv6, of the peer", ["10.0.0.0/8"], "::ffff:10.0.0.1", CLIENT, CLIENT),
  walk("IPv4 in IPv6, of a stranger", ["10.0.0.0/8"], "::ffff:198.51.100.1", CLIENT, "198.51.100.1"),
  walk("IPv4 in IPv6, in the header", ["10.0.0.1"], LOAD_BALANCER, `::ffff:${CLIENT}`, CLIENT),
  walk("IPv4 in IPv6, in hexadecimal", ["10.0.0.1"], LOAD_BALANCER, "::FFFF:cb00:7107", CLIENT),
  walk("IPv4 in IPv6, in the list", ["::ffff:10.0.0.1"], LOAD_BALANCER, CLIENT, CLIENT),
  walk("IPv4 in IPv6, a range", ["::ffff:10.0.0.0/104"], "10.200.0.1", CLIENT, CLIENT),
  walk("a range of IPv6 is none of IPv4", ["::/1"], LOAD_BALANCER, CLIENT, LOAD_BALANCER),
  walk("a range by an address in it", ["10.1.2.3/8"], "10.200.0.1", CLIENT, CLIENT),
  walk("outside a range", ["10.0.0.0/9"], "10.200.0.1", CLIENT, "10.200.0.1"),
  walk("loopback", ["loopback"], "127.8.8.8", CLIENT, CLIENT),
  walk("loopback of IPv6", ["loopback"], "::1", CLIENT, CLIENT),
  walk("linklocal", ["linklocal"], "169.254.3.4", CLIENT, CLIENT),
  walk("linklocal of IPv6, which has a zone", ["linklocal"], "fe80::1%eth0", CLIENT, CLIENT),
  walk("uniquelocal", ["uniquelocal"], "172.31.0.1", CLIENT, CLIENT),
  walk("172.32 is not uniquelocal", ["uniquelocal"], "172.32.0.1", CLIENT, "172.32.0.1"),
  walk("uniquelocal of IPv6", ["uniquelocal"], "fd00::1", CLIENT, CLIENT),
  walk("several entries", ["loopback", "192.0.2.0/24", "2001:db8::/32"], "2001:db8::1", CLIENT, CLIENT),
  walk("a peer without an address", ["loopback"], undefined, CLIENT, ""),
  walk("a peer that is none", ["loopback"], "/run/parley.sock", CLIENT, "/run/parley.sock")
]

describe("the client of a request", () => {
  for (const { name, trusted, peer, header, client } of walks) {
    it(`${name}`, () => assert.strictEqual(clientAddressResolver(trusted)(peer, header), client))
  }

  it("no header makes it throw, and the result is an address of the chain", () => {
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom("10.0.0.1", "::ffff:10.9.9.9", "fe80::1%eth0", "127.0.0.1", "unknown", "[::1]:1", "")
    )
    const strange = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.stringMatching(/^[\d.:[\],% a-f]*$/))
    const header = fc.oneof(
      strange,
      fc.array(fc.oneof(address, strange), { maxLength: 8 }).map((entries) => entries.join(","))
    )
    const clientOf = clientAddressResolver(["loopback", "linklocal", "uniquelocal"])
    const strict = clientAddressResolver([])
    fc.assert(
      fc.property(fc.oneof(address, strange), header, (peer, forwardedFor) => {
        const client = clientOf(peer, forwardedFor)
        assert.strictEqual(strict(peer, forwardedFor), plainAddress(peer))
        // For any header, the result is a normalized address or the peer's address.
        if (isIP(client) === 0) assert.strictEqual(client, peer)
        else assert.strictEqual(plainAddress(client), client)
      }),
      { numRuns: repetitions(5000, 500) }
    )
  })

  it("what is left of the client's own address does not change it", () => {
    const clientOf = clientAddressResolver(["uniquelocal"])
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (written) => {
        assert.strictEqual(clientOf(LOAD_BALANCER, `${written},${CLIENT}`), CLIENT)
      })
    )
  })

  it("a header as long as requests may have, of proxies only, is read to its left end", () => {
    const header = `10.7.7.7${",10.0.0.1".repeat(1800)}`
    assert.strictEqual(clientAddressResolver(["uniquelocal"])(LOAD_BALANCER, header), "10.7.7.7")
  })
})

describe("trusted proxies", () => {
  const none = [
    "",
    " ",
    "10.0.0",
    "10.0.0.256",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/255.0.0.0",
    "fe80::/129",
    "::g",
    "Loopback",
    "private",
    "proxy.example",
    "constructor",
    "10.0.0.1,10.0.0.2",
    "10.0.0.1:80",
    // The range of all addresses: any client could choose its address.
    "0.0.0.0/0",
    "::/0",
    "::ffff:0.0.0.0/96",
    "::ffff:10.0.0.0/90"
  ]
  for (const entry of none) {
    it(`not ${JSON.stringify(entry)}`, () => {
      assert.isFalse(isProxy(entry))
      assert.throws(
        () => clientAddressResolver(["loopback", entry]),
        `trustedProxies must be addresses, ranges as in 10.0.0.0/8, loopback, linklocal or uniquelocal, not ${JSON.stringify(entry)}.`
      )
    })
  }
  for (const entry of ["loopback", "linklocal", "uniquelocal", "10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"]) {
    it(`${entry}`, () => assert.isTrue(isProxy(entry)))
  }
})

describe("the normalized address", () => {
  for (const [written, plain] of [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1"],
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["", ""],
    ["no address", "no address"]
  ] as const) {
    it(`${JSON.stringify(written)} is ${JSON.stringify(plain)}`, () => assert.strictEqual(plainAddress(written), plain))
  }
})
