/** Shell commands that reproduce a failure. Placeholders such as `<alice.password>` replace secrets. */
import type { Transport, Wire } from "./scenarios/Scenario.ts"

/** One word of a POSIX shell. */
export const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

export interface Request {
  readonly method: string
  readonly url: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body?: string
  readonly form?: {
    readonly fields: ReadonlyArray<readonly [string, string]>
    readonly files: ReadonlyArray<{ readonly part: string; readonly name: string; readonly content: string }>
  }
}

/** Passes a file's content through the shell, so that the command needs no file. */
const formOf = (form: NonNullable<Request["form"]>): ReadonlyArray<string> => [
  ...form.fields.map(([name, value]) => `-F ${quoted(`${name}=${value}`)}`),
  ...form.files.map(({ part, name }) => `-F ${quoted(`${part}=@-;filename=${name}`)}`)
]

export const curl = ({ method, url, headers, body, form }: Request): string => {
  const how = method === "GET" ? [] : method === "HEAD" ? ["-I"] : [`-X ${method}`]
  const piped =
    form === undefined || form.files.length === 0 ? "" : `printf %s ${quoted(form.files[0]?.content ?? "")} | `
  return [
    `${piped}curl -sS -i`,
    ...how,
    quoted(url),
    ...headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`--data-binary ${quoted(body)}`]),
    ...(form === undefined ? [] : formOf(form))
  ].join(" ")
}

/** Sends texts over a connection and prints what arrives. */
export const frames = (address: string, texts: ReadonlyArray<string>): string => {
  const spoken = `printf '%s\\n' ${texts.map(quoted).join(" ")}`
  if (!address.startsWith("tcp:")) return `${spoken} | websocat -n ${quoted(address)}`
  const { hostname, port } = new URL(address)
  return `${spoken} | nc ${quoted(hostname)} ${port}`
}

export interface Played {
  readonly protocol: string
  readonly transport: Transport
  readonly wire: Wire
  readonly profile: string
  readonly http: string
  readonly ws?: string | undefined
  readonly tcp?: string | undefined
}

/** The kit's own command for one scenario. */
export const again = (played: Played, scenario: string): string =>
  [
    "npx @parley/conformance run",
    `--protocol ${played.protocol}`,
    `--url ${quoted(played.http)}`,
    ...(played.transport === "ws" && played.ws !== undefined ? [`--ws ${quoted(played.ws)}`] : []),
    ...(played.transport === "tcp" && played.tcp !== undefined ? [`--tcp ${quoted(played.tcp)} --transport tcp`] : []),
    ...(played.transport === "ws" && played.wire !== "documented" ? [`--wire ${played.wire}`] : []),
    ...(played.profile === "documented" ? [] : [`--profile ${played.profile}`]),
    `--only ${quoted(scenario)}`
  ].join(" ")
