import { assert, describe, it } from "@effect/vitest"
import { addressOf } from "../src/Address.ts"
import { defaultBackoff, delayOf } from "../src/backoff.ts"

describe("the wait before an attempt", () => {
  it.each([
    [0, 500],
    [1, 1000],
    [2, 2000],
    [5, 16_000],
    [6, 30_000],
    [7, 30_000],
    [1_000_000, 30_000]
  ])("number %i is between 0 and %i ms", (attempt, bound) => {
    assert.strictEqual(delayOf(defaultBackoff, attempt, 0), 0)
    assert.strictEqual(delayOf(defaultBackoff, attempt, 0.5), bound / 2)
    assert.strictEqual(delayOf(defaultBackoff, attempt, 1 - Number.EPSILON / 2), bound - 1)
  })
})

describe("an address", () => {
  it.each([
    ["http://chat.example", "ws://chat.example/ws", "http://chat.example"],
    ["https://chat.example/", "wss://chat.example/ws", "https://chat.example"],
    ["ws://chat.example:81/ws", "ws://chat.example:81/ws", "http://chat.example:81"],
    ["wss://chat.example/im/ws/?x=1", "wss://chat.example/im/ws", "https://chat.example/im"],
    ["ws://[::1]:1/ws", "ws://[::1]:1/ws", "http://[::1]:1"],
    ["http://chat.example/im", "ws://chat.example/im/ws", "http://chat.example/im"]
  ])("%s gives %s and %s", (url, socket, http) => {
    assert.deepStrictEqual(addressOf(url), { socket, http })
  })
})
