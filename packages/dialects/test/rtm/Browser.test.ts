/** The SDKs' builds for browsers chat with those for Node. */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { describeInChromium } from "../../../../scripts/chromium/chromium.ts"
import { afterAll, assert, beforeAll, it } from "vitest"
import { type Client, connect, next, type RtmServer, type Sdk, sdks, startServer } from "./harness.ts"

const require = createRequire(import.meta.url)

/** Builds for browsers, by version of the SDK. */
const BUILDS: Readonly<Record<string, string>> = {
  "4.3.1": join(dirname(require.resolve("leancloud-realtime/package.json")), "dist/realtime.browser.js"),
  "5.0.0-rc.8": join(dirname(require.resolve("leancloud-realtime-5/package.json")), "dist/im-browser.js")
}

/** Globals of a page: the SDK, its client, and the texts received. */
interface Globals {
  readonly AV: Sdk
  client: Client
  readonly texts: Array<string>
}

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

describeInChromium("the SDK of rtm", (browser) => {
  for (const [version, sdk] of sdks) {
    it(`${version} chats with its build for Node`, { timeout: 60_000 }, async () => {
      const appId = `browser-${version}`
      await server.parley.operate("rtm-app add", { id: appId, "all-users": true })
      const page = await browser().newPage()
      // Any page of this origin.
      await page.goto(server.http)
      await page.addScriptTag({ path: BUILDS[version] ?? "" })
      const address =
        version === "4.3.1"
          ? { RTMServers: server.url, server: new URL(server.http).host }
          : { server: server.http, ssl: false }
      await page.evaluate(
        async (options) => {
          const globals = globalThis as unknown as Globals
          Object.assign(globals, { texts: [] })
          const realtime = new globals.AV.Realtime(options as never)
          globals.client = await realtime.createIMClient("in-the-browser")
          globals.client.on("message", (message: unknown) => {
            globals.texts.push((message as { readonly text: string }).text)
          })
        },
        { appId, appKey: "unused", ...address }
      )
      const node = await (await connect(sdk, server, { appId })).createIMClient("in-node")
      const conversation = await node.createConversation({ members: ["in-the-browser"], name: "lunch" })
      await conversation.send(new sdk.TextMessage("from Node, 你好"))
      await page.waitForFunction(() => (globalThis as unknown as Globals).texts.length === 1)
      assert.deepEqual(await page.evaluate(() => (globalThis as unknown as Globals).texts), ["from Node, 你好"])
      const received = next<[message: { readonly text: string }]>(node, "message")
      const name = await page.evaluate(async (id) => {
        const { AV, client } = globalThis as unknown as Globals
        const found = await client.getConversation(id)
        await found.send(new AV.TextMessage("from the browser, 你好"))
        return found.name
      }, conversation.id)
      assert.strictEqual(name, "lunch")
      assert.strictEqual((await received)[0].text, "from the browser, 你好")
      // The page reads the history that both have made.
      const history = await page.evaluate(async (id) => {
        const found = await (globalThis as unknown as Globals).client.getConversation(id)
        // Its types ask for a type of message.
        const messages: ReadonlyArray<unknown> = await found.queryMessages({ limit: 10 } as never)
        return messages.map((message) => (message as { readonly text: string }).text)
      }, conversation.id)
      assert.deepEqual(history, ["from Node, 你好", "from the browser, 你好"])
      await node.close()
      await page.close()
    })
  }
})
