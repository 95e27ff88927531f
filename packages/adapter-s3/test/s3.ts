/** An S3 server in a temporary folder: the npm package `@20minutes/s3rver`, which verifies signatures. */
import { createRequire } from "node:module"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

interface Server {
  readonly run: () => Promise<AddressInfo>
  readonly close: () => Promise<void>
}

const S3rver = createRequire(import.meta.url)("@20minutes/s3rver") as new (options: object) => Server

/** Credentials that the server accepts. */
export const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" }

export const BUCKET = "parley"

/** A running server; `folder` has its objects. */
export const startS3 = async () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-s3-"))
  const options = {
    address: "127.0.0.1",
    port: 0,
    silent: true,
    directory: folder,
    configureBuckets: [{ name: BUCKET }]
  }
  const server = new S3rver(options)
  const { port: target } = await server.run()
  /** Methods and paths of all requests. */
  const requests: Array<string> = []
  const recorder = createServer((incoming, response) => {
    const { headers, method, url } = incoming
    requests.push(`${method ?? ""} ${url ?? ""}`)
    const forwarded = request({ host: "127.0.0.1", port: target, headers, method, path: url }, (reply) => {
      response.writeHead(reply.statusCode ?? 500, reply.headers)
      reply.pipe(response)
    })
    forwarded.on("error", () => response.destroy())
    response.on("close", () => forwarded.destroy())
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => recorder.listen(0, "127.0.0.1", resolve))
  const { port } = recorder.address() as AddressInfo
  let isRunning = true
  return {
    endpoint: `http://127.0.0.1:${port}`,
    folder,
    requests,
    stop: async () => {
      if (!isRunning) return
      isRunning = false
      recorder.closeAllConnections()
      recorder.close()
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
