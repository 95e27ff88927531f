/** Secrets of users in messages of the server. */
import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { LeakWatch } from "../src/run/LeakWatch.ts"

const hashOf = (kind: string): string => createHash(kind).update("rose-garden").digest("hex")
const accounts = {
  alice: { account: "alice", password: "rose-garden" },
  bob: { account: "bob", password: "rose-garden" },
  carol: { account: "carol", password: "x" }
}
const roles = { alice: "alice", phone: "alice", bob: "bob", carol: "carol" }
const sids = new Map([
  ["alice.sid", "sid-of-alice"],
  ["bob.token", "token-of-bob"]
])

/** The reason of the leak that a message to alice is, after what alice sent. */
const leakIn = (came: string, sent = "{}"): string | undefined => {
  const watch = new LeakWatch(accounts, roles, sids)
  watch.note("alice", "sent", sent)
  watch.note("alice", "came", came)
  return watch.leak?.reason
}

const login = `{"module":"chat","method":"login","params":{"password":"${hashOf("md5")}"}}`

describe("a leak", () => {
  it.each([
    ["a password", `{"data":[{"note":"rose-garden"}]}`, "it has the password"],
    ...["md5", "sha1", "sha256"].map((kind) => [
      kind,
      `{"data":{"x":"${hashOf(kind)}"}}`,
      `it has the ${kind} of a password`
    ]),
    ["a header", `HTTP 204\nx-debug: ${hashOf("md5")}\n\n`, "it has the md5 of a password"],
    [
      "a field by its name",
      `{"data":[{"user":{"password_hash":"$2b$10$abc"}}]}`,
      "data[0].user.password_hash is named like a secret and has a value"
    ],
    ["a field of an HTTP body", `HTTP 200\n\n{"salt":"abc"}`, "salt is named like a secret and has a value"],
    ["the token of another user", `{"data":"token-of-bob"}`, "it has the token of bob"]
  ])("is %s", (_, came, reason) => {
    expect(leakIn(came)).toBe(reason)
  })

  it("is a password in a push, also right after the login that sent it", () => {
    expect(leakIn(`{"module":"chat","method":"userGetList","data":["${hashOf("md5")}"]}`, login)).toBe(
      "it has the md5 of a password"
    )
  })

  it.each([
    ["the own token, also of another connection", `{"sid":"sid-of-alice"}`, "{}"],
    ["a reply that repeats its request", `{"result":"fail","message":"unknown: ${hashOf("md5")}"}`, login],
    ["a short password, which occurs by accident", `{"data":"x"}`, "{}"],
    ["a part of a longer word", `{"gid":"arose-gardens"}`, "{}"],
    ["an empty field", `{"data":{"password":"","salt":null}}`, "{}"],
    ["a setting whose name is about passwords", `{"data":{"showPassword":true}}`, "{}"]
  ])("is not %s", (_, came, sent) => {
    expect(leakIn(came, sent)).toBeUndefined()
  })

  it("is the master key of an app, which signs and is never sent", () => {
    const watch = new LeakWatch(accounts, roles, sids, [{ that: { $hmacSha1: ["key-of-an-app", "text"] } }])
    watch.note("app", "came", `HTTP 200\n\n{"debug":"key-of-an-app"}`)
    expect(watch.leak?.reason).toBe("it has the master key of an app")
  })

  it("is kept as it came, with its actor, and later ones change nothing", () => {
    const watch = new LeakWatch(accounts, roles, sids)
    watch.note("bob", "came", `{"data":"sid-of-alice"}`)
    watch.note("alice", "came", `{"data":"token-of-bob"}`)
    expect(watch.leak).toEqual({ actor: "bob", reason: "it has the sid of alice", text: `{"data":"sid-of-alice"}` })
  })
})
