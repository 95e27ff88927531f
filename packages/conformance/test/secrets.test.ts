import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { Redactor } from "../src/run/Redactor.ts"

const known = (): Redactor => {
  const secrets = new Redactor()
  secrets.addPassword("123456", "alice")
  secrets.add("tok-0123456789abcdef-long", "alice.token")
  return secrets
}

describe("secrets", () => {
  it("are hidden wherever they occur, under a label that tells them apart", () => {
    const md5 = createHash("md5").update("123456").digest("hex")
    expect(known().hide(`{"account":"alice","password":"123456"}`)).toBe(
      `{"account":"alice","password":"<alice.password>"}`
    )
    expect(known().hide(`expected "${md5}"`)).toBe(`expected "<alice.password md5>"`)
    expect(known().hide("POST /session/start?token=tok-0123456789abcdef-long&x=1")).toBe(
      "POST /session/start?token=<alice.token>&x=1"
    )
    expect(known().hide("<pre>stack: tok-0123456789abcdef-long at x</pre>")).toBe(
      "<pre>stack: <alice.token> at x</pre>"
    )
  })

  it("that several actors share have a shared label", () => {
    const secrets = known()
    secrets.addPassword("123456", "bob")
    secrets.addPassword("another one", "carol")
    expect(secrets.hide("123456; another one")).toBe("<password>; <carol.password>")
  })

  it("are hidden also where they were cut", () => {
    expect(known().hide(`found "tok-0123456789abc… (25 characters)`)).not.toContain("tok-")
  })

  it("that are short leave longer words alone", () => {
    expect(known().hide(`{"id":1123456,"gid":"a123456b"}`)).toBe(`{"id":1123456,"gid":"a123456b"}`)
  })

  it("are learned when the server hands them out, and then known without their name", () => {
    const secrets = new Redactor()
    secrets.learn(`{"sid":"abcdefghij0123456789","data":{"sessionId":"chat-1"}}`)
    expect(secrets.hide(`sid: expected "abcdefghij0123456789", found "abcdefghij0123456789"`)).toBe(
      `sid: expected "<sid 1>", found "<sid 1>"`
    )
    expect(secrets.hide("chat-1")).toBe("chat-1")
  })

  it("that were learned have the name of who got them, once that is known", () => {
    const secrets = new Redactor()
    secrets.learn(`{"token":"abcdefghij0123456789"}`)
    secrets.name("abcdefghij0123456789", "alice.token")
    expect(secrets.hide("abcdefghij0123456789")).toBe("<alice.token>")
  })

  it("are hidden by the name of their field where nothing is known of them", () => {
    const secrets = new Redactor()
    expect(secrets.hide(`{"token":"unseen-token","SessionId":"s-1","sessionId":"s-2"}`)).toBe(
      `{"token":"<token>","SessionId":"s-1","sessionId":"s-2"}`
    )
    expect(secrets.hide(String.raw`{"text":"{\"sessionID\":\"unseen\"}"}`)).toBe(
      String.raw`{"text":"{\"sessionID\":\"<sessionID>\"}"}`
    )
    expect(secrets.hide(`{"password":123456}`)).toBe(`{"password":"<password>"}`)
    expect(secrets.hide("authorization: Bearer abc.def.ghi\nx-ha-key: k3y-of-app")).toBe(
      "authorization: Bearer <authorization>\nx-ha-key: <x-ha-key>"
    )
    expect(secrets.hide(`curl -H 'authorization: Bearer abc.def.ghi'`)).not.toContain("abc.def")
    expect(secrets.hide("GET /ws?sid=hello-sid")).toBe("GET /ws?sid=<sid>")
  })

  it("leave the words of patterns as they are", () => {
    expect(new Redactor().hide(`{"sid":"$filled","token":{"$capture":["self.token","$filled"]}}`)).toBe(
      `{"sid":"$filled","token":{"$capture":["self.token","$filled"]}}`
    )
  })

  it("hide the keys that scenarios name", () => {
    const secrets = new Redactor()
    secrets.addKeys([
      { $hmacSha1: ["master-of-all", "text"] },
      { $seal: {}, key: "MDEyMzQ1Njc4OWFiY2RlZg==", app: "app" },
      { http: { headers: { "X-HA-Key": "key-of-ha" } } }
    ])
    expect(secrets.hide(`master-of-all MDEyMzQ1Njc4OWFiY2RlZg== key-of-ha app`)).toBe(
      "<master key> <key> <app key> app"
    )
  })

  it("of one scenario are not those of another, but those of the run are", () => {
    const run = known()
    const one = new Redactor(run)
    one.learn(`{"token":"only-of-this-one-00"}`)
    expect(one.hide("only-of-this-one-00 123456")).toBe("<token 1> <alice.password>")
    expect(new Redactor(run).hide("only-of-this-one-00 123456")).toBe("only-of-this-one-00 <alice.password>")
  })

  it("are bounded, however many a server hands out", () => {
    const secrets = new Redactor()
    for (let index = 0; index < 5_000; index++) secrets.learn(`{"token":"token-number-${index}-of-a-flood"}`)
    expect(secrets.hide(`{"token":"token-number-1-of-a-flood"}`)).toBe(`{"token":"<token 2>"}`)
    expect(secrets.hide(`{"token":"token-number-4999-of-a-flood"}`)).toBe(`{"token":"<secret>"}`)
    expect(secrets.hide(`{"token":"another-of-no-flood"}`)).toBe(`{"token":"<token>"}`)
  })
})
