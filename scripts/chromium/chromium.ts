/**
 * Chromium of the system, for tests in a browser: Debian's package `chromium`, or the program in the variable `CHROMIUM`.
 * `npx pnpm test` runs these tests if there is one, and reports it otherwise; `npx pnpm test:full` needs it.
 */
import { accessSync, constants } from "node:fs"
import { type Browser, chromium } from "playwright-core"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { isFull } from "../repetitions.ts"

const PROGRAMS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
]

const MISSING = "Chromium is not installed: install Debian's package chromium, or set CHROMIUM to the program's path"

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Returns the path of the program; undefined without one. */
export const chromiumPath = (): string | undefined => {
  const named = process.env["CHROMIUM"]
  return named === undefined || named === "" ? PROGRAMS.find(isExecutable) : named
}

/** Starts a headless browser with a profile of its own. It looks for no updates and talks to no service. */
export const launchChromium = async (): Promise<Browser> => {
  const executablePath = chromiumPath()
  if (executablePath === undefined) throw new Error(`${MISSING}.`)
  return chromium.launch({
    executablePath,
    // The sandbox needs rights that root and containers lack.
    chromiumSandbox: false,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync"
    ]
  })
}

/** A single test in place of those in a browser, with the reason in its name. */
const declareReason = (name: string): void => {
  it(`${name}: did not run in a browser. ${MISSING}`, () => {
    assert.isUndefined(chromiumPath())
    console.warn(`${name}: did not run in a browser. ${MISSING}.`)
  })
}

const declareTests = (name: string, tests: (browser: () => Browser) => void): void => {
  describe(`${name} in Chromium`, () => {
    let browser: Browser | undefined
    beforeAll(async () => {
      browser = await launchChromium()
    }, 120_000)
    afterAll(async () => {
      await browser?.close()
    })
    tests(() => {
      assert(browser !== undefined)
      return browser
    })
  })
}

/** Declares tests with one browser. Without Chromium, `npx pnpm test` has a single test in their place. */
export const describeInChromium = (name: string, tests: (browser: () => Browser) => void): void =>
  chromiumPath() === undefined && !isFull ? declareReason(name) : declareTests(name, tests)
