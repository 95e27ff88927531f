/** Messages of the service's own plugin for images, files and places, which needs its storage library for `AV.File`. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import AV from "leancloud-storage"
import initPlugin from "leancloud-realtime-plugin-typed-messages"
import type { Message } from "leancloud-realtime"
import { connect, next, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  // The library of the storage service sends nothing until it is asked to store something.
  AV.init({ appId: "typed", appKey: "unused", serverURL: "http://127.0.0.1:1" })
  server = await startServer()
})
afterAll(() => server.close())

/** Fields of the plugin's messages. */
interface Typed extends Message {
  readonly text?: string
  readonly getFile?: () => { readonly url: () => string; readonly name: () => string }
  readonly getLocation?: () => { readonly latitude: number; readonly longitude: number }
}

describe.each(sdks)("messages of the plugin with the SDK %s", (version, sdk) => {
  it("are received as they were sent, and their files are links in other protocols", async () => {
    const { TypedMessagesPlugin, ImageMessage, FileMessage, LocationMessage } = initPlugin(AV, sdk as never)
    const appId = `typed-${version}`
    await server.parley.operate("rtm-app add", { id: appId, "all-users": true })
    const realtime = await connect(sdk, server, { appId, plugins: [TypedMessagesPlugin] })
    const [tom, jerry] = [
      await realtime.createIMClient(`tom-${version}`),
      await realtime.createIMClient(`jerry-${version}`)
    ]
    const conversation = await tom.createConversation({ members: [jerry.id], name: "Photos" })
    const send = async (message: Message): Promise<Typed> => {
      const received = next<[Typed]>(jerry, "message")
      await conversation.send(message)
      return (await received)[0]
    }
    /** A file that the app has stored elsewhere. */
    const file = (name: string) => Object.assign(AV.File.withURL(name, `https://files.example/${name}`), { id: name })
    const image = new ImageMessage(file("cat.png")) as InstanceType<typeof ImageMessage> & {
      readonly setText: (text: string) => void
    }
    image.setText("a cat")
    const seen = await send(image)
    assert.instanceOf(seen, ImageMessage)
    assert.strictEqual(seen.text, "a cat")
    assert.strictEqual(seen.getFile?.().url(), "https://files.example/cat.png")
    const document = await send(new FileMessage(file("plan.pdf")))
    assert.instanceOf(document, FileMessage)
    assert.strictEqual(document.getFile?.().name(), "plan.pdf")
    const place = await send(new LocationMessage(new AV.GeoPoint(30.25, 120.5)))
    assert.instanceOf(place, LocationMessage)
    assert.strictEqual(place.getLocation?.().latitude, 30.25)

    const [team] = await server.parley.as(jerry.id).chats()
    const { messages } = await server.parley.as(jerry.id).history(team ?? assert.fail("no chat"))
    const links = messages.flatMap(({ contentType, content }) =>
      contentType === "image" || contentType === "file"
        ? [[contentType, (JSON.parse(content) as { url: string }).url]]
        : []
    )
    assert.deepStrictEqual(links.reverse(), [
      ["image", "https://files.example/cat.png"],
      ["file", "https://files.example/plan.pdf"]
    ])
    await tom.close()
    await jerry.close()
  })
})
