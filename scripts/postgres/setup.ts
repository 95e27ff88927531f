/**
 * Global setup of the tests: one PostgreSQL server of each version for all test files, started when the first of them asks for it
 * (see `database.ts`).
 */
import { rmSync, mkdtempSync } from "node:fs"
import { createServer } from "node:net"
import { platform, tmpdir } from "node:os"
import { join } from "node:path"
import type { PostgresVersion } from "./binaries.ts"
import { type PostgresCluster, startCluster } from "./cluster.ts"
import { ADDRESS } from "./database.ts"

/** Returns what ends the servers. */
export default async (): Promise<(() => Promise<void>) | undefined> => {
  // Vitest runs it once for each project.
  if (process.env[ADDRESS] !== undefined) return undefined
  const clusters = new Map<PostgresVersion, Promise<PostgresCluster>>()
  const clusterOf = (version: PostgresVersion): Promise<PostgresCluster> => {
    const started = clusters.get(version) ?? startCluster(version)
    clusters.set(version, started)
    return started
  }
  const server = createServer((socket) => {
    socket.setEncoding("utf8").once("data", (version: string) => {
      clusterOf(version === "15" ? "15" : "18").then(
        ({ port }) => socket.end(JSON.stringify({ port })),
        (cause: unknown) =>
          socket.end(JSON.stringify({ problem: cause instanceof Error ? cause.message : String(cause) }))
      )
    })
    socket.on("error", () => socket.destroy())
  })
  const folder = mkdtempSync(join(tmpdir(), "parley-tests-"))
  const address = platform() === "win32" ? `\\\\.\\pipe\\parley-tests-${process.pid}` : join(folder, "postgres")
  await new Promise<void>((resolve) => server.listen(address, resolve))
  process.env[ADDRESS] = address
  return async () => {
    server.close()
    for (const cluster of clusters.values())
      await cluster.then(
        (one) => one.remove(),
        () => undefined
      )
    rmSync(folder, { recursive: true, force: true })
  }
}
