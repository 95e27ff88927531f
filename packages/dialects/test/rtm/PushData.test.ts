/** Data for push notifications, from the published SDKs and from an app server, as the embedder gets it. */
import type { PushRequested } from "@parley/core"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { connect, next, type RtmServer, sdks, startServer } from "./harness.ts"
import { KEY, restOf } from "./restClient.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

describe.each(sdks)("pushData of the SDK %s", (version, sdk) => {
  const { TextMessage } = sdk

  it("is an event with the message and the members who are not online", async () => {
    const appId = `push-${version}`
    await server.parley.operate("rtm-app add", { id: appId, key: KEY, "all-users": true })
    const [tomId, jerryId, awayId] = [`tom-p${version}`, `jerry-p${version}`, `away-p${version}`]
    const tom = await (await connect(sdk, server, { appId })).createIMClient(tomId)
    const jerry = await (await connect(sdk, server)).createIMClient(jerryId)
    const conversation = await tom.createConversation({ members: [jerryId, awayId], name: "Push" })
    const pushes: Array<PushRequested> = []
    const stop = server.parley.on("push", (event) => pushes.push(event))
    const received = next(jerry, "message")
    const pushData = { alert: "New message", badge: "Increment" }
    const sent = await conversation.send(new TextMessage("hello"), { pushData })
    await received
    await conversation.send(new TextMessage("without"))
    await conversation.send(new TextMessage("transient"), { pushData, transient: true })

    const rest = restOf(server, appId)
    const body = { from_client: tomId, message: "from the app", push_data: { alert: "App" } }
    await rest("POST", `conversations/${conversation.id}/messages`, body)
    const away = await server.parley.users.find(awayId)
    assert.deepStrictEqual(
      pushes.map((push) => [JSON.parse(push.pushData), push.recipients, push.chat.gid]),
      [
        [pushData, [away?.id], conversation.id],
        [{ alert: "App" }, [away?.id], conversation.id]
      ]
    )
    const [first, second] = pushes
    assert.deepStrictEqual([first?.message.content, first?.message.date], ["hello", sent.timestamp.getTime()])
    assert.include(second?.message.content, "from the app")

    // All members are online.
    const back = await (await connect(sdk, server)).createIMClient(awayId)
    await conversation.send(new TextMessage("to all"), { pushData })
    assert.lengthOf(pushes, 2)
    stop()
    for (const client of [tom, jerry, back]) await client.close()
  })
})
