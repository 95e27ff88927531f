/** An app server: requests of the REST API with an app's master key. */
import type { RtmServer } from "./harness.ts"

/** Fields of all responses; each has some of them. */
export interface RestBody {
  readonly code: number
  readonly error: string
  readonly objectId: string
  readonly name: string
  readonly m: unknown
  readonly c: string
  readonly topic: unknown
  readonly unique: boolean
  readonly createdAt: string
  readonly updatedAt: string
  readonly uniqueId: string
  readonly results: ReadonlyArray<{ readonly objectId: string; readonly name: string; readonly m: unknown }>
  readonly result: unknown
  readonly count: number
  readonly client_ids: ReadonlyArray<string>
  readonly next: string
  readonly "msg-id": string
  readonly timestamp: number
  readonly signature: string
  readonly nonce: string
  readonly client_id: string
}

export interface RestReply {
  readonly status: number
  readonly json: RestBody
}

export type Rest = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>
) => Promise<RestReply>

export const KEY = "master-key-of-a-test"

/** Requests of an app, which must exist with this key. */
export const restOf =
  ({ http }: Pick<RtmServer, "http">, appId: string): Rest =>
  async (method, path, body, headers = { "X-LC-Key": `${KEY},master` }) => {
    const response = await fetch(`${http}/1.2/rtm/${path}`, {
      method,
      headers: {
        "X-LC-Id": appId,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
    return { status: response.status, json: (await response.json()) as RestBody }
  }

/** Returns a query. */
export const query = (values: Readonly<Record<string, unknown>>): string =>
  `?${new URLSearchParams(Object.entries(values).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]))}`

/** Returns a response that is a list. */
export const listIn = ({ json }: RestReply): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  json as unknown as ReadonlyArray<Readonly<Record<string, unknown>>>
