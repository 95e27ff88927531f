/** Roles of members, with the published SDKs against a server on SQLite. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Cmd, Op } from "../../src/rtm/codec.ts"
import { dial } from "./dial.ts"
import { codeOf, connect, cut, next, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
  await server.parley.operate("rtm-app add", { id: "raw", "all-users": true })
})
afterAll(() => server.close())

interface Info {
  readonly memberId: string
  readonly role: string
  readonly isOwner: boolean
}
interface Roles {
  readonly updateMemberRole: (member: string, role: string) => Promise<unknown>
  readonly getAllMemberInfo: (options?: { readonly noCache: boolean }) => Promise<ReadonlyArray<Info>>
}
interface Updated {
  readonly member: string
  readonly memberInfo: Info
  readonly updatedBy: string
}

describe.each(sdks)("roles of members, with the SDK %s", (version, sdk) => {
  it("are set by the owner: managers have rights, and nobody is promoted to owner", async () => {
    const realtime = await connect(sdk, server)
    const [tomId, jerryId, harryId] = [`tom-${version}`, `jerry-${version}`, `harry-${version}`]
    const tom = await realtime.createIMClient(tomId)
    const jerry = await realtime.createIMClient(jerryId)
    const conversation = await tom.createConversation({ members: [jerryId, harryId], name: "Trio" })
    const roles = conversation as unknown as Roles
    const ofJerry = await jerry.getConversation(conversation.id)
    assert.strictEqual(await codeOf(ofJerry.remove([harryId])), 4308)
    assert.strictEqual(await codeOf((ofJerry as unknown as Roles).updateMemberRole(harryId, "Manager")), 4308)
    assert.strictEqual(await codeOf(roles.updateMemberRole(jerryId, "Owner")), 5130)
    assert.strictEqual(await codeOf(roles.updateMemberRole(jerryId, "King")), 4301)
    assert.strictEqual(await codeOf(roles.updateMemberRole(`nobody-${version}`, "Manager")), 4301)
    await roles.updateMemberRole(jerryId, "Manager")
    await ofJerry.remove([harryId])
    assert.strictEqual(await codeOf(roles.updateMemberRole(harryId, "Manager")), 4317)
    assert.deepStrictEqual((await server.parley.as(tomId).chat({ gid: conversation.id })).admins, [
      await server.parley.as(jerryId).id()
    ])
    await server.parley.as(tomId).addMembers({ gid: conversation.id }, [harryId])
    await roles.updateMemberRole(jerryId, "Member")
    assert.strictEqual(await codeOf(ofJerry.remove([harryId])), 4308)
    assert.strictEqual(await codeOf(roles.updateMemberRole(tomId, "Member")), 4301)
    await tom.close()
    await jerry.close()
  })
})

// Version 4 fetches roles by HTTPS only, and needs them for the event.
describe("roles of members", () => {
  const sdk = sdks[1]?.[1]
  if (sdk === undefined) throw new Error("no SDK")

  it("are listed by the SDK, and their changes are its events, live and after a reconnection", async () => {
    const realtime = await connect(sdk, server)
    const tom = await realtime.createIMClient("tom")
    const jerry = await (await connect(sdk, server)).createIMClient("jerry")
    const conversation = await jerry.createConversation({ members: ["tom", "spike"], name: "Roles" })
    const ofTom = await tom.getConversation(conversation.id)
    const roles = conversation as unknown as Roles
    const live = next<[Updated]>(ofTom as never, "memberinfoupdated")
    await roles.updateMemberRole("spike", "Manager")
    const [{ member, memberInfo, updatedBy }] = await live
    assert.deepStrictEqual([member, memberInfo.role, updatedBy], ["spike", "Manager", "jerry"])
    const rolesIn = async () =>
      Object.fromEntries(
        (await (ofTom as unknown as Roles).getAllMemberInfo({ noCache: true })).map(({ memberId, role }) => [
          memberId,
          role
        ])
      )
    assert.deepStrictEqual(await rolesIn(), { jerry: "Owner", spike: "Manager", tom: "Member" })

    const missed = next<[Updated]>(tom, "memberinfoupdated")
    await cut(realtime, tom, () => roles.updateMemberRole("spike", "Member"))
    assert.deepStrictEqual((await missed)[0].memberInfo.role, "Member")
    assert.deepStrictEqual(await rolesIn(), { jerry: "Owner", spike: "Member", tom: "Member" })
    await tom.close()
    await jerry.close()
  })

  it("are listed by HTTP for members with the token of a session", async () => {
    const owner = await dial(server.url)
    const opened = await owner.ask({ cmd: Cmd.session, op: Op.open, appId: "raw", peerId: "ann" })
    const token = opened.session?.st ?? ""
    const { conv } = await owner.ask({ cmd: Cmd.conv, op: Op.start, peerId: "ann", conv: { m: ["ben"] } })
    const cid = conv?.cid ?? ""
    const fetchRoles = async (headers: Record<string, string>, where: unknown, client = "ann") => {
      const query = new URLSearchParams({ client_id: client, where: JSON.stringify(where) })
      const response = await fetch(`${server.http}/1.1/classes/_ConversationMemberInfo?${query}`, { headers })
      return [response.status, await response.json()]
    }
    const headers = { "X-LC-Id": "raw", "X-LC-Key": "unused", "X-LC-IM-Session-Token": token }
    assert.deepStrictEqual(await fetchRoles(headers, { cid }), [
      200,
      { results: [{ cid, clientId: "ann", role: "Owner" }] }
    ])
    const statusOf = async (...args: Parameters<typeof fetchRoles>) => {
      const [status, body] = await fetchRoles(...args)
      return [status, (body as { readonly code: number }).code]
    }
    assert.deepStrictEqual(await statusOf({}, { cid }), [401, 4105])
    assert.deepStrictEqual(await statusOf(headers, { cid }, "ben"), [401, 4105])
    assert.deepStrictEqual(await statusOf(headers, {}), [400, 4310])
    assert.deepStrictEqual(await statusOf(headers, { cid: "x" }), [404, 4303])
    await server.parley.as("ann").leave({ gid: cid })
    assert.deepStrictEqual(await statusOf(headers, { cid }), [404, 4303])
    owner.socket.close()
  })
})
