/** The product in a browser: users of two companies, two tabs each, and a server that is started again. */
import { join } from "node:path"
import type { Page } from "playwright-core"
import { afterAll, assert, beforeAll, it } from "vitest"
import { describeInChromium } from "../../../scripts/chromium/chromium.ts"
import { buildPage, startProduct } from "./product.ts"

const openChat = (page: Page, name: string): Promise<void> =>
  page.getByRole("list", { name: "Chats" }).getByRole("button", { name }).click()

const send = async (page: Page, text: string): Promise<void> => {
  await page.getByLabel("Message", { exact: true }).fill(text)
  await page.getByRole("button", { name: "Send" }).click()
}

const shows = (page: Page, text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor()

const names = (page: Page): Promise<ReadonlyArray<string>> =>
  page.getByRole("list", { name: "Colleagues" }).getByRole("button").allTextContents()

describeInChromium("the product", (browser) => {
  let product: Awaited<ReturnType<typeof startProduct>>
  beforeAll(async () => {
    product = await startProduct()
    await buildPage(join(product.data, "dist"))
  }, 120_000)
  afterAll(() => product.end())

  it("lets users of one company chat, in several tabs, with its own rules", async () => {
    const [adas, bens, others] = await Promise.all(
      [1, 2, 3].map(() => browser().newContext({ viewport: { width: 1280, height: 720 } }))
    )
    if (adas === undefined || bens === undefined || others === undefined) throw new Error("there is no context")
    const ada = await product.open(adas, "ada")
    const ben = await product.open(bens, "ben")
    const gus = await product.open(others, "gus")
    assert.deepStrictEqual(await names(ada), ["Ben Okafor", "Cleo Marchetti"])
    assert.deepStrictEqual(await names(gus), ["Gil Tanaka"])

    // An unread badge, in each tab.
    await ada.getByRole("list", { name: "Colleagues" }).getByRole("button", { name: "Ben Okafor" }).click()
    await send(ada, "Hello Ben")
    await ben.getByRole("button", { name: "Ada Ahlgren 1 unread" }).waitFor()
    const secondOfBen = await product.open(bens)
    await secondOfBen.getByRole("button", { name: "Ada Ahlgren 1 unread" }).waitFor()

    // Read in one tab: no badge in the other, and a mark for the sender, in both of their tabs.
    const secondOfAda = await product.open(adas)
    await openChat(secondOfAda, "Ben Okafor")
    await openChat(ben, "Ada Ahlgren")
    for (const page of [ada, secondOfAda]) await shows(page, /Read by Ben Okafor/)
    await secondOfBen
      .getByRole("list", { name: "Chats" })
      .getByRole("button", { name: "Ada Ahlgren", exact: true })
      .waitFor()

    // Typing, until the message is there.
    await ben.getByLabel("Message", { exact: true }).pressSequentially("Hi")
    for (const page of [ada, secondOfAda]) await shows(page, "Ben Okafor is typing…")
    await send(ben, "Hi Ada")
    for (const page of [ada, secondOfAda, ben]) await shows(page, "Hi Ada")
    await ada.getByText("Ben Okafor is typing…").waitFor({ state: "detached" })
    // A message of this user from another tab.
    await send(secondOfAda, "From my second tab")
    for (const page of [ada, ben]) await shows(page, "From my second tab")

    // A refused message stays in the field; a rewritten one arrives as rewritten.
    await send(ada, "You are stupid")
    await ada.getByRole("alert").getByText("Please stay friendly.").waitFor()
    assert.strictEqual(await ada.getByLabel("Message", { exact: true }).inputValue(), "You are stupid")
    await send(ada, "My card is 4111 1111 1111 1111")
    for (const page of [ada, secondOfAda, ben]) await shows(page, "My card is •••• 1111")
    assert.strictEqual(await ben.getByText("stupid").count(), 0)

    // All tabs come back after a restart of the server.
    await product.stop()
    for (const page of [ada, secondOfAda, ben, gus]) await shows(page, "Reconnecting…")
    await product.start()
    for (const page of [ada, secondOfAda, ben, gus])
      await page.getByText("Reconnecting…").waitFor({ state: "detached" })
    await send(ben, "After the restart")
    for (const page of [ada, secondOfAda]) await shows(page, "After the restart")
    assert.strictEqual(await ada.getByText("Hello Ben").count(), 1)

    // Nothing of that reached the other company.
    assert.deepStrictEqual(await gus.getByRole("list", { name: "Chats" }).getByRole("button").count(), 0)

    await screenshots(ada)
    await ada.setViewportSize({ width: 1280, height: 720 })

    // The end of a session is the end in all tabs.
    await ada.getByRole("button", { name: "Log out" }).click()
    await ada.getByLabel("Password").waitFor()
    await secondOfAda.getByRole("alert").waitFor()
  }, 240_000)

  /** Written to the folder of the test; kept with KEEP_SCREENSHOTS=1. */
  const screenshots = async (page: Page): Promise<void> => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme })
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: width === 390 ? 844 : 720 })
        await page.screenshot({ path: join(product.data, `chat-${width}-${colorScheme}.png`) })
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        assert.isAtMost(overflow, 0, `nothing is wider than ${width} px`)
      }
      await page.getByRole("button", { name: "Back" }).click()
      await page.screenshot({ path: join(product.data, `list-390-${colorScheme}.png`) })
      await openChat(page, "Ben Okafor")
    }
    if (process.env["KEEP_SCREENSHOTS"] !== undefined) console.log(`screenshots: ${product.data}`)
  }
})
