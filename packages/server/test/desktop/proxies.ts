/** Proxies in front of a server: nginx with the blocks of `docs/protocols/xuanxuan-desktop.md`, and one in this process. */
import { Effect } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import * as http from "node:http"
import * as net from "node:net"
import { delimiter, join } from "node:path"
import { folder } from "../serverProcess.ts"

/** Ports of 127.0.0.1: two of the proxy's for HTTP, one for raw TCP, and the two of the server behind it. */
export interface Ports {
  readonly http: readonly [number, number]
  readonly tcp: number
  readonly server: { readonly http: number; readonly tcp: number }
}

const PAGE = new URL("../../../../docs/protocols/xuanxuan-desktop.md", import.meta.url)

/** The parts `http` and `stream` of an nginx configuration, as the page has them, with these ports. */
const configurationOf = (ports: Ports): string => {
  const blocks = [...readFileSync(PAGE, "utf8").matchAll(/```\n((?:server|stream) \{\n[^]*?)```/g)].map(
    ([, text]) => text
  )
  const [server, stream] = blocks
  if (server === undefined || stream === undefined) throw new Error("The page has no blocks server and stream.")
  const replaced = (text: string, ...parts: ReadonlyArray<readonly [string, string]>): string =>
    parts.reduce((result, [part, replacement]) => {
      if (!result.includes(part)) throw new Error(`The page's nginx configuration has no ${part}`)
      return result.replace(part, replacement)
    }, text)
  return [
    `http {\naccess_log off;`,
    replaced(
      server,
      ["listen 80;", `listen 127.0.0.1:${ports.http[0]};`],
      ["listen 8088;", `listen 127.0.0.1:${ports.http[1]};`],
      ["127.0.0.1:8080", `127.0.0.1:${ports.server.http}`]
    ),
    "}",
    replaced(
      stream,
      ["listen 9081;", `listen 127.0.0.1:${ports.tcp};`],
      ["127.0.0.1:8081", `127.0.0.1:${ports.server.tcp}`]
    )
  ].join("\n")
}

/** Debian's modules are separate files. */
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"

/** The program, or one sentence about what is missing. */
export const nginxProgram = (): { readonly path: string } | string => {
  const path = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"]
    .map((one) => join(one, "nginx"))
    .find((one) => existsSync(one))
  if (path === undefined || !existsSync(STREAM_MODULE))
    return "nginx is not installed: this test needs Debian's packages nginx-light and libnginx-mod-stream"
  return { path }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on("error", () => resolve(false))
  })

/** Starts nginx; stops it when the scope closes. */
export const nginx = Effect.fnUntraced(function* (ports: Ports) {
  const program = nginxProgram()
  if (typeof program === "string") throw new Error(program)
  const cwd = yield* folder
  const file = join(cwd, "nginx.conf")
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${cwd}/${name};`
  )
  const text = configurationOf(ports).replace("http {", `http {\n${temporary.join("\n")}`)
  writeFileSync(
    file,
    `load_module ${STREAM_MODULE};\ndaemon off;\nmaster_process off;\npid ${cwd}/pid;\nerror_log stderr error;\nevents {}\n${text}`
  )
  const args = ["-p", cwd, "-c", file, "-e", "stderr"]
  const checked = spawnSync(program.path, ["-t", ...args], { encoding: "utf8" })
  if (checked.status !== 0) throw new Error(checked.stderr)
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(program.path, args, { stdio: ["ignore", "ignore", "inherit"] })),
    (running) =>
      Effect.callback<void>((resume) => {
        running.once("exit", () => resume(Effect.void))
        running.kill("SIGTERM")
      })
  )
  yield* Effect.promise(async () => {
    while (child.exitCode === null && !(await accepts(ports.tcp))) await new Promise(setImmediate)
    if (child.exitCode !== null) throw new Error(`nginx has ended with ${child.exitCode}`)
  })
})

/** Starts a proxy that passes on the same headers and bytes as the nginx of the page. */
export const proxyInProcess = Effect.fnUntraced(function* (ports: Ports) {
  const forward: http.RequestListener = (request, response) => {
    const headers = { ...request.headers, "x-forwarded-for": request.socket.remoteAddress ?? "" }
    const { method = "GET", url = "/" } = request
    const onward = http.request(
      { host: "127.0.0.1", port: ports.server.http, method, path: url, headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      }
    )
    onward.on("error", () => response.destroy())
    request.pipe(onward)
  }
  const pass = (socket: net.Socket): void => {
    const onward = net.connect({ host: "127.0.0.1", port: ports.server.tcp })
    for (const [one, other] of [
      [socket, onward],
      [onward, socket]
    ] as const) {
      one.on("error", () => other.destroy()).on("close", () => other.destroy())
      one.pipe(other)
    }
  }
  const listening = (server: net.Server, port: number) =>
    Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(port, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.sync(() => server.close())
    )
  for (const port of ports.http) yield* listening(http.createServer(forward), port)
  yield* listening(net.createServer(pass), ports.tcp)
})
