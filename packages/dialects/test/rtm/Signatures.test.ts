/**
 * An app whose logins and conversations must be signed: the endpoints of hisihi make the signatures, the published SDKs send
 * them. Source: seeds/001, 获取…签名.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { Realtime } from "leancloud-realtime"
import { dialect as hisihi } from "../../src/hisihi/index.ts"
import { createHmac } from "node:crypto"
import { codeOf, connect, type RtmServer, sdks, startServer } from "./harness.ts"

/** The signed actions by the names that the SDKs give to them. */
const ACTIONS: Readonly<Record<string, string>> = { add: "invite", remove: "kick", invite: "invite", kick: "kick" }

interface Signature {
  readonly signature: string
  readonly timestamp: number
  readonly nonce: string
}

let server: RtmServer
beforeAll(async () => {
  server = await startServer([hisihi], { demonstration: true, settings: { "hisihi.timestamp": "seconds" } })
})
afterAll(() => server.close())

/** Asks hisihi for a signature, as an app's own server. */
const ask = async (path: string): Promise<Signature> => {
  const response = await fetch(`${server.http}/signature/${path}`)
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${path}: ${text}`)
  const { signature, timestamp, nonce } = JSON.parse(text) as Signature
  return { signature, timestamp, nonce }
}

describe.each(sdks)("an app with signatures, with the SDK %s", (version, sdk) => {
  const appId = `signed-${version}`
  const KEY = "the-master-key"
  let realtime: Realtime
  beforeAll(async () => {
    await server.parley.operate("rtm-app add", { id: appId, key: KEY, sign: "login,conversation", "all-users": true })
    await server.parley.operate("app add", { id: appId, key: KEY })
    realtime = await connect(sdk, server, { appId })
  })

  const signatureFactory = (client: string) => ask(`login/${appId}/${client}`)
  const conversationSignatureFactory = (
    conversation: string | null,
    client: string,
    members: ReadonlyArray<string>,
    action: string
  ) => {
    const list = members.join(":")
    return action === "create"
      ? ask(`conversion/${appId}/${client}/${list}`)
      : ask(`${ACTIONS[action]}/${appId}/${client}/${conversation}/${list}`)
  }
  /** Replaces a part of a signature. */
  const changed =
    (factory: (...given: ReadonlyArray<never>) => Promise<Signature>, change: Partial<Signature>) =>
    async (...given: ReadonlyArray<never>) => ({ ...(await factory(...given)), ...change })

  const client = (id: string, factories: object = { signatureFactory, conversationSignatureFactory }) =>
    realtime.createIMClient(id, factories as never)

  it("lets signed clients log in, create, invite and kick", async () => {
    const tom = await client(`tom-${version}`)
    const chat = await tom.createConversation({ members: [`jerry-${version}`], name: "signed" })
    await chat.add([`harry-${version}`])
    await chat.remove([`harry-${version}`])
    assert.strictEqual(await chat.count(), 2)
    const jerry = await client(`jerry-${version}`)
    const own = await jerry.getConversation(chat.id)
    await own.quit()
    await tom.close()
    await jerry.close()
  })

  it("refuses logins without a signature, or with another part", async () => {
    const id = `eve-${version}`
    const old = 21_601
    assert.strictEqual(await codeOf(client(id, {})), 4102)
    for (const factory of [
      changed(signatureFactory as never, { nonce: "other" }),
      changed(signatureFactory as never, { timestamp: Math.trunc(Date.now() / 1000) - old }),
      changed(signatureFactory as never, { signature: "0".repeat(40) }),
      () => signatureFactory("somebody-else"),
      () => ask(`conversion/${appId}/${id}/${id}`)
    ]) {
      assert.strictEqual(await codeOf(client(id, { signatureFactory: factory })), 4102)
    }
  })

  it("refuses changes of conversations without a signature, or with another part; nothing changes", async () => {
    const tom = await client(`tim-${version}`)
    const chat = await tom.createConversation({ members: [`joe-${version}`] })
    await tom.close()
    const factory = conversationSignatureFactory as never
    for (const wrong of [
      undefined,
      changed(factory, { nonce: "other" }),
      changed(factory, { signature: "f".repeat(40) }),
      (conversation: string, by: string, members: ReadonlyArray<string>, action: string) =>
        conversationSignatureFactory(conversation, by, members, ACTIONS[action] === "invite" ? "kick" : "invite"),
      (conversation: string, by: string, members: ReadonlyArray<string>, action: string) =>
        conversationSignatureFactory(conversation, by, [...members, "more"], action),
      (_: string, by: string, members: ReadonlyArray<string>, action: string) =>
        conversationSignatureFactory("0".repeat(24), by, members, action)
    ]) {
      const again = await client(`tim-${version}`, {
        signatureFactory,
        ...(wrong !== undefined && { conversationSignatureFactory: wrong })
      })
      const own = await again.getConversation(chat.id)
      assert.strictEqual(await codeOf(own.add([`max-${version}`])), 4302)
      assert.strictEqual(await codeOf(own.remove([`joe-${version}`])), 4302)
      assert.strictEqual(await own.count(), 2)
      await again.close()
    }
  })

  it("lets signed clients block and unblock, and refuses another part", async () => {
    type Change = readonly [by: string, conversation: string, members: ReadonlyArray<string>, action: string]
    /** Signs as an app's own server: hisihi has no endpoint for blocking. */
    const sign = ([by, conversation, members, action]: Change) => {
      const [timestamp, nonce] = [Date.now(), "abc"]
      const parts = [appId, by, conversation, ...members.toSorted(), timestamp, nonce, action]
      return { signature: createHmac("sha1", KEY).update(parts.join(":")).digest("hex"), timestamp, nonce }
    }
    /** The versions of the SDK pass the client and the conversation in different orders. */
    const blacklist =
      (change: (given: Change) => Change = (given) => given) =>
      (...[one, two, ...rest]: Change) =>
        Promise.resolve(sign(change(version === "4.3.1" ? [one, two, ...rest] : [two, one, ...rest])))
    const factories = { signatureFactory, conversationSignatureFactory }
    const [id, other] = [`tam-${version}`, `jam-${version}`]
    const tam = await client(id, { ...factories, blacklistSignatureFactory: blacklist() })
    const chat = await tam.createConversation({ members: [other] })
    await chat.blockMembers([`max-${version}`, other])
    assert.strictEqual(await chat.count(), 1)
    await chat.unblockMembers([other])
    await tam.close()
    for (const wrong of [
      undefined,
      blacklist(([by, conversation, members, action]) => [by, conversation, [...members, "more"], action]),
      blacklist(([by, conversation, members]) => [by, conversation, members, "kick"]),
      blacklist(([by, , members, action]) => [by, "0".repeat(24), members, action]),
      blacklist(([, conversation, members, action]) => ["somebody-else", conversation, members, action])
    ]) {
      const again = await client(id, { ...factories, ...(wrong !== undefined && { blacklistSignatureFactory: wrong }) })
      const own = await again.getConversation(chat.id)
      assert.strictEqual(await codeOf(own.blockMembers([other])), 4302)
      assert.strictEqual(await codeOf(own.unblockMembers([`max-${version}`])), 4302)
      assert.deepStrictEqual((await own.queryBlockedMembers({})).results, [`max-${version}`])
      await again.close()
    }
  })
})
