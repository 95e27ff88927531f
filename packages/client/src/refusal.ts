/** The reason for which a server refuses the WebSockets of a page, which browsers do not report. */

/**
 * Requests the WebSocket's path by HTTP, where the server explains a refusal; undefined if it does not refuse this page.
 * Rejects if the server cannot be reached. `url` has no query.
 */
export const refusalOf = async (url: string, fetch: typeof globalThis.fetch): Promise<string | undefined> => {
  // A request to the page's own origin has no `Origin`.
  const { location } = globalThis as { readonly location?: { readonly origin: string } }
  const query = location === undefined ? "" : `?origin=${encodeURIComponent(location.origin)}`
  const response = await fetch(url + query, { credentials: "omit", cache: "no-store" })
  if (response.status !== 403) {
    await response.body?.cancel()
    return undefined
  }
  const body: unknown = await response.json()
  return typeof body === "object" && body !== null && "message" in body && typeof body.message === "string"
    ? body.message
    : undefined
}
