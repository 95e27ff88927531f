/** Uploads and downloads of files, over HTTP. */
import { ParleyError } from "./ParleyError.ts"

/** A file to upload, if it is not a `File`, which has its own name. */
export interface Upload {
  /** Name of the file. */
  readonly name: string
  /** The bytes; a `File` too. */
  readonly data: Blob
}

export interface FileRequest {
  /** URL of the server, without a slash at the end. */
  readonly http: string
  /** Session token. */
  readonly sid: string
  /** Implementation of requests. */
  readonly fetch: typeof fetch
  /** Aborts the request. */
  readonly signal: AbortSignal | undefined
}

/** Sends a request. The session is in a header, not in the URL, since URLs end up in logs. */
const request = async (
  { http, sid, fetch, signal }: FileRequest,
  method: string,
  path: string,
  { headers, ...init }: Omit<RequestInit, "headers"> & { readonly headers?: Readonly<Record<string, string>> }
): Promise<Response> => {
  let response: Response
  try {
    response = await fetch(`${http}${path}`, {
      ...init,
      headers: { ...headers, authorization: `Bearer ${sid}` },
      signal: signal ?? null
    })
  } catch (cause) {
    if (signal?.aborted === true) throw new ParleyError("aborted", `${method} was aborted`, { method, cause })
    throw new ParleyError("connection", `${method} did not reach the server`, { method, cause })
  }
  if (response.ok) return response
  const body: unknown = await response.json().catch(() => undefined)
  const message: unknown = typeof body === "object" && body !== null && "message" in body ? body.message : undefined
  const { status } = response
  throw new ParleyError("refused", typeof message === "string" ? message : `the server replied with status ${status}`, {
    method,
    status
  })
}

export const upload = async (
  context: FileRequest,
  gid: string,
  files: ReadonlyArray<Upload | File>
): Promise<ReadonlyArray<{ readonly id: number; readonly title: string }>> => {
  const form = new FormData()
  form.set("gid", gid)
  for (const file of files) form.append("files", file instanceof Blob ? file : file.data, file.name)
  const response = await request(context, "upload", "/attach-upload.json", { method: "POST", body: form })
  const { data } = (await response.json()) as { readonly data: ReadonlyArray<{ id: number; title: string }> }
  return data
}

/** Byte offsets from 0, both inclusive; without `end` up to the last byte. */
export interface ByteRange {
  /** First byte, from 0. */
  readonly start: number
  /** Last byte, included; the end of the file if absent. */
  readonly end?: number
}

export const download = (context: FileRequest, id: number, range?: ByteRange): Promise<Response> =>
  request(context, "download", `/attach-download-${id}.json`, {
    headers: range === undefined ? {} : { range: `bytes=${range.start}-${range.end ?? ""}` }
  })
