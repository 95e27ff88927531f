#!/usr/bin/env node
/**
 * Runs the program `parley` from this workspace's sources, for `npx pnpm run link`: on the calling Node if that can run
 * TypeScript, otherwise on the workspace's.
 */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

const main = new URL("../src/main.ts", import.meta.url)
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

/** Forwarded signals. The terminal sends its own to the child too, which treats two within a moment as one. */
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"]

if (major > 22 || (major === 22 && minor >= 19)) await import(main.href)
else {
  const folder = new URL("../../../node_modules/.bin/", import.meta.url)
  const node = fileURLToPath(new URL(process.platform === "win32" ? "node.CMD" : "node", folder))
  if (existsSync(node)) {
    const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], {
      stdio: "inherit",
      shell: process.platform === "win32"
    })
    for (const signal of SIGNALS) process.on(signal, () => child.kill(signal))
    child.on("exit", (code, signal) => {
      if (signal === null) process.exit(code ?? 1)
      for (const one of SIGNALS) process.removeAllListeners(one)
      process.kill(process.pid, signal)
    })
  } else {
    process.stderr.write(
      `parley: Node ${process.versions.node} is too old: 22.19 is needed; "npx pnpm install" in the workspace brings one\n`
    )
    process.exitCode = 1
  }
}
