/** The HTTP requests of the 1.0 desktop client. */
import { Effect } from "effect"

export interface Config {
  readonly ip: string
  readonly port: number
  readonly requestType: string
  readonly sessionName: string
}

export const jsonOf = (url: string, init?: RequestInit): Effect.Effect<Readonly<Record<string, unknown>>> =>
  Effect.promise(async () => (await (await fetch(url, init)).json()) as Readonly<Record<string, unknown>>)

/** The request before each login; `address` is what the user has entered. */
export const configuration = (address: string): Effect.Effect<Config> =>
  Effect.map(jsonOf(`${address}/index.php?mode=getconfig`), (config) => config as unknown as Config)

/** Uploads as the client does: multipart by hand, the file before the gid, and no line break at the end. */
export const upload = (address: string, sid: string, gid: string, name: string, content: string) => {
  const boundary = "8f0c2d3e-parley"
  const body =
    `--${boundary}\r\nContent-Disposition: form-data; name="files[]"; filename="${name}"\r\n\r\n${content}\r\n` +
    `--${boundary}\r\nContent-Disposition: form-data; name="gid"\r\n\r\n${gid}\r\n--${boundary}--`
  return jsonOf(`${address}/attach-upload.json?sid=${sid}`, {
    method: "POST",
    headers: { "content-type": `multipart/form-data; boundary=${boundary}`, cookie: `sid=${sid}` },
    body: Buffer.from(body)
  })
}
