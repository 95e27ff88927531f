/** Changes of conversations that a client has missed, which the SDK fetches by HTTP. Version 4 does so by HTTPS only. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Cmd, Op } from "../../src/rtm/codec.ts"
import { dial } from "./dial.ts"
import { connect, cut, next, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
  await server.parley.operate("rtm-app add", { id: "raw", "all-users": true })
})
afterAll(() => server.close())

const EVENTS = ["invited", "membersjoined", "membersleft", "conversationinfoupdated", "muted"] as const

interface Page {
  readonly hasMore: boolean
  readonly notifications: ReadonlyArray<Readonly<Record<string, unknown>>>
}

/** Fetches as the SDK does. */
const fetchPage = async (token: string, client: string, since: string): Promise<Response> =>
  fetch(`${server.http}/1.1/rtm/notifications?client_id=${client}&start_ts=${since}&notification_type=permanent`, {
    headers: { "X-LC-Id": "raw", "X-LC-Key": "unused", "X-LC-IM-Session-Token": token }
  })

describe("missed changes of conversations", () => {
  it("become the SDK's events once, after a reconnection", async () => {
    const sdk = sdks[1]?.[1]
    if (sdk === undefined) throw new Error("no SDK")
    const realtime = await connect(sdk, server)
    const tom = await realtime.createIMClient("tom")
    const jerry = await (await connect(sdk, server)).createIMClient("jerry")
    const invited = next(tom, "invited")
    const old = await jerry.createConversation({ members: ["tom", "spike"], name: "Old" })
    await invited
    const events: Array<readonly [string, unknown, string]> = []
    let seen = (): void => {}
    for (const event of EVENTS) {
      tom.on(
        event as never,
        ((payload: unknown, conversation: { readonly id: string }) => {
          events.push([event, payload, conversation.id])
          seen()
        }) as never
      )
    }
    const until = (count: number): Promise<void> =>
      new Promise((resolve) => {
        seen = () => {
          if (events.length >= count) resolve()
        }
        seen()
      })

    let fresh = ""
    await cut(realtime, tom, async () => {
      await old.add(["tyke"])
      await old.remove(["spike"])
      old.name = "Renamed"
      await old.save()
      await old.muteMembers(["tom"])
      fresh = (await jerry.createConversation({ members: ["tom"], name: "New" })).id
    })
    await until(5)
    assert.sameDeepMembers(events, [
      ["membersjoined", { invitedBy: "jerry", members: ["tyke"] }, old.id],
      ["membersleft", { kickedBy: "jerry", members: ["spike"] }, old.id],
      ["conversationinfoupdated", { attributes: { name: "Renamed" }, updatedBy: "jerry" }, old.id],
      ["muted", { mutedBy: "jerry" }, old.id],
      ["invited", { invitedBy: "jerry" }, fresh]
    ])

    // Changes that came live or by the first fetch are not repeated.
    await old.add(["quacker"])
    await until(6)
    await cut(realtime, tom, async () => {
      await old.remove(["quacker"])
    })
    await until(7)
    assert.deepStrictEqual(
      events.slice(5).map(([event]) => event),
      ["membersjoined", "membersleft"]
    )
    await tom.close()
    await jerry.close()
  })

  it("come in pages, each once, and only to the holder of the session's token", async () => {
    await server.parley.users.addAll([{ account: "ann" }, { account: "ben" }])
    const ann = server.parley.as("ann")
    const group = await ann.createGroup({ name: "Pages", members: ["ben"] })
    const { ask, socket } = await dial(server.url)
    const opened = await ask({ cmd: Cmd.session, op: Op.open, appId: "raw", peerId: "ben", i: 1 })
    const token = opened.session?.st ?? ""
    const start = group.createdAt
    for (let count = 1; count <= 130; count++) await ann.rename({ gid: group.gid }, `Name ${count}`)

    const names: Array<unknown> = []
    let since = start - 1
    for (;;) {
      const page = (await (await fetchPage(token, "ben", String(since))).json()) as Page
      for (const { cmd, op, serverTs, notificationType, ...conv } of page.notifications) {
        assert.deepStrictEqual([cmd, notificationType], ["conv", 1])
        assert.isAbove(Number(serverTs), since)
        if (op === "updated") names.push(JSON.parse((conv["attr"] as { readonly data: string }).data).name)
        else assert.strictEqual(op, "joined")
      }
      since = Number(page.notifications.at(-1)?.["serverTs"] ?? since)
      if (!page.hasMore) break
      assert.isAtLeast(page.notifications.length, 100)
    }
    assert.deepStrictEqual(
      names,
      Array.from({ length: 130 }, (_, index) => `Name ${index + 1}`)
    )

    const statuses = [
      ["", "ben", "0"],
      [`${token}x`, "ben", "0"],
      [token, "ann", "0"],
      [token, "ben", "yesterday"]
    ].map(async ([one = "", client = "", at = ""]) => (await fetchPage(one, client, at)).status)
    assert.deepStrictEqual(await Promise.all(statuses), [401, 401, 401, 400])
    socket.close()
  })

  it("name their authors and members after a restart too", async () => {
    await server.parley.users.addAll(["cem", "dora", "emil"].map((account) => ({ account })))
    const cem = server.parley.as("cem")
    const group = await cem.createGroup({ name: "Names", members: ["dora", "emil"] })
    const { ask, socket } = await dial(server.url)
    const opened = await ask({ cmd: Cmd.session, op: Op.open, appId: "raw", peerId: "dora", i: 1 })
    socket.close()
    await cem.revise({ gid: group.gid }, { remove: ["emil"] })
    await server.restart()
    const response = await fetchPage(opened.session?.st ?? "", "dora", String(group.createdAt - 1))
    const { notifications } = (await response.json()) as Page
    assert.deepStrictEqual(
      notifications.map(({ op, initBy, m }) => [op, initBy, m]),
      [
        ["joined", "cem", undefined],
        ["members_left", "cem", ["emil"]]
      ]
    )
  })
})
