/** The address of raw TCP that `getconfig` announces. Source: PROTOCOLS, "Files over HTTP". */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { announcedAddress } from "../../src/xuanxuan/tcpAddress.ts"

const listened = (host: string) => ({ host, port: 8081 })

it.effect("is the setting, with the port listened on if it has none", () =>
  Effect.gen(function* () {
    for (const [setting, expected] of [
      ["chat.example", { host: "chat.example", port: 8081 }],
      ["chat.example:9081", { host: "chat.example", port: 9081 }],
      ["192.0.2.7:1", { host: "192.0.2.7", port: 1 }]
    ] as const) {
      const announced = yield* announcedAddress(setting)
      assert.deepStrictEqual(announced(listened("127.0.0.1"), "web.example"), expected)
    }
  })
)

it.effect("is the address listened on; of all addresses, the host of the request", () =>
  Effect.gen(function* () {
    const announced = yield* announcedAddress("")
    for (const [host, requestHost, expected] of [
      ["127.0.0.1", "chat.example", "127.0.0.1"],
      ["im.example", "chat.example", "im.example"],
      ["0.0.0.0", "chat.example", "chat.example"],
      ["0.0.0.0", "chat.example:8080", "chat.example"],
      ["::", "192.0.2.7:80", "192.0.2.7"],
      ["0.0.0.0", "[2001:db8::1]:80", "0.0.0.0"],
      ["0.0.0.0", "a b", "0.0.0.0"],
      ["0.0.0.0", undefined, "0.0.0.0"]
    ] as const) {
      assert.deepStrictEqual(announced(listened(host), requestHost), { host: expected, port: 8081 })
    }
    assert.deepStrictEqual(announced(undefined, "chat.example"), { host: "", port: 0 })
  })
)

it.effect("prevents the start if it is not an address", () =>
  Effect.gen(function* () {
    for (const setting of [
      "a b",
      "chat.example:",
      "chat.example:0",
      "chat.example:65536",
      "[::1]:80",
      "http://a",
      "-a",
      5
    ]) {
      const { message } = yield* Effect.flip(announcedAddress(setting))
      assert.match(message, /^xuanxuan\.tcpAddress must be a name or an IPv4 address/)
    }
  })
)
